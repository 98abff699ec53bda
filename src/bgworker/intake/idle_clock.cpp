// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/idle_clock.h"

#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/alerts.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/change_trend.h"
#include "bgworker/trend/followed_trend.h"
#include "decoder/plugin_message.h"
#include "values/evaluation.h"

namespace trending {

namespace {

constexpr int64 kMessageIntervalUs = 1000 * 1000;

// What a message consists of.
struct Step {
  int32 trend_id;
  int32 unused;
  Time clock;
};

struct IdleClocks {
  std::vector<Step> noted;  // steps of messages that were decoded just now
  std::vector<Step> due;
  TimestampTz last_message = 0;
};
IdleClocks& clocks = *new IdleClocks();  // never destroyed

// Whether some window ends in (from, to].
bool crosses_end(const Windows& windows, Time from, Time to) {
  if (!windows.in_range(to)) return false;
  return !windows.in_range(from) || windows.first_window(from).end <= to;
}

// Whether moving the clock shows: the current window, a closed one, or one that becomes final.
bool shows(const FollowedTrend* trend, Time target) {
  if (trend->writer.has_sessions()) return trend->writer.session_is_due(target);
  const Windows& windows = trend->writer.windows();
  const DefinitionOptions& options = trend->definition->options;
  Time from = trend->writer.clock();
  if (crosses_end(windows, from, target)) return true;
  for (int64 delay : {options.watermark_delay, options.allowed_lateness}) {
    if (delay == 0) continue;
    from = subtract_saturated(from, delay);
    target = subtract_saturated(target, delay);
    if (crosses_end(windows, from, target)) return true;
  }
  return false;
}

// Where the clock of a trend should stand; kNoTime: it stays.
Time due_clock(const FollowedTrend* trend, TimestampTz now) {
  if (trend == nullptr || trend->state != FillState::kRunning || trend->idle_clock->base == kNoTime)
    return kNoTime;
  if (trend->definition->event_time == nullptr) return kNoTime;  // no time passes over all rows
  int64 silent = now - trend->idle_clock->wall;
  if (silent <= trend->definition->options.idle_timeout) return kNoTime;
  Time target = add_saturated(trend->idle_clock->base, silent);
  return target > trend->writer.clock() && shows(trend, target) ? target : kNoTime;
}

void take_step(FollowedTrend* trend, Time clock) {
  working_for(trend->id, Work::kApplying);
  const Window before = trend->writer.window();
  StartTransactionCommand();  // comparing keys may need catalogs
  trend->writer.prepare(clock);
  bool moved = false;
  change_trend(trend, [&](TrendWriter* writer) {
    (void)writer->advance_clock(clock);
    moved = writer->has_sessions() || !(writer->window() == before);
    return moved;
  });
  alerts_noted(trend, worker->loop.position(), GetCurrentTimestamp());
  if (trend->writer.has_final_pending_window()) history_harvest(trend);
  if (moved) ConditionVariableBroadcast(&worker->entry->changed);
  CommitTransactionCommand();
  MemoryContextSwitchTo(worker->loop.memory);
  trend->idle_clock->moved = true;
  if (unlikely(evaluation_overdrawn())) trend_set_aside(trend, evaluation_overdrawn_reason());
  working_ended();
}

}  // namespace

void idle_clocks_poll(TimestampTz now) {
  if (now - clocks.last_message < kMessageIntervalUs) return;
  std::vector<Step>& steps = clocks.due;
  steps.clear();
  for (const FollowedTrend* trend : worker->trends) {
    Time clock = due_clock(trend, now);
    if (clock != kNoTime) steps.push_back(Step{trend->id, 0, clock});
  }
  if (steps.empty()) return;
  clocks.last_message = now;
  XLogFlush(write_own_message(steps.data(), steps.size() * sizeof(Step)));
}

void idle_clocks_note(const char* message, Size size) {
  for (; size >= sizeof(Step); size -= sizeof(Step), message += sizeof(Step)) {
    Step step;
    memcpy(&step, message, sizeof(step));
    clocks.noted.push_back(step);
  }
}

void idle_clocks_step() {
  if (clocks.noted.empty()) return;
  for (const Step& step : clocks.noted) {
    for (FollowedTrend* trend : worker->trends) {
      bool meant = trend != nullptr && trend->id == step.trend_id && trend->state == FillState::kRunning;
      if (meant && step.clock > trend->writer.clock()) take_step(trend, step.clock);
    }
  }
  clocks.noted.clear();
}

}  // namespace trending
