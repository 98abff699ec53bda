// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/apply.h"

#include <algorithm>
#include <utility>

#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/joined_rows.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/alerts.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/change_trend.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "postgres/fault.h"
#include "values/evaluation.h"

namespace trending {

namespace {

// Recorded events that may pile up while trends await writers; one that goes beyond begins again. What all
// have is added up after each so many bytes.
constexpr size_t kMaxRecordedBytes = size_t{256} << 20;
constexpr size_t kRecordedStep = size_t{1} << 20;

size_t recorded_by_all() {
  size_t bytes = 0;
  for (const FollowedTrend* trend : worker->trends) bytes += trend != nullptr ? trend->recorded.bytes : 0;
  return bytes;
}

// Keeps a transaction's events for a trend that awaits its filling.
void record(FollowedTrend* trend, TransactionId xid, TimestampTz commit_time, XLogRecPtr lsn,
            const BatchSlice& slice) {
  const auto* begin = reinterpret_cast<const std::byte*>(slice.begin);
  const auto* end = reinterpret_cast<const std::byte*>(slice.end);
  trend->recorded.transactions.push_back(
      RecordedTransaction{xid, commit_time, lsn, std::vector<std::byte>(begin, end), {}});
  if (trend->joined != nullptr) {
    trend->recorded.bytes += trend->joined->change_bytes;
    trend->recorded.transactions.back().changes = std::move(trend->joined->changes);
    dimension_changes_clear(trend);
  }
  const size_t before = trend->recorded.bytes;
  trend->recorded.bytes += static_cast<size_t>(end - begin) + sizeof(RecordedTransaction);
  note_recorded(trend, slice.max_time);
  // Too much: begin again from a later position (filling.h).
  if (trend->recorded.bytes / kRecordedStep != before / kRecordedStep &&
      recorded_by_all() > kMaxRecordedBytes) {
    pass_over_recorded(trend);
    trend->state = FillState::kLoading;
    trend->fill.is_new = false;
  }
}

}  // namespace

namespace {

// Rows to which other tables are joined.
void apply_joined(FollowedTrend* trend, const BatchSlice& rows) {
  const BatchSlice events = joined_events(trend, rows);
  trend->writer.prepare(trend->writer.latest_of(events));
  change_trend(trend, [&](TrendWriter* writer) {
    writer->count_late(std::exchange(trend->joined->late, 0));
    (void)writer->apply(events);
    if (events.max_time > writer->clock()) (void)writer->advance_clock(events.max_time);  // without an event
    return true;
  });
  worker->joined.clear();
  if (!joined_is_too_large(trend)) return;
  constexpr char kTooLarge[] =
      "what it keeps of joined tables and rows takes more than trending.memory_limit";
  if (trend->state != FillState::kRunning) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("%s", kTooLarge)));
  }
  trend_stop(trend, kTooLarge);
  joined_release(trend);
}

}  // namespace

void apply_to_trend(FollowedTrend* trend, const BatchSlice& slice, TimestampTz commit_time, XLogRecPtr lsn) {
  working_for(trend->id, Work::kApplying);
  fault_point(FaultPoint::kApply, trend->id);
  if (unlikely(trend->joined != nullptr)) {
    apply_joined(trend, slice);
  } else {
    trend->writer.prepare(trend->writer.latest_of(slice));
    change_trend(trend, [&slice](TrendWriter* writer) {
      (void)writer->apply(slice);  // what it refuses, it counts
      return true;
    });
  }
  alerts_noted(trend, lsn, commit_time);
  trend_report_failed(trend);
  if (unlikely(evaluation_overdrawn())) trend_set_aside(trend, evaluation_overdrawn_reason());
  trend->idle_clock->base = trend->writer.clock();
  trend->idle_clock->wall = commit_time;
  trend->dirty = true;
  // The next event may share a pane with a final window for which it comes too late.
  if (trend->writer.has_final_pending_window()) history_harvest(trend);
}

namespace {

// Merging equal events of a transaction costs as much as one trend saves when half of them go.
constexpr size_t kTrendsWorthMerging = 3;
constexpr uint64_t kEventsWorthMerging = 64;

void merge_shared(const SharedReader& shared, uint32_t slot) {
  if (shared.trends.size() < kTrendsWorthMerging) return;
  if (worker->batch.slice(slot).records >= kEventsWorthMerging) worker->batch.merge(slot);
}

void look_ahead(const SharedReader& shared, const BatchSlice& slice, const ReorderBufferTXN* txn, int step) {
  for (FollowedTrend* trend : shared.trends) {
    if (trend->joined == nullptr && takes(trend, txn->xid)) trend->writer.look_ahead(slice, step);
  }
}

void apply(FollowedTrend* trend, const BatchSlice& slice, const ReorderBufferTXN* txn) {
  const TimestampTz commit_time = compat::commit_time(txn);
  if (unlikely(trend->joined != nullptr)) dimension_changes_settle(trend, txn->xid);
  if (trend->state == FillState::kAwaiting && !trend->fill.outdated) {
    record(trend, txn->xid, commit_time, txn->final_lsn, slice);
  } else if (takes(trend, txn->xid)) {
    if (unlikely(trend->start.backfilling || trend->writer.counts_elsewhere())) {
      meet_while_backfilling(trend, txn->xid);
    }
    apply_to_trend(trend, slice, commit_time, txn->final_lsn);
  } else if (trend->state != FillState::kStopped) {
    count_passed_over(trend, txn->xid, slice.begin, slice.end);
  }
  if (unlikely(trend->joined != nullptr)) dimension_changes_clear(trend);
}

void apply(const SharedReader& shared, const BatchSlice& slice, const ReorderBufferTXN* txn) {
  for (FollowedTrend* trend : shared.trends) apply(trend, slice, txn);
}

// Of trends whose source the transaction left alone.
void apply_dimension_changes(const ReorderBufferTXN* txn) {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->joined == nullptr || trend->joined->changes.empty()) continue;
    apply(trend, BatchSlice{}, txn);
  }
  dimension_changes_end();
}

}  // namespace

void apply_batch(const ReorderBufferTXN* txn) {
  Batch& batch = worker->batch;
  const uint32_t count = batch.touched_count();
  const auto shared = [&batch](uint32_t i) -> const SharedReader& {
    return shared_readers()[batch.touched_slot(i)];
  };
  for (uint32_t i = 0; i < count; i++) merge_shared(shared(i), batch.touched_slot(i));
  if (count > 1 || (count == 1 && shared(0).trends.size() > 1)) {
    for (int step = 1; step <= TrendWriter::kLookAheadSteps; step++) {
      for (uint32_t i = 0; i < count; i++) {
        look_ahead(shared(i), batch.slice(batch.touched_slot(i)), txn, step);
      }
    }
  }
  for (uint32_t i = 0; i < count; i++) apply(shared(i), batch.slice(batch.touched_slot(i)), txn);
  if (unlikely(dimension_changes_any())) apply_dimension_changes(txn);
  batch.clear();
}

}  // namespace trending
