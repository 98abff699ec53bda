// SPDX-License-Identifier: PostgreSQL
// trending_internal.trend_stats and trending_internal.worker_stats: what shared memory knows, for the status views. They never
// wait and never fail because a worker is not there: that is when they are looked at.
#include <limits>

#include "catalog/definition_catalog.h"
#include "functions/past.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "postgres/may_see.h"
#include "shmem/directory.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

constexpr int kTrendColumns = 22;
constexpr int kWorkerColumns = 17;

// A row under construction: columns are appended in order.
template <int kColumns>
struct RowBuilder {
  Datum values[kColumns] = {};
  bool isnull[kColumns] = {};
  int next = 0;

  void add(Datum value) { values[next++] = value; }
  void add_null() { isnull[next++] = true; }
  void add_count(uint64 value) { add(Int64GetDatum(static_cast<int64>(value))); }
  void add_text(const char* value) {
    if (value == nullptr || value[0] == '\0') return add_null();
    add(CStringGetTextDatum(value));
  }
  void add_time(Time value) {
    if (value == kNoTime) return add_null();
    add(TimestampTzGetDatum(value));
  }
};

const char* phase_name(TrendPhase phase) {
  switch (phase) {
    case TrendPhase::kFilling:
      return "filling";
    case TrendPhase::kRunning:
      return "running";
    case TrendPhase::kStopped:
      return "stopped";
  }
  return "unknown";
}

void put_trend(int32 trend_id, const TrendGlance& glance, ReturnSetInfo* result) {
  RowBuilder<kTrendColumns> row;
  row.add(Int32GetDatum(trend_id));
  row.add_text(phase_name(glance.phase));
  const bool hidden = glance.reason[0] != '\0' && !may_see_messages(definition_owner(trend_id));
  row.add_text(hidden ? kHiddenReason : glance.reason);
  row.add_count(glance.version);
  bool has_window = !glance.is_decayed && !glance.is_unbounded;
  row.add_time(has_window ? glance.window.start : kNoTime);
  row.add_time(has_window ? glance.window.end : kNoTime);
  row.add_time(glance.is_unbounded ? kNoTime : glance.clock);
  row.add_time(glance.is_unbounded ? kNoTime : glance.watermark);
  row.add_count(glance.live_groups);
  row.add_count(glance.kept_groups);
  row.add_count(glance.kept_panes);
  row.add_count(glance.counters.events);
  row.add_count(glance.counters.late);
  row.add_count(glance.ahead);
  row.add_count(glance.null_time);
  row.add_count(glance.failed);
  row.add_count(glance.counters.out_of_range);
  row.add_count(glance.counters.refused);
  row.add_count(glance.counters.unmatched);
  row.add_count(glance.unretracted);
  row.add_count(glance.memory_bytes);
  if (glance.retractable == Retractable::kUnknown) {
    row.add_null();
  } else {
    row.add(BoolGetDatum(glance.retractable == Retractable::kYes));
  }
  Assert(row.next == kTrendColumns);
  tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.isnull);
}

void put_missing_worker(RowBuilder<kWorkerColumns>* row) {
  WorkerWords words = worker_words(nullptr);
  row->add_null();
  row->add_text(words.state);
  row->add_text(words.message);
  row->add_text(words.hint);
  while (row->next < kWorkerColumns) row->add_null();
}

void add_lsn(RowBuilder<kWorkerColumns>* row, XLogRecPtr lsn) {
  if (lsn == InvalidXLogRecPtr) return row->add_null();
  row->add(LSNGetDatum(lsn));
}

