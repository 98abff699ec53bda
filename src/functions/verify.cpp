// SPDX-License-Identifier: PostgreSQL
// trending_internal.live_differences(trend): the rows in which a trend differs from its definition run in batch, at
// one instant; trending_internal.history_differences_now(trend): those of its history.
//
// Both sides of the live trend are fixed while writers of the source are kept out: the trend's rows are
// copied when the worker has counted everything, and a snapshot is taken. Then the lock is released, and
// the batch query runs under that snapshot. Writers wait for no more than that: the lock itself is waited for
// in short turns, since whoever comes to write meanwhile queues up behind it. All this happens in a
// subtransaction that is rolled back; what it made belongs to the one around it.
//
// The caller's rights are looked at first. The trend is copied from shared memory and history through the
// door to it, so the query that compares is over the source alone, and runs as the source's owner.
#include <algorithm>

#include "functions/batch_query.h"
#include "functions/difference_query.h"
#include "functions/named_rows.h"
#include "functions/past.h"
#include "functions/source_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

constexpr const char* kLockTurn = "100ms";
constexpr const char* kCatchUp = "2 seconds";  // of the worker, under the lock
constexpr long kPauseMs = 200;                 // between two turns, in which writers go on
constexpr int kRereads = 100;
constexpr const char* kLiveRows = "trending_live_rows";
constexpr const char* kHistoryRows = "trending_history_rows";

// Made outside of the subtransaction.
struct Moment {
  NamedRows rows;
  Snapshot snapshot;
  LiveSide live;
};

void run(const char* command) {
  if (SPI_execute(command, false, 0) < 0) elog(ERROR, "could not run \"%s\"", command);
}

// The caller needs no rights to write the source: he keeps writers out for a moment only.
void lock_writers_out(Oid source) {
  const int nest_level = NewGUCNestLevel();
  (void)set_config_option("lock_timeout", kLockTurn, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                          false);
  LockRelationOid(source, ShareLock);
  (void)find_all_inheritors(source, ShareLock, nullptr);
  AtEOXact_GUC(true, nest_level);
}

struct Seen {
  Window window;
  Time clock;
  Time watermark;

  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen look(const Definition& definition) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  const Seen seen{reader.window(), reader.clock(), reader.watermark()};
  trend_read_end(read);
  return seen;
}

// The trend's rows and what it says of itself, of the same instant: the clock may move without rows.
void copy_rows(const Definition& definition, Moment* moment) {
  for (int i = 0; i < kRereads; i++) {
    const Seen before = look(definition);
    tuplestore_clear(moment->rows.rows);
    copy_trend(definition, moment->rows);
    if (look(definition) == before) {
      moment->live = {kLiveRows, before.window, before.clock, before.watermark, counted_since(definition)};
      return;
    }
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the current window of trend \"%s\" changes faster than it can be read",
                         get_rel_name(definition.relation))));
}

// False when the lock was not to be had, or the worker did not catch up, within a turn; then `error` is why.
bool try_to_fix(const Definition& definition, Moment* moment, ErrorData** error) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner resources = CurrentResourceOwner;
  volatile bool good = false;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    SPI_connect();
    lock_writers_out(definition.source);
    for (int d = 0; d < definition.dimension_count; d++) lock_writers_out(definition.dimensions[d].relation);
    run(psprintf("SELECT trending.sync('%s')", kCatchUp));
    copy_rows(definition, moment);
    // Later than the lock, and no earlier than anything that was copied.
    moment->snapshot = RegisterSnapshotOnOwner(GetTransactionSnapshot(), resources);
    SPI_finish();
    MemoryContextSwitchTo(memory);
    RollbackAndReleaseCurrentSubTransaction();
    good = true;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    *error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    const int sqlstate = (*error)->sqlerrcode;
    if (sqlstate != ERRCODE_LOCK_NOT_AVAILABLE && sqlstate != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE) {
      CurrentResourceOwner = resources;
      ReThrowError(*error);
    }
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return good;
}

void tell_of_writers(const Definition& definition) {
  ereport(NOTICE,
          (errmsg("trending.verify waits for transactions that have written to \"%s\"",
                  get_rel_name(definition.source)),
           errhint("See pg_locks for those that hold RowExclusiveLock on it, and pg_prepared_xacts. SET "
                   "lock_timeout bounds the wait.")));
}

