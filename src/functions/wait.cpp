// SPDX-License-Identifier: PostgreSQL
// trending.sync and trending.watch: waiting for the worker.
#include "catalog/definition_catalog.h"

#include <algorithm>
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "postgres/relation_owner.h"
#include "shmem/directory.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

// Longest sleep without looking at the worker's state.
constexpr int64 kLongestSleepUs = USECS_PER_SEC;

struct Deadline {
  TimestampTz end;

  explicit Deadline(int64 timeout_us) {
    TimestampTz now = GetCurrentTimestamp();
    if (pg_add_s64_overflow(now, timeout_us, &end)) end = PG_INT64_MAX;
  }
  int64 left() const { return std::max(end - GetCurrentTimestamp(), int64{0}); }
};

void check_serving(DatabaseShared* entry) {
  if (entry == nullptr || !worker_serves(entry)) raise_not_serving(entry);
}

// Sleeps until something changes, at most until the deadline. The caller has prepared to sleep and looks
// again.
void sleep(DatabaseShared* entry, const Deadline& deadline) {
  int64 sleep_us = std::min(deadline.left(), kLongestSleepUs);
  (void)ConditionVariableTimedSleep(&entry->changed, static_cast<long>(sleep_us / 1000 + 1),
                                    compat::wait_event(compat::Wait::kReader));
  check_serving(entry);
}

// Whether the caller is, or is a member of, a role that owns a trend. Not by being superuser: those who may
// do everything do not wait for everybody.
bool is_own(Oid relation) {
  Oid owner = relation_owner(relation);
  return OidIsValid(owner) && is_member_of_role_nosuper(GetUserId(), owner);
}

// The trends to wait for: their foreign tables and, in the same order, their ids.
struct Awaited {
  List* relations;
  List* ids;
};

Awaited own_trends() {
  Awaited own = {NIL, NIL};
  ListCell* cell;
  foreach (cell, definition_ids()) {
    Oid relation = definition_relation(lfirst_int(cell));
    if (!is_own(relation)) continue;
    own.relations = lappend_oid(own.relations, relation);
    own.ids = lappend_int(own.ids, lfirst_int(cell));
  }
  return own;
}

// The first of the trends that is in a phase, or InvalidOid; then `glance` says more.
Oid first_in(const Awaited& trends, TrendPhase phase, TrendGlance* glance) {
  ListCell* relation;
  ListCell* id;
  forboth(relation, trends.relations, id, trends.ids) {
    if (trend_glance(lfirst_int(id), glance) && glance->phase == phase) return lfirst_oid(relation);
  }
  return InvalidOid;
}

const char* trend_name(Oid relation) {
  const char* name = get_rel_name(relation);
  return name != nullptr ? quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name)
                         : "?";
}

// Puts a record behind everything committed so far, and has the worker look at it.
XLogRecPtr mark_position(DatabaseShared* entry) {
  XLogRecPtr mark = compat::log_message("trending", "sync", 4);
  XLogFlush(mark);
  LWLockAcquire(&directory->lock, LW_SHARED);
  if (entry->latch != nullptr) SetLatch(entry->latch);
  LWLockRelease(&directory->lock);
  return mark;
}

[[noreturn]] void raise_timeout(DatabaseShared* entry, XLogRecPtr mark, Oid filling,
                                const TrendGlance& glance) {
  const XLogRecPtr applied = pg_atomic_read_u64(&entry->applied_lsn);
  if (applied >= mark && OidIsValid(filling)) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("trends did not catch up within the timeout"),
             errdetail("Trend %s is being filled from its source. %s", trend_name(filling), glance.reason),
             errhint("%s", kFillingHint)));
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("trends did not catch up within the timeout"),
                  errdetail("The worker is at %X/%X, the call was made at %X/%X.", TRENDING_LSN_ARGS(applied),
                            TRENDING_LSN_ARGS(mark)),
                  errhint("See trending.worker_status, or give a longer timeout.")));
  pg_unreachable();
}

void wait_until_applied(DatabaseShared* entry, XLogRecPtr mark, const Awaited& trends,
                        const Deadline& deadline) {
  ConditionVariablePrepareToSleep(&entry->changed);
  for (;;) {
    // The worker knows all trends then, and readers see what a restarted one has.
    const bool is_applied =
        pg_atomic_read_u64(&entry->applied_lsn) >= mark && database_state(entry) == WorkerState::kRunning;
    TrendGlance glance = {};
    Oid filling = first_in(trends, TrendPhase::kFilling, &glance);
    if (is_applied && !OidIsValid(filling)) break;
    if (deadline.left() == 0) {
      ConditionVariableCancelSleep();
      raise_timeout(entry, mark, filling, glance);
    }
    sleep(entry, deadline);
  }
  ConditionVariableCancelSleep();
}

// One that is stopped will not catch up. Who asked for it by name is told by an error, others by a warning.
void tell_stopped(const Awaited& trends, int level) {
  TrendGlance glance;
  Oid stopped = first_in(trends, TrendPhase::kStopped, &glance);
  if (!OidIsValid(stopped)) return;
  ereport(level, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("trend %s is stopped", trend_name(stopped)), errdetail("%s", glance.reason),
                  errhint("%s", kStoppedHint)));
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(sync) {
  using namespace trending;
  if (RecoveryInProgress()) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("recovery is in progress"),
                    errhint("trending.sync() can be called on the primary server only.")));
  }
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  Deadline deadline(duration_argument(PG_GETARG_INTERVAL_P(0)));
  DatabaseShared* entry = database_shared();
  check_serving(entry);
  const bool is_named = !PG_ARGISNULL(1);
  Awaited trends;
  if (is_named) {
    const Definition* definition = readable_trend(PG_GETARG_OID(1));
    trends = {list_make1_oid(definition->relation), list_make1_int(definition->id)};
  } else {
    trends = own_trends();
  }
  XLogRecPtr mark = mark_position(entry);
  wait_until_applied(entry, mark, trends, deadline);
  tell_stopped(trends, is_named ? ERROR : WARNING);
  PG_RETURN_LSN(mark);
}

TRENDING_FUNCTION(watch) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  int32 trend_id = definition->id;
  auto known = static_cast<uint64>(std::max(PG_GETARG_INT64(1), int64{0}));
  Deadline deadline(duration_argument(PG_GETARG_INTERVAL_P(2)));
  DatabaseShared* entry = database_shared();
  check_serving(entry);
  ConditionVariablePrepareToSleep(&entry->changed);
  uint64 version = trend_version(trend_id);
  while (version <= known && deadline.left() > 0) {
    sleep(entry, deadline);
    version = trend_version(trend_id);
  }
  ConditionVariableCancelSleep();
  PG_RETURN_INT64(static_cast<int64>(version));
}
