// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/refill.h"

#include <algorithm>

#include "bgworker/intake/passed_over.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"

namespace trending {

namespace {

// Between two fillings for rows that went: this long, and this many times as long as the last one took, so
// that the other trends get most of the worker's time.
constexpr int64 kPauseUs = 200 * 1000;
constexpr int64 kPauseFactor = 10;
// Transactions that are noted while a trend awaits writers.
constexpr size_t kMaxChanged = 1000000;

// Rows before have no part in windows that can still change. Sessions are looked at one by one for this, so
// once a transaction only.
Time concerned_from(FollowedTrend* trend, TransactionId xid) {
  if (trend->gone->judged_by != xid) {
    trend->gone->judged_by = xid;
    trend->gone->judged_from = trend->writer.concerned_from();
  }
  return trend->gone->judged_from;
}

// At once, which is after the transaction that is being decoded, or later.
void ask(FollowedTrend* trend) {
  trend_ask_to_fill(trend, "Rows were updated or deleted that its state cannot retract.");
  const TimestampTz due = trend->fill.ended_at + std::max(kPauseUs, kPauseFactor * trend->fill.took_us);
  if (GetCurrentTimestamp() >= due) return;
  trend_fill_later(trend, due);
}

// Too many: begins again from a later position (filling_poll).
void note_changed(FollowedTrend* trend, TransactionId xid) {
  if (!trend->gone->changed.empty() && trend->gone->changed.back() == xid) return;
  trend->gone->changed.push_back(xid);
  if (trend->gone->changed.size() <= kMaxChanged) return;
  trend->gone->changed.clear();
  trend->state = FillState::kLoading;
}

}  // namespace

bool refill_for_row(FollowedTrend* trend, const RowEvent& event, TransactionId xid) {
  if (trend->state == FillState::kStopped) return true;  // begins again in any case
  if (trend->state != FillState::kRunning) {
    if (is_passed_over(trend, xid, event)) return false;
    if (trend->state == FillState::kAwaiting) note_changed(trend, xid);
    return true;
  }
  // It was filled from the rows that this transaction left.
  if (!trend->fill.filter.counts(xid)) return false;
  if (event.time < concerned_from(trend, xid)) return false;
  if (!trend->fill.wanted) ask(trend);
  return true;
}

void refill_again(FollowedTrend* trend) {
  const bool again = std::any_of(trend->gone->changed.begin(), trend->gone->changed.end(),
                                 [trend](TransactionId xid) { return trend->fill.filter.counts(xid); });
  trend->gone->changed.clear();
  if (again) ask(trend);
}

}  // namespace trending
