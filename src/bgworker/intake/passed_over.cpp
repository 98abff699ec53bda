// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/passed_over.h"

#include <algorithm>

#include "bgworker/results/late_table.h"
#include "bgworker/trend/followed_trend.h"

namespace trending {

namespace {

// A row that is too far ahead when it comes, but not by that much, may not be any more when a filling meets
// it.
constexpr int64 kSoonUs = 24 * 3600 * INT64CONST(1000000);

// The ends of the windows for which rows of this transaction are counted by filling back, although they come
// too late for the live trend: they are not late, then. Window{}: there are none.
Window backfill_takes(const FollowedTrend* trend, TransactionId xid) {
  const PassedOver& passed = *trend->passed;
  Time until = trend->start.backfilling ? trend->start.history_since : kNoTime;
  if (passed.back_filter.active() && !passed.back_filter.counts(xid)) until = passed.back_from;
  if (until == kNoTime) return {};
  const int64 retention = trend->definition->options.retention;
  return {retention < 0 ? kNoTime : subtract_saturated(trend->writer.watermark(), retention), until};
}

bool is_waiting(const FollowedTrend* trend) {
  return trend->state == FillState::kAwaiting && !trend->fill.outdated;
}

// Its state is that of the source, but for transactions that it was filled with.
bool is_filled(const FollowedTrend* trend) {
  return trend->state == FillState::kRunning && !trend->fill.outdated;
}

KeyView key_of(const RowEvent& event) {
  return {event.key.data, event.key.size};
}

KeyView key_of(const std::string& key) {
  return {reinterpret_cast<const std::byte*>(key.data()), static_cast<uint32_t>(key.size())};
}

bool is_past(FollowedTrend* trend, TransactionId xid, Time time, KeyView key) {
  if (!trend->writer.is_past(time, key, passed_until(trend, xid))) return false;
  trend->writer.count_elsewhere(backfill_takes(trend, xid));
  return !trend->writer.is_counted_elsewhere(time);
}

uint64 past_rows(FollowedTrend* trend, TransactionId xid, const BatchRecord* begin, const BatchRecord* end) {
  uint64 rows = 0;
  bool is_counted = false;  // the row that a record's only event is one more of
  for (const BatchRecord* record = begin; record != end; record = record->next()) {
    if (record->rows > 0) is_counted = false;
    if (record->added == 0 || is_counted || !is_past(trend, xid, record->time, record->key())) continue;
    rows += std::max(record->rows, uint64_t{1});
    is_counted = true;
  }
  return rows;
}

// Whether it is known of a row that comes while the trend waits that it is late, whatever filling will see.
// With sessions it may belong to one that is not final.
bool is_surely_late(FollowedTrend* trend, TransactionId xid, const RowEvent& event) {
  return !trend->writer.has_sessions() && is_past(trend, xid, event.time, key_of(event));
}

void count_late(FollowedTrend* trend, uint64 rows) {
  if (rows == 0) return;
  hold_trend(trend->shared);
  trend->writer.count_late(rows);
  release_trend(trend->shared);
  trend->dirty = true;
}

// Whether the trend's state refuses a row that it is about to be given.
bool is_late(FollowedTrend* trend, TransactionId xid, Time time, KeyView key) {
  if (!takes(trend, xid)) return is_past(trend, xid, time, key);
  if (!trend->writer.is_late(time)) return false;
  trend->writer.count_elsewhere(backfill_takes(trend, xid));
  return !trend->writer.is_counted_elsewhere(time);
}

// Filling has met the row, and it may not have been too far ahead any more.
bool was_counted(const FollowedTrend* trend, Time time) {
  return time <= add_saturated(trend->passed->read_at, trend->definition->options.max_ahead);
}

// Nothing is late by a clock that no row has been ahead of. What filling will find of later times is not
// known where its clock is not.
bool may_be_late(const FollowedTrend* trend, Time time) {
  if (trend->fill.before.clock == kNoTime) return true;
  const DefinitionOptions& options = trend->definition->options;
  Time reached = std::max(trend->fill.before.clock, trend->passed->recorded_latest);
  reached = subtract_saturated(reached, options.watermark_delay);
  reached = subtract_saturated(reached, options.allowed_lateness);
  return trend->writer.is_past(time, {}, reached);
}

void note_candidate(FollowedTrend* trend, ReorderBufferTXN* txn, bool is_ahead, const RowEvent& event,
                    TupleDesc descriptor, HeapTuple row) {
  char* text = late_table_row(trend, descriptor, row);
  if (text == nullptr) return;
  LateCandidate candidate = {trend->recorded.transactions.size(),
                             is_ahead,
                             {},
                             {event.time, txn->final_lsn, is_ahead ? "too far ahead" : "late", text}};
  trend->recorded.bytes += sizeof(LateCandidate) + strlen(text);
  (void)any_at_once(event, [&](const RowEvent& one) {
    candidate.keys.emplace_back(reinterpret_cast<const char*>(one.key.data), one.key.size);
    trend->recorded.bytes += sizeof(std::string) + one.key.size;
    return !trend->writer.has_sessions();  // else windows do not depend on the group
  });
  trend->passed->candidates.push_back(std::move(candidate));
  pfree(text);
}

void keep(FollowedTrend* trend, const LateCandidate& candidate) {
  const RefusedRow& event = candidate.event;
  late_table_add(trend, event.time, event.commit_lsn, event.reason, event.row.c_str());
}

}  // namespace

bool takes(const FollowedTrend* trend, TransactionId xid) {
  return is_filled(trend) && trend->fill.filter.counts(xid);
}

Time passed_until(const FollowedTrend* trend, TransactionId xid) {
  if (!trend->fill.filter.counts(xid)) return trend->passed->counted_since;
  return trend->fill.is_whole ? trend->writer.final_before() : trend->fill.before.final_until;
}

bool is_passed_over(FollowedTrend* trend, TransactionId xid, const RowEvent& event) {
  return is_past(trend, xid, event.time, key_of(event));
}

namespace {

// Whether a row is late to one of its groups.
bool is_late_somewhere(FollowedTrend* trend, TransactionId xid, const RowEvent& event) {
  return any_at_once(event, [&](const RowEvent& one) { return is_late(trend, xid, one.time, key_of(one)); });
}

bool is_late_somewhere(FollowedTrend* trend, TransactionId xid, const LateCandidate& candidate) {
  return std::any_of(candidate.keys.begin(), candidate.keys.end(), [&](const std::string& key) {
    return is_late(trend, xid, candidate.event.time, key_of(key));
  });
}

bool is_past_somewhere(FollowedTrend* trend, TransactionId xid, const LateCandidate& candidate) {
  return std::any_of(candidate.keys.begin(), candidate.keys.end(), [&](const std::string& key) {
    return is_past(trend, xid, candidate.event.time, key_of(key));
  });
}

}  // namespace

void count_passed_over(FollowedTrend* trend, TransactionId xid, const BatchRecord* begin,
                       const BatchRecord* end) {
  count_late(trend, past_rows(trend, xid, begin, end));
}

void note_recorded(FollowedTrend* trend, Time latest) {
  const RecordedTransaction& transaction = trend->recorded.transactions.back();
  trend->passed->recorded_latest = std::max(trend->passed->recorded_latest, latest);
  if (trend->writer.has_sessions()) return;
  trend->passed->recorded_late += past_rows(trend, transaction.xid, transaction.begin(), transaction.end());
}

void count_passed_over(FollowedTrend* trend, TransactionId xid, const RowEvent& event) {
  const bool is_late =
      any_at_once(event, [&](const RowEvent& one) { return is_passed_over(trend, xid, one); });
  count_late(trend, is_late ? 1 : 0);
}

void meet_while_backfilling(FollowedTrend* trend, TransactionId xid) {
  // Once in a while those that have ended go.
  constexpr size_t kManySeen = 1024;
  trend->writer.count_elsewhere(backfill_takes(trend, xid));
  if (!trend->start.backfilling) return;
  if (trend->passed->seen.size() % kManySeen == kManySeen - 1) (void)is_all_visible(trend);
  trend->passed->seen.push_back(xid);
}

bool is_all_visible(FollowedTrend* trend) {
  std::erase_if(trend->passed->seen, [](TransactionId xid) { return !TransactionIdIsInProgress(xid); });
  return trend->passed->seen.empty();
}

void keep_refused(FollowedTrend* trend, ReorderBufferTXN* txn, RowOutcome outcome, const RowEvent& event,
                  TupleDesc descriptor, HeapTuple row) {
  if (trend->state == FillState::kStopped || !keeps_late_rows(*trend->definition)) return;
  switch (outcome) {
    case RowOutcome::kEvent:
      if (is_waiting(trend) && !is_surely_late(trend, txn->xid, event)) {
        if (may_be_late(trend, event.time)) note_candidate(trend, txn, false, event, descriptor, row);
      } else if (is_late_somewhere(trend, txn->xid, event)) {
        late_table_keep(trend, event.time, txn, "late", descriptor, row);
      }
      break;
    case RowOutcome::kAhead:
      if (is_waiting(trend) && event.time < add_saturated(GetCurrentTimestamp(), kSoonUs)) {
        note_candidate(trend, txn, true, event, descriptor, row);
      } else if (!is_filled(trend) || trend->fill.filter.counts(txn->xid) ||
                 !was_counted(trend, event.time)) {
        late_table_keep(trend, event.time, txn, "too far ahead", descriptor, row);
      }
      break;
    case RowOutcome::kNullTime:
      late_table_keep(trend, kNoTime, txn, "null time", descriptor, row);
      break;
    default:
      late_table_keep(trend, kNoTime, txn, "failed", descriptor, row);
  }
}

void settle_candidates(FollowedTrend* trend, size_t transaction, TransactionId xid) {
  const bool is_taken = trend->fill.filter.counts(xid);
  while (!trend->passed->candidates.empty() && trend->passed->candidates.front().transaction <= transaction) {
    const LateCandidate& candidate = trend->passed->candidates.front();
    const Time time = candidate.event.time;
    const bool is_refused =
        candidate.is_ahead ? is_taken || !was_counted(trend, time) : is_late_somewhere(trend, xid, candidate);
    if (is_refused) keep(trend, candidate);
    trend->passed->candidates.pop_front();
  }
}

void pass_over_recorded(FollowedTrend* trend) {
  for (const RecordedTransaction& transaction : trend->recorded.transactions) {
    count_passed_over(trend, transaction.xid, transaction.begin(), transaction.end());
  }
  for (const LateCandidate& candidate : trend->passed->candidates) {
    const bool has_events = candidate.transaction < trend->recorded.transactions.size();
    const TransactionId xid =
        has_events ? trend->recorded.transactions[candidate.transaction].xid : InvalidTransactionId;
    if (candidate.is_ahead || is_past_somewhere(trend, xid, candidate)) keep(trend, candidate);
  }
  trend->recorded.clear();
  trend->passed->candidates.clear();
  trend->passed->recorded_late = 0;
}

}  // namespace trending
