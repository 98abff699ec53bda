// SPDX-License-Identifier: PostgreSQL
#include "bgworker/filling/source_cursor.h"

#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/as_table_owner.h"
#include "postgres/interrupted.h"
#include "postgres/owned_table.h"
#include "postgres/relation_owner.h"

namespace trending {

namespace {

// Between two looks. After it was cancelled, there are so many for code that handles that.
constexpr int kTickMs = 500;
constexpr int kPatienceTicks = kPatienceMs / kTickMs;
constexpr int kGraceTicks = 2;

// What the timer's handler changes is volatile.
struct Patience {
  TimeoutId timer;
  Oid owner;            // of the table
  volatile int ticks;   // since planning began
  volatile int ending;  // those with the worker about to end
  volatile sig_atomic_t is_cancelled;
  volatile sig_atomic_t is_lost;  // the worker ends
};
Patience patience = {};

// Planning goes on though the worker is about to end: nobody looks for interrupts.
void end_here() {
  if (!handler_may_end_process()) return;
  InterruptHoldoffCount = 0;
  if (patience.is_lost) blame_overrun(patience.owner);
  CHECK_FOR_INTERRUPTS();
}

// In the signal handler.
void on_tick() {
  patience.ticks = patience.ticks + 1;
  if (ProcDiePending) patience.ending = patience.ending + 1;
  if (patience.ending > kGraceTicks) end_here();
  if (!patience.is_cancelled && patience.ticks >= kPatienceTicks) {
    patience.is_cancelled = 1;
    QueryCancelPending = true;
    InterruptPending = true;
  } else if (!patience.is_lost && patience.ticks >= kPatienceTicks + kGraceTicks) {
    patience.is_lost = 1;
    ProcDiePending = true;
    InterruptPending = true;
  }
  enable_timeout_after(patience.timer, kTickMs);
}

void begin_patience(Oid owner) {
  patience.owner = owner;
  patience.ticks = 0;
  patience.ending = 0;
  patience.is_cancelled = 0;
  enable_timeout_after(patience.timer, kTickMs);
}

void end_patience() {
  disable_timeout(patience.timer, false);
  if (patience.is_cancelled) QueryCancelPending = false;
}

void blame_if_lost(int, Datum) {
  if (patience.is_lost) blame_death(ERRCODE_PROGRAM_LIMIT_EXCEEDED);
}

// REINDEX locks an index against reading, and not its table. Planning would wait for it.
void lock_indexes_at_once(Oid table) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(table, AccessShareLock, nullptr)) {
    Relation part = table_open(lfirst_oid(cell), AccessShareLock);
    ListCell* place = nullptr;
    foreach (place, RelationGetIndexList(part)) {
      const Oid index = lfirst_oid(place);
      if (ConditionalLockRelationOid(index, AccessShareLock)) continue;
      const char* name = get_rel_name(index);
      ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                      errmsg("\"%s\" is locked by somebody else", name != nullptr ? name : "an index")));
    }
    table_close(part, NoLock);
  }
}

[[noreturn]] void raise_slow(FollowedTrend* trend, const char* name) {
  trend->trouble.set_aside = true;
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("an expression of an index or of statistics of \"%s\" took longer than %d s",
                         name != nullptr ? name : "its source", kPatienceMs / 1000)));
  pg_unreachable();
}

}  // namespace

void source_cursor_start() {
  patience.timer = RegisterTimeout(USER_TIMEOUT, on_tick);
  before_shmem_exit(blame_if_lost, 0);
}

Portal source_cursor_open(FollowedTrend* trend, Oid table, const char* query) {
  working_for(trend->id, Work::kFilling);
  lock_indexes_at_once(table);
  SPIPlanPtr plan = SPI_prepare_cursor(query, 0, nullptr, 0);
  if (plan == nullptr) elog(ERROR, "could not prepare reading of the source");
  const char* name = get_rel_name(table);
  Portal cursor = nullptr;
  begin_patience(relation_owner(table));
  PG_TRY();
  {
    as_table_owner(table, [&] { cursor = SPI_cursor_open(nullptr, plan, nullptr, nullptr, true); });
    end_patience();
  }
  PG_CATCH();
  {
    end_patience();
    if (patience.is_cancelled) {
      FlushErrorState();
      raise_slow(trend, name);
    }
    PG_RE_THROW();
  }
  PG_END_TRY();
  return cursor;
}

}  // namespace trending
