// SPDX-License-Identifier: PostgreSQL
// What a trend's history lacks is worked off from the latest windows to the earliest, in portions of event
// time. A portion reads its rows into an engine state of its own, under one ordinary snapshot: each window is
// what the definition gives at that moment, and final. The windows are deferred (backlog.h), from where the
// next checkpoint writes them as any others, and how far back history is complete is noted, in one
// transaction: so whatever dies, a portion is there as a whole or not at all, and is never met twice.
//
// A portion holds up decoding, as filling does. So a portion is made shorter where it had many rows, longer
// where it had few, the next one comes when the last one is written, and the worker rests from this for ten
// times as long as it took. With an index on the time a portion costs what its rows cost.
#include "bgworker/filling/backfill.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "bgworker/checkpoint/kept_clocks.h"
#include "bgworker/filling/source_scan.h"
#include "bgworker/filling/source_watch.h"
#include "bgworker/intake/joined_rows.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/process/title.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/trend_start.h"
#include "postgres/fault.h"
#include "postgres/guard.h"
#include "postgres/spi.h"
#include "values/evaluation.h"

namespace trending {

namespace {

// Rows of a portion: with fewer the next one is longer, with more it is begun again as a shorter one.
constexpr uint64_t kFewRows = 20000;
constexpr uint64_t kManyRows = 200000;
constexpr int64 kPauseFactor = 10;
// At first all is tried at once, then this many windows.
constexpr int64 kAllTimeSpan = INT64_MAX / 2;
constexpr int64 kFirstWindows = 16;
constexpr int64 kRetryPauseUs = 1000 * 1000;
constexpr int64 kLongPauseUs = 60 * kRetryPauseUs;
constexpr size_t kBatchBytes = size_t{8} << 20;
constexpr char kTrouble[] = "history is not filled back: ";

// --- trending.trend_start ---

void store_progress(FollowedTrend* trend, Time since, bool backfilling) {
  static SpiStatement update = {
      "UPDATE trending.trend_start SET history_since = $2, backfilling = $3 WHERE trend_id = $1"};
  spi_run(&update, {spi_int4(trend->id), spi_timestamptz(since), spi_bool(backfilling)});
}

void take_progress(FollowedTrend* trend, Time since, bool backfilling) {
  trend->start.history_since = since;
  trend->start.has_history_since = true;
  trend->start.backfilling = backfilling;
}

// --- a portion ---

enum class Portion {
  kDone,
  kTooLarge,  // nothing was kept
  kNoneLeft,  // history is complete
  kNoMemory,
};

// A state beside the live one, of the same definition.
struct Shadow {
  FollowedTrend trend;
  explicit Shadow(const FollowedTrend& live) {
    trend.id = live.id;
    trend.slot = live.slot;
    trend.state = FillState::kRunning;
    trend.definition = live.definition;
    trend.reader = live.reader;
    trend.condition = live.condition;
    trend.rank_keys = live.rank_keys;
    trend.shared = live.shared;
    trend.keeps_values = live.keeps_values;
    trend.start.later = live.start.later;
    trend.blocks = AreaBlocks{worker->area, &live.shared->lock, live.blocks.owner, 0};
  }
};

// Of the portion that is being made; an error in it leaves it to the next one, or to the worker's end.
std::unique_ptr<Shadow>& shadow = *new std::unique_ptr<Shadow>();

void drop_shadow() {
  if (shadow == nullptr) return;
  if (shadow->trend.arena.is_open()) shadow->trend.arena.destroy();
  worker->filling.clear();
  shadow.reset();
}

// The windows that a portion makes: those that end in (after, until].
struct Span {
  Time after;
  Time until;
};

// The latest event time that has to do with windows that end up to `until`.
Time latest_of_windows(FollowedTrend* trend, Time until) {
  const SourceRows rows = SourceRows::kAll;
  if (trend->writer.has_sessions()) {
    return latest_in_source(trend, rows, subtract_saturated(until, trend->definition->window.size));
  }
  const Windows& windows = trend->writer.windows();
  Time latest = latest_in_source(trend, rows, subtract_saturated(until, 1));
  while (latest != kNoTime && windows.in_range(latest) && windows.first_window(latest).end > until) {
    latest = latest_in_source(trend, rows, subtract_saturated(windows.pane_of(latest).start, 1));
  }
  return latest;
}

bool keeps_windows_before(const FollowedTrend* trend, Time end) {
  const int64 retention = trend->definition->options.retention;
  return retention < 0 || end >= subtract_saturated(trend->writer.watermark(), retention);
}

bool apply_batch(FollowedTrend* made) {
  const BatchSlice rows = worker->filling.slice(made->slot);
  FollowedTrend* live = worker->trends[made->slot];
  const Status status = made->writer.apply(live->joined != nullptr ? joined_events_once(live, rows) : rows);
  worker->joined.clear();
  worker->filling.clear();
  return status == Status::kOk;
}

bool append(FollowedTrend* made, const RowEvent& event) {
  KeyView key{event.key.data, event.key.size};
  return worker->filling.append(made->slot, event.time, 1, key, event.valid, event.arguments,
                                event.is_first) == Status::kOk;
}

// What a portion has met.
struct Met {
  uint64_t rows = 0;  // within the portion
  Time earliest = INT64_MAX;
};

Portion count_windows(FollowedTrend* made, const Span& span, Met* met, uint64_t most) {
  const Windows& windows = made->writer.windows();
  const Time from = windows.in_range(span.after) ? windows.first_window(span.after).start : kMinTime;
  const Time last = subtract_saturated(span.until, 1);
  if (made->writer.restore_clock(span.until, span.after) != Status::kOk) return Portion::kNoneLeft;
  Portion result = Portion::kDone;
  scan_source(made, {from, last}, ScanOrder::kAny, [&](const RowEvent& event) {
    if (event.time < from || event.time > last) return true;
    met->earliest = std::min(met->earliest, event.time);
    if (++met->rows > most) {
      result = Portion::kTooLarge;
    } else if (!append(made, event) || (worker->filling.bytes() > kBatchBytes && !apply_batch(made))) {
      result = Portion::kNoMemory;
    }
    return result == Portion::kDone;
  });
  if (result == Portion::kDone && !worker->filling.empty() && !apply_batch(made)) return Portion::kNoMemory;
  return result;
}

Portion count_sessions(FollowedTrend* made, const Span& span, Met* met, uint64_t most) {
  made->writer.start_filling(span.after);
  Portion result = Portion::kDone;
  uint64_t read = 0;
  scan_source(made, {kNoTime, span.until}, ScanOrder::kBackward, [&](const RowEvent& event) {
    if (event.time > span.until) return true;
    met->earliest = event.time;
    // Those before it belong to sessions that reach into it.
    if (event.time > span.after && ++met->rows > most) result = Portion::kTooLarge;
    if (!append(made, event)) result = Portion::kNoMemory;
    if (result != Portion::kDone) return false;
    // How far back a session reaches is looked up now and then.
    if (++read % 1024 != 0) return true;
    if (!apply_batch(made)) result = Portion::kNoMemory;
    return result == Portion::kDone && event.time >= made->writer.concerned_from();
  });
  if (result == Portion::kDone && !worker->filling.empty() && !apply_batch(made)) result = Portion::kNoMemory;
  if (result == Portion::kDone) (void)made->writer.restore_clock(span.until, kNoTime);
  return result;
}

// Defers what was made.
void defer(FollowedTrend* trend, FollowedTrend* made, const Span& span) {
  PendingWindow pending;
  // Windows that end where the portion begins come before this one.
  for (Window after{INT64_MAX, span.after}; made->writer.next_pending_window(after, &pending);
       after = pending.window) {
    CHECK_FOR_INTERRUPTS();
    if (!keeps_windows_before(trend, pending.window.end)) continue;
    pending.is_final = true;
    made->history->windows.items.emplace_back();
    harvest_window(made, pending, &made->history->windows.items.back());
    if (made->history->windows.items.back().rows.empty()) made->history->windows.items.pop_back();
    if (!history_is_large(made)) continue;
    backlog_defer(made, &made->history->windows);
    made->history->windows.items.clear();
  }
  backlog_defer(made, &made->history->windows);
  made->history->windows.items.clear();
  if (made->history->windows.deferred) trend->history->windows.deferred = true;
}

// Whatever comes, nothing is late for this state, and nothing it has closed is final.
TrendOptions options_of(const FollowedTrend* trend) {
  TrendOptions options = trend_options(trend);
  options.watermark_delay = 0;
  options.allowed_lateness = INT64_MAX / 4;
  options.report_windows = true;
  options.max_groups = kMaxGroups;
  return options;
}

// Rows that are read in the time that the last portion took, so that looking for them is not all its work.
uint64_t rows_in(const FollowedTrend* trend) {
  return static_cast<uint64_t>(trend->pace->took_us) / 2;
}

Portion make_portion(FollowedTrend* trend, FollowedTrend* made, Met* met, Time* since) {
  const Time until = trend->start.history_since;
  const Time latest = latest_of_windows(trend, until);
  if (latest == kNoTime || !trend->writer.windows().in_range(latest) || !keeps_windows_before(trend, until))
    return Portion::kNoneLeft;
  const Time after = subtract_saturated(latest, trend->pace->span);
  const Span span = {trend->writer.windows().in_range(after) ? after : kNoTime, until};
  made->buffers.make();
  if (trend_make_state(made, options_of(trend), nullptr) != Status::kOk) return Portion::kNoMemory;
  const bool is_shortest = trend->pace->span <= longest_window(trend->definition->window);
  const bool in_one = is_shortest || !has_time_index(*trend->definition);
  const uint64_t most = in_one ? UINT64_MAX : std::max(kManyRows, rows_in(trend));
  const Portion result = made->writer.has_sessions() ? count_sessions(made, span, met, most)
                                                     : count_windows(made, span, met, most);
  if (result != Portion::kDone) return result;
  defer(trend, made, span);
  *since = span.after;
  return Portion::kDone;
}

// In a transaction of its own. `since` is how far back history is complete then.
Portion run_portion(FollowedTrend* trend, FollowedTrend* made, Met* met, Time* since) {
  fault_point(FaultPoint::kBackfill, trend->id);
  title_show("filling history back of", trend->definition->relation);
  made->passed->back_filter = filter_of(GetActiveSnapshot());
  SPI_connect();
  const Time latest_kept = trend->start.history_since;
  const Portion result = make_portion(trend, made, met, since);
  *since = result == Portion::kDone ? *since : result == Portion::kNoneLeft ? kNoTime : latest_kept;
  if (result == Portion::kDone || result == Portion::kNoneLeft)
    store_progress(trend, *since, *since != kNoTime);
  SPI_finish();
  return result;
}

void report_trouble(FollowedTrend* trend, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "%s%.200s", kTrouble, message);
  trend_report(trend, reason);
}

// How long the next portion is.
void adapt(FollowedTrend* trend, Portion result, const Met& met) {
  const int64 shortest = longest_window(trend->definition->window);
  if (result == Portion::kDone && met.rows < std::max(kFewRows, rows_in(trend) / 8)) {
    trend->pace->span = std::min(trend->pace->span, kAllTimeSpan / 4) * 4;
  } else if (result == Portion::kTooLarge || result == Portion::kNoMemory) {
    // Of all time a part of what there is: a few windows, or where each portion reads the whole source, much.
    const bool was_all = trend->pace->span == kAllTimeSpan;
    const int64 met_span = subtract_saturated(trend->start.history_since, met.earliest);
    const int64 shorter = !was_all                       ? trend->pace->span / 4
                          : result == Portion::kNoMemory ? met_span / 4
                                                         : kFirstWindows * shortest;
    trend->pace->span = std::max(shorter, shortest);
  }
}

void fill_back(FollowedTrend* trend) {
  if (trend->pace->span == 0) trend->pace->span = kAllTimeSpan;
  const TimestampTz began = GetCurrentTimestamp();
  const bool is_shortest = trend->pace->span <= longest_window(trend->definition->window);
  Met met;
  Time since = kNoTime;
  Portion result = Portion::kTooLarge;
  shadow = std::make_unique<Shadow>(*trend);
  ErrorData* error = worker_try([&] { result = run_portion(trend, &shadow->trend, &met, &since); });
  const bool is_slow = shadow->trend.trouble.set_aside;
  SnapshotFilter filter = std::move(shadow->trend.passed->back_filter);
  drop_shadow();
  if (is_slow) {
    trend_set_aside(trend, error != nullptr ? error->message : evaluation_overdrawn_reason());
    if (error != nullptr) FreeErrorData(error);
    return;
  }
  const TimestampTz ended = GetCurrentTimestamp();
  trend->pace->took_us = ended - began;
  trend->pace->not_before = ended + kPauseFactor * trend->pace->took_us;
  if (error != nullptr) {
    if (!is_conflict(error)) report_trouble(trend, error->message);
    trend->pace->not_before = ended + kRetryPauseUs;
    FreeErrorData(error);
    return;
  }
  if (result == Portion::kDone || result == Portion::kNoneLeft) {
    trend->passed->back_filter = std::move(filter);
    trend->passed->back_from = trend->start.history_since;
    take_progress(trend, since, since != kNoTime);
    if (strncmp(trend->shared->reason, kTrouble, strlen(kTrouble)) == 0) trend_report(trend, "");
  } else if (result == Portion::kNoMemory && is_shortest) {
    report_trouble(trend, "out of memory for a window");
    trend->pace->not_before = ended + kLongPauseUs;
  }
  adapt(trend, result, met);
}

// Its last portion has been written, and nothing else is about to be done with its history.
bool is_due(const FollowedTrend* trend, TimestampTz now) {
  return trend != nullptr && trend->start.backfilling && trend->state == FillState::kRunning &&
         !trend->fill.wanted && !trend->fill.filter.active() && !trend->passed->back_filter.active() &&
         !trend->history->windows.deferred && !trend->history->redo.wanted &&
         OidIsValid(trend->definition->history) && now >= trend->pace->not_before;
}

}  // namespace

