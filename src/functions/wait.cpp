// trending.sync and trending.watch: waiting for the worker.
#include "functions/trend_argument.h"
#include "postgres/guard.h"
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
  int64 left() const { return Max(end - GetCurrentTimestamp(), int64{0}); }
};

void check_serving(DatabaseShared* entry) {
  if (entry == nullptr || !worker_serves(entry)) raise_not_serving(entry);
}

// Sleeps until something changes, at most until the deadline. The caller has prepared to sleep and looks
// again.
void sleep(DatabaseShared* entry, const Deadline& deadline) {
  int64 sleep_us = Min(deadline.left(), kLongestSleepUs);
  (void)ConditionVariableTimedSleep(&entry->changed, static_cast<long>(sleep_us / 1000 + 1),
                                    PG_WAIT_EXTENSION);
  check_serving(entry);
}

// Whether the worker is still counting the rows that a new trend's source had. It does so beside decoding.
bool some_trend_is_filling() {
  List* ids = definition_ids();
  ListCell* cell;
  foreach (cell, ids) {
    TrendGlance glance;
    if (trend_glance(lfirst_int(cell), &glance) && glance.phase == TrendPhase::kFilling) return true;
  }
  return false;
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

void wait_until_applied(DatabaseShared* entry, XLogRecPtr mark, const Deadline& deadline) {
  ConditionVariablePrepareToSleep(&entry->changed);
  while (pg_atomic_read_u64(&entry->applied_lsn) < mark || some_trend_is_filling()) {
    if (deadline.left() == 0) {
      ConditionVariableCancelSleep();
      ereport(ERROR,
              (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
               errmsg("trends did not catch up within the timeout"),
               errdetail("The worker is at %X/%X, the call was made at %X/%X.",
                         TRENDING_LSN_ARGS(pg_atomic_read_u64(&entry->applied_lsn)), TRENDING_LSN_ARGS(mark)),
               errhint("See trending.worker_status, or give a longer timeout.")));
    }
    sleep(entry, deadline);
  }
  ConditionVariableCancelSleep();
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(sync) {
  using namespace trending;
  if (RecoveryInProgress()) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("recovery is in progress"),
                    errhint("trending.sync() can be called on the primary server only.")));
  }
  Deadline deadline(duration_argument(PG_GETARG_INTERVAL_P(0)));
  DatabaseShared* entry = database_shared();
  check_serving(entry);
  XLogRecPtr mark = mark_position(entry);
  wait_until_applied(entry, mark, deadline);
  PG_RETURN_LSN(mark);
}

TRENDING_FUNCTION(watch) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  int32 trend_id = definition->id;
  auto known = static_cast<uint64>(Max(PG_GETARG_INT64(1), int64{0}));
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
