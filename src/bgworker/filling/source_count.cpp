// SPDX-License-Identifier: PostgreSQL
// What is counted when a trend is filled depends on what history has already, and on the rows that came since
// the trend was created.
//
// Filling goes on from a moment of the event clock, `since`: windows that were final at that clock stay as
// history has them, all others are counted from the source, and reported as they close. It is
//
// - where it stood, when this worker or one before it has followed the trend (kept_clocks.h);
// - else where history ends, when there is one: the slot was lost;
// - else, with backfill => true, where the event clock stands now: the windows before are filled back
//   (backfill.cpp), which covers whatever came since the trend was created;
// - else, with 'open', the latest time of the rows that were there when the trend was created
//   (trending.trend_start); with false, before all time, and only the rows that came since are read.
//
// So a row that is committed after create_trend() has returned is in history in any case: by whatever way the
// trend comes to be filled, no window is passed over that was not final by the rows from before it.
//
// From `since` on the source is read in the order of event time, so that windows close one after the other
// and nothing is late; where no window ends in between, in any order. With session windows it is read
// backwards until no session that matters can begin earlier, since how far back one reaches is known only
// when its first row is met.
//
// The event clock does not go back: neither with the rows that moved it, nor behind a final window of
// history. What is final stays so.
#include "bgworker/filling/source_count.h"

#include <algorithm>

#include "bgworker/filling/backfill.h"
#include "bgworker/filling/filling_part.h"
#include "bgworker/filling/source_scan.h"
#include "bgworker/intake/apply.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/process/worker.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/followed_trend.h"