void backfill_load(FollowedTrend* trend) {
  static SpiStatement insert = {
      "INSERT INTO trending.trend_start (trend_id, next_xid, running_xids) VALUES ($1, $2, $3) "
      "ON CONFLICT DO NOTHING"};
  static SpiStatement select = {
      "SELECT pg_catalog.format('%s, %L', next_xid, running_xids) AS later, history_since, backfilling "
      "FROM trending.trend_start WHERE trend_id = $1"};
  SPI_connect();
  const LaterTransactions uncommitted = later_transactions();
  spi_run(&insert, {spi_int4(trend->id), uncommitted.next_xid, uncommitted.running_xids});
  if (spi_run(&select, {spi_int4(trend->id)}) != 1)
    elog(ERROR, "the start of trend %d is not known", trend->id);
  const SpiRow row(0);
  char* later = nullptr;
  bool backfilling = false;
  if (!row.read("later", &later) || !row.read("backfilling", &backfilling)) {
    elog(ERROR, "the start of trend %d cannot be read", trend->id);
  }
  trend->start.later = later;
  trend->start.backfilling = backfilling;
  trend->start.has_history_since = row.read("history_since", &trend->start.history_since);
  if (!trend->start.has_history_since) trend->start.history_since = kNoTime;
  kept_clocks_load(trend);
  SPI_finish();
}

void backfill_note(FollowedTrend* trend, Time since, bool continues) {
  Time reached = since;
  bool backfilling = trend->definition->options.backfill == Backfill::kAll && since != kNoTime &&
                     OidIsValid(trend->definition->history);
  if (continues && trend->start.has_history_since) {
    reached = std::min(since, trend->start.history_since);
    backfilling = backfilling && trend->start.backfilling;
  } else if (continues) {
    // A restored dump: history has what it had.
    reached = std::min(since, subtract_saturated(trend->history->oldest_end, 1));
  }
  SPI_connect();
  store_progress(trend, reached, backfilling);
  SPI_finish();
  take_progress(trend, reached, backfilling);
}

void backfill_poll(TimestampTz now) {
  for (FollowedTrend* trend : worker->trends) {
    if (!is_due(trend, now)) continue;
    if (is_all_visible(trend) && !source_is_locked(trend)) fill_back(trend);
    return;  // one portion at a time
  }
}

}  // namespace trending