// Waits as long as there are writers that keep the lock, or lock_timeout; the worker gets a few turns.
void fix(const Definition& definition, Moment* moment) {
  constexpr int kWorkerTurns = 5;
  constexpr int64 kTellUs = 2 * 1000 * 1000;
  const TimestampTz began = GetCurrentTimestamp();
  int behind = 0;
  bool told = false;
  for (ErrorData* error = nullptr; !try_to_fix(definition, moment, &error); FreeErrorData(error)) {
    const int64 waited = GetCurrentTimestamp() - began;
    const bool by_writers = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
    if (by_writers && LockTimeout > 0 && waited > LockTimeout * INT64CONST(1000)) ReThrowError(error);
    if (!by_writers && ++behind == kWorkerTurns) ReThrowError(error);
    if (by_writers && !told && waited > kTellUs) {
      tell_of_writers(definition);
      told = true;
    }
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kPauseMs,
                    compat::wait_event(compat::Wait::kVerify));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

// Puts what a comparison finds into the result, column by column. Under a snapshot, or under that of now.
void compare(const Definition& definition, const NamedRows& rows, const char* query, Snapshot snapshot,
             ReturnSetInfo* result) {
  SPI_connect();
  named_rows_register(rows);
  as_table_owner(definition.source, [&] {
    SPIPlanPtr plan = SPI_prepare(query, 0, nullptr);
    if (plan == nullptr) elog(ERROR, "could not plan the comparison");
    if (SPI_execute_snapshot(plan, nullptr, nullptr, snapshot, InvalidSnapshot, snapshot != InvalidSnapshot,
                             false, 0) < 0) {
      elog(ERROR, "could not compare");
    }
  });
  for (uint64 i = 0; i < SPI_processed; i++) {
    Datum values[4];
    bool nulls[4];
    for (int c = 0; c < result->setDesc->natts; c++) {
      values[c] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, c + 1, &nulls[c]);
    }
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  SPI_finish();
}

// From when on history is complete, as trending.status has it; false where that is not known.
bool complete_since(const Definition& definition, Time* since) {
  SPI_connect();
  Oid type = OIDOID;
  Datum relation = ObjectIdGetDatum(definition.relation);
  if (pinned_execute("SELECT trending.history_since($1)", 1, &type, &relation, nullptr, false, 1) !=
      SPI_OK_SELECT) {
    elog(ERROR, "could not read how far back history goes");
  }
  bool isnull = true;
  *since = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
  SPI_finish();
  return !isnull;
}

// Copies history, and notes what it has to hold. What bounds it from above is read before, since history
// grows there, what bounds it from below afterwards, since retention removes windows.
HistorySide read_history_side(const Definition& definition, const NamedRows& rows) {
  const HistoryProgress before = history_progress(definition);
  const Time since = counted_since(definition);
  // Of sessions only those whose end the watermark has reached. One that a later session of its group has put
  // into history before is ranked among those that are there by then.
  const bool has_sessions = definition.window.kind == WindowKind::kSession;
  // Final windows keep what joined tables had when they became so.
  const bool has_dimensions = definition.dimension_count > 0;
  copy_history(definition, rows, {kNoTime, PG_INT64_MAX}, [&](const Window& window) {
    if (has_dimensions && window.end <= before.final_before) return false;
    return (!has_sessions || window.end <= before.until) &&
           (!definition.by_commit_time || window.start >= since);
  });
  HistorySide side = {};
  side.rows = kHistoryRows;
  side.clock = before.clock;
  side.until = before.until;
  side.final_before = before.final_before;
  side.watermark = history_progress(definition).watermark;
  side.counted_since = since;
  side.is_complete_since_known = complete_since(definition, &side.complete_since);
  if (has_dimensions) {
    side.complete_since = side.is_complete_since_known ? std::max(side.complete_since, before.final_before)
                                                       : before.final_before;
    side.is_complete_since_known = true;
  }
  return side;
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(live_differences) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  check_source_rights(*definition);
  check_source_owners(*definition);
  InitMaterializedSRF(fcinfo, 0);
  const int dates = iso_dates_begin();
  Moment moment = {};
  moment.rows = named_rows_create(kLiveRows, trend_row_type(*definition));
  fix(*definition, &moment);
  compare(*definition, moment.rows, live_difference_query(*definition, moment.live), moment.snapshot,
          reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
  UnregisterSnapshotFromOwner(moment.snapshot, CurrentResourceOwner);
  named_rows_end(moment.rows);
  iso_dates_end(dates);
  return 0;
}

TRENDING_FUNCTION(history_differences_now) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  check_source_rights(*definition);
  check_source_owners(*definition);
  check_history_rights(*definition);
  InitMaterializedSRF(fcinfo, 0);
  const int dates = iso_dates_begin();
  const NamedRows rows = named_rows_create(kHistoryRows, history_row_type(*definition));
  const HistorySide side = read_history_side(*definition, rows);
  compare(*definition, rows, history_difference_query(*definition, side), InvalidSnapshot,
          reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo));
  named_rows_end(rows);
  iso_dates_end(dates);
  return 0;
}