namespace trending {

namespace {

// Events of the source that are applied together.
constexpr size_t kPortionBytes = size_t{8} << 20;

// Windows that end up to here are final when the event clock stands at `clock`.
Time final_until(const FollowedTrend* trend, Time clock) {
  const DefinitionOptions& options = trend->definition->options;
  Time until =
      subtract_saturated(subtract_saturated(clock, options.watermark_delay), options.allowed_lateness);
  return trend->writer.has_sessions() ? subtract_saturated(until, trend->definition->window.size) : until;
}

// The first clock at which windows that end there are final.
Time clock_of_final(const FollowedTrend* trend, Time end) {
  if (end == kNoTime) return kNoTime;
  const DefinitionOptions& options = trend->definition->options;
  Time clock = add_saturated(add_saturated(end, options.watermark_delay), options.allowed_lateness);
  return trend->writer.has_sessions() ? add_saturated(clock, trend->definition->window.size) : clock;
}

// The first instant of any window that can still change.
Time earliest_needed(const FollowedTrend* trend, Time final) {
  const Windows& windows = trend->writer.windows();
  return windows.in_range(final) ? windows.first_window(final).start : kMinTime;
}

// Whether a window ends after `from` and not after `until`: history needs it, or what has come to it since.
bool some_window_ends(const FollowedTrend* trend, Time from, Time until) {
  const Windows& windows = trend->writer.windows();
  return windows.in_range(from) ? windows.first_window(from).end <= until : from < until;
}

// The rows that are the trend's.
SourceRows rows_of(const FollowedTrend* trend) {
  return trend->definition->options.backfill == Backfill::kNone ? SourceRows::kLater : SourceRows::kAll;
}

// The one reading of the source that counts it.
SourceRange counted_from(const FollowedTrend* trend, Time from) {
  return {from, kNoTime, rows_of(trend), true};
}

void apply_batch(FollowedTrend* trend) {
  apply_to_trend(trend, worker->filling.slice(trend->slot), GetCurrentTimestamp(), InvalidXLogRecPtr);
  worker->filling.clear();
}

// What is final stays so, whatever the clock says.
bool set_clock(FollowedTrend* trend, Time clock, Time final) {
  hold_trend(trend->shared);
  Status status = trend->writer.restore_clock(clock, final);
  trend->writer.restore_horizon(trend->fill.before.watermark, final);
  release_trend(trend->shared);
  trend->idle_clock->base = trend->writer.clock();
  trend->idle_clock->wall = GetCurrentTimestamp();
  return status == Status::kOk;
}

void advance_clock(FollowedTrend* trend, Time clock) {
  if (clock <= trend->writer.clock()) return;
  trend->writer.prepare(clock);
  hold_trend(trend->shared);
  (void)trend->writer.advance_clock(clock);
  release_trend(trend->shared);
  trend->idle_clock->base = trend->writer.clock();
  trend->idle_clock->wall = GetCurrentTimestamp();
  if (trend->writer.has_final_pending_window()) history_harvest(trend);
}

void append_event(FollowedTrend* trend, const RowEvent& event) {
  KeyView key{event.key.data, event.key.size};
  (void)worker->filling.append(trend->slot, event.time, 1, key, event.valid, event.arguments, event.is_first);
}

// In portions that end with the current window.
void count_since(FollowedTrend* trend, Time since, Time final, Time clock) {
  if (!set_clock(trend, since, final)) return;
  Time from = earliest_needed(trend, final);
  scan_source(trend, counted_from(trend, from), ScanOrder::kForward, [&](const RowEvent& event) {
    if (event.time < from || event.time > clock) return true;
    bool full = event.time >= trend->writer.window().end || worker->filling.bytes() > kPortionBytes;
    if (full && !worker->filling.empty()) {
      apply_batch(trend);
      if (history_is_large(trend)) {
        history_write(trend);
        history_written(trend);
      }
    }
    append_event(trend, event);
    return true;
  });
  if (!worker->filling.empty()) apply_batch(trend);
  advance_clock(trend, clock);
}

// Counts the source under the clock that it gives. The clock first, so that rows in whatever order, applied
// in portions, are all judged alike: none is late. Final windows are not reported: some of their rows were
// left out.
void count_open_windows(FollowedTrend* trend, Time final, Time clock) {
  if (!set_clock(trend, clock, final)) return;
  const Time from = earliest_needed(trend, final);
  scan_source(trend, counted_from(trend, from), ScanOrder::kAny, [&](const RowEvent& event) {
    if (event.time < from || event.time > clock) return true;
    append_event(trend, event);
    if (worker->filling.bytes() > kPortionBytes) apply_batch(trend);
    return true;
  });
  if (!worker->filling.empty()) apply_batch(trend);
}

// Who created the trend may still be about to released its tables. Those who hold a lock for long are not
// waited for again and again: history_last_end() then raises an error at once.
// The source's lock comes first, as for DROP TABLE.
void await_history(const FollowedTrend* trend) {
  LockRelationOid(trend->definition->source, AccessShareLock);
  if (!OidIsValid(trend->definition->history) || trend->filling->paused) return;
  LockRelationOid(trend->definition->history, RowExclusiveLock);
}

// Where the event clock stood when the trend began, for one without history.
Time clock_at_start(FollowedTrend* trend, Time clock) {
  switch (trend->definition->options.backfill) {
    case Backfill::kAll:
      return clock;
    case Backfill::kOpen:
      return latest_in_source(trend, SourceRows::kEarlier);
    case Backfill::kNone:
      break;
  }
  return kNoTime;
}

// The ends of the last windows in history; kNoTime: there are none.
struct HistoryEnds {
  Time closed;  // not known of sessions
  Time final;
};

HistoryEnds look_into_history(FollowedTrend* trend) {
  await_history(trend);
  SPI_connect();
  history_restore(trend);
  HistoryEnds ends = {kNoTime, history_last_end(trend, true)};
  // A session is closed by the next one of its group, too, so that the clock may not have reached its end.
  if (!trend->writer.has_sessions()) ends.closed = history_last_end(trend, false);
  SPI_finish();
  return ends;
}

// What the source is counted from, and how far.
struct Extent {
  Time since;      // the event clock that counting goes on from
  Time final;      // windows that end up to here are not counted
  Time clock;      // the event clock afterwards
  bool continues;  // history is there up to `final`
};

Extent extent_of(FollowedTrend* trend, const HistoryEnds& ends) {
  Extent extent = {trend->fill.before.clock, trend->fill.before.final_until, kNoTime, true};
  if (extent.since == kNoTime) {
    extent.since = std::max(ends.closed, clock_of_final(trend, ends.final));
    extent.continues = extent.since != kNoTime;
  }
  extent.clock = std::max(latest_in_source(trend, rows_of(trend)), extent.since);
  if (!extent.continues) extent.since = clock_at_start(trend, extent.clock);
  extent.final = std::max({extent.final, ends.final, final_until(trend, extent.since)});
  return extent;
}

// Counts the sessions that end after `keep_after`, all of each.
void count_sessions(FollowedTrend* trend, Time keep_after, Time clock) {
  hold_trend(trend->shared);
  trend->writer.start_filling(keep_after);
  release_trend(trend->shared);
  scan_source(trend, counted_from(trend, kNoTime), ScanOrder::kBackward, [&](const RowEvent& event) {
    if (event.time > clock) return true;
    append_event(trend, event);
    if (worker->filling.bytes() <= kPortionBytes) return true;
    apply_batch(trend);
    return event.time >= trend->writer.concerned_from();
  });
  if (!worker->filling.empty()) apply_batch(trend);
  // The clock comes last: until then no session closes and no row is late.
  (void)set_clock(trend, clock, kNoTime);
}

}  // namespace

void source_count(FollowedTrend* trend) {
  const HistoryEnds ends = look_into_history(trend);
  if (trend->definition->event_time == nullptr) {
    count_open_windows(trend, kNoTime, kTimelessEvent);
    return;
  }
  pg_atomic_write_u64(&trend->shared->ahead, 0);  // those that are met are counted
  const Extent extent = extent_of(trend, ends);
  trend->passed->counted_since = extent.final;
  history_redo(trend, extent.final, DT_NOEND);
  backfill_note(trend, extent.final, extent.continues);
  if (extent.clock == kNoTime) {  // no rows but those that are too far ahead, which are noted
    scan_source(trend, counted_from(trend, kNoTime), ScanOrder::kAny, [](const RowEvent&) { return true; });
  } else if (trend->writer.has_sessions()) {
    count_sessions(trend, extent.final, extent.clock);
  } else if (some_window_ends(trend, extent.final, final_until(trend, extent.clock))) {
    count_since(trend, extent.since, extent.final, extent.clock);
  } else {
    count_open_windows(trend, extent.final, extent.clock);
  }
}

}  // namespace trending