void put_worker(DatabaseShared* entry, RowBuilder<kWorkerColumns>* row) {
  WorkerWords words = worker_words(entry);
  if (words.pid == 0) {
    row->add_null();
  } else {
    row->add(Int32GetDatum(words.pid));
  }
  row->add_text(words.state);
  row->add_text(words.message);
  row->add_text(words.hint);
  XLogRecPtr applied = pg_atomic_read_u64(&entry->applied_lsn);
  add_lsn(row, applied);
  if (applied == InvalidXLogRecPtr || RecoveryInProgress()) {
    row->add_null();
  } else {
    XLogRecPtr written = GetXLogWriteRecPtr();
    row->add_count(written > applied ? written - applied : 0);
  }
  add_lsn(row, pg_atomic_read_u64(&entry->confirmed_lsn));
  row->add_count(pg_atomic_read_u64(&entry->transactions));
  uint64 checkpoint_at = pg_atomic_read_u64(&entry->checkpoint_at);
  row->add_time(checkpoint_at == 0 ? kNoTime : static_cast<Time>(checkpoint_at));
  row->add(Float8GetDatum(static_cast<double>(pg_atomic_read_u64(&entry->checkpoint_us)) / 1000.0));
  row->add_count(pg_atomic_read_u64(&entry->checkpoint_bytes));
  row->add(Float8GetDatum(static_cast<double>(pg_atomic_read_u64(&entry->checkpoint_hold_us)) / 1000.0));
  row->add_count(pg_atomic_read_u64(&entry->starts));
  LWLockAcquire(&directory->lock, LW_SHARED);
  const int32 failures = entry->failures;
  LWLockRelease(&directory->lock);
  row->add(Int32GetDatum(failures));
  row->add(Int32GetDatum(trends_set_aside()));
  row->add_count(pg_atomic_read_u64(&entry->area_granted));
  row->add(Float8GetDatum(static_cast<double>(pg_atomic_read_u64(&entry->latency.last_us)) / 1000.0));
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(trend_stats) {
  using namespace trending;
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  List* ids = definition_ids();
  ListCell* cell;
  foreach (cell, ids) {
    CHECK_FOR_INTERRUPTS();
    TrendGlance glance;
    if (trend_glance(lfirst_int(cell), &glance)) put_trend(lfirst_int(cell), glance, result);
  }
  return 0;
}

// Counters that are not in trend_stats, whose columns a view has had since 0.1.0.
TRENDING_FUNCTION(trend_counters) {
  using namespace trending;
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  List* ids = definition_ids();
  ListCell* cell;
  foreach (cell, ids) {
    CHECK_FOR_INTERRUPTS();
    TrendGlance glance;
    if (!trend_glance(lfirst_int(cell), &glance)) continue;
    RowBuilder<3> row;
    row.add(Int32GetDatum(lfirst_int(cell)));
    row.add_count(glance.counters.retracted);
    row.add_count(glance.windows_closed);
    tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.isnull);
  }
  return 0;
}

// Answers whatever the version of the SQL, for it says why the worker does not run then. New columns come last.
TRENDING_PURE_FUNCTION(worker_stats) {
  using namespace trending;
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (result->setDesc->natts > kWorkerColumns) version_check();
  RowBuilder<kWorkerColumns> row;
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) {
    put_missing_worker(&row);
  } else {
    put_worker(entry, &row);
  }
  Assert(row.next == kWorkerColumns);
  tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.isnull);
  return 0;
}

// NULL where trends are followed.
TRENDING_FUNCTION(as_of) {
  using namespace trending;
  DatabaseShared* entry = database_shared();
  const uint64 time = entry == nullptr ? 0 : pg_atomic_read_u64(&entry->as_of);
  if (time == 0) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(static_cast<TimestampTz>(time));
}

// One row a bucket, with what the buckets below it have, as Prometheus wants it.
TRENDING_FUNCTION(commit_latency) {
  using namespace trending;
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) return 0;
  const double seconds = static_cast<double>(pg_atomic_read_u64(&entry->latency.sum_us)) / 1e6;
  uint64 transactions = 0;
  for (int i = 0; i <= kLatencyBounds; i++) {
    RowBuilder<3> row;
    transactions += pg_atomic_read_u64(&entry->latency.buckets[i]);
    row.add(Float8GetDatum(i < kLatencyBounds ? static_cast<double>(kLatencyBoundUs[i]) / 1e6
                                              : std::numeric_limits<double>::infinity()));
    row.add_count(transactions);
    row.add(Float8GetDatum(seconds));
    tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.isnull);
  }
  return 0;
}

// NULL when there is none.
TRENDING_FUNCTION(counted_since) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  const Time since = counted_since(*definition);
  if (since == DT_NOEND && !definition->by_commit_time) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(since);
}
