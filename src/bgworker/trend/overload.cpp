// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/overload.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/settings.h"

namespace trending {

volatile bool overload_due = false;

namespace {

constexpr int kTickMs = 10;
constexpr int kTicksBetweenLooks = 100;
constexpr uint32 kMaxSamples = 4096;
constexpr int64 kSecond = INT64CONST(1000000);
// Falling behind by so little of the time is what a busy hour does.
constexpr int64 kSmallPart = 10;

struct OwnerCost {
  Oid owner = InvalidOid;
  int64 samples = 0;
  std::vector<std::pair<int64, FollowedTrend*>> trends;  // costliest first
};

// What the timer's handler changes is volatile.
struct Watch {
  TimeoutId timer = MAX_TIMEOUTS;
  volatile bool armed = false;
  volatile bool awake = false;
  volatile int ticks = 0;
  volatile uint32 count = 0;  // samples ever taken; the last kMaxSamples are kept
  volatile int32 samples[kMaxSamples] = {};

  TimestampTz since = 0;  // when the time that is looked at began; 0: the worker keeps up
  int64 lag_then = 0;
  std::map<int32, int64> taken;  // samples since, by trend; 0: for none
  uint32 seen = 0;               // samples that are in there
  Oid blamed = InvalidOid;       // since the worker last kept up
  OwnerCost costliest;           // not on the stack: errors may be raised while it is worked off
};
Watch watch;

// The timer's handler: runs within a signal's.
void tick() {
  if (!watch.awake) {
    watch.armed = false;
    return;
  }
  watch.samples[watch.count % kMaxSamples] = working.trend;
  watch.count = watch.count + 1;
  watch.ticks = watch.ticks + 1;
  if (watch.ticks >= kTicksBetweenLooks) {
    watch.ticks = 0;
    overload_due = true;
  }
  enable_timeout_after(watch.timer, kTickMs);
}

void begin_anew(TimestampTz now, int64 lag) {
  watch.since = now;
  watch.lag_then = lag;
  watch.taken.clear();
  watch.seen = watch.count;
}

void take_samples() {
  const uint32 count = watch.count;
  if (count - watch.seen > kMaxSamples) watch.seen = count - kMaxSamples;
  for (; watch.seen != count; watch.seen++) {
    const int32 trend = watch.samples[watch.seen % kMaxSamples];
    watch.taken[trend]++;
  }
}

// Whose trends took most samples; the number of owners.
size_t find_costliest() {
  std::map<Oid, OwnerCost> owners;
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->definition == nullptr || trend->state == FillState::kStopped) continue;
    OwnerCost& cost = owners[trend->definition->owner];
    cost.owner = trend->definition->owner;
    const auto found = watch.taken.find(trend->id);
    const int64 samples = found == watch.taken.end() ? 0 : found->second;
    cost.samples += samples;
    cost.trends.emplace_back(samples, trend);
  }
  OwnerCost* costliest = &watch.costliest;
  *costliest = {};
  for (auto& [owner, cost] : owners) {
    if (cost.samples >= costliest->samples) *costliest = std::move(cost);
  }
  std::sort(costliest->trends.begin(), costliest->trends.end(), std::greater<>());
  return owners.size();
}

int percent(int64 part, int64 all) {
  return static_cast<int>(part * 100 / all);
}

// `may_take`: how many of all samples the worker can afford.
void set_aside(int64 all, int64 may_take) {
  OwnerCost* cost = &watch.costliest;
  const int64 others = all - cost->samples;
  int64 left = cost->samples;
  bool is_first = true;
  for (const auto& [samples, trend] : cost->trends) {
    if (!is_first && others + left <= may_take) break;
    is_first = false;
    char reason[kMessageSize];
    snprintf(
        reason, sizeof(reason),
        "set aside: the worker could not keep up for %d s, of which trends of its owner took %d %%, this one %d %%",
        settings.overload_timeout_s, percent(cost->samples, all), percent(samples, all));
    trend_put_aside(trend, reason);
    left -= samples;
  }
  // What is put aside in several steps, for samples tell of few trends at a time, counts once.
  if (cost->owner != watch.blamed) blame_overload(cost->owner);
  watch.blamed = cost->owner;
}

// The worker has been behind for the whole time.
void judge(TimestampTz now, int64 lag) {
  const int64 took = now - watch.since;
  const int64 lost = lag - watch.lag_then;
  if (lost < took / kSmallPart && (lag < took || lost <= 0)) return;
  int64 all = 0;
  for (const auto& [trend, samples] : watch.taken) all += samples;
  const size_t owners = find_costliest();
  if (owners < 2 || watch.costliest.samples * 2 <= all) return;
  // Half of what it got done in this time, so that it gains.
  const int64 done = std::max(took - lost, INT64CONST(0));
  set_aside(all, all * done / took / 2);
}

}  // namespace

void overload_start() {
  watch.timer = RegisterTimeout(USER_TIMEOUT, tick);
}

void overload_awake() {
  watch.awake = true;
  if (likely(watch.armed) || settings.overload_timeout_s == 0) return;
  watch.armed = true;
  enable_timeout_after(watch.timer, kTickMs);
}

void overload_asleep() {
  watch.awake = false;
}

void overload_caught_up() {
  overload_due = false;
  watch.since = 0;
  watch.blamed = InvalidOid;
}

void overload_look_closely(TimestampTz committed_at) {
  overload_due = false;
  if (settings.overload_timeout_s == 0 || committed_at == 0) return;
  const TimestampTz now = GetCurrentTimestamp();
  const int64 lag = now - committed_at;
  if (watch.since == 0) return begin_anew(now, lag);
  take_samples();
  if (now - watch.since < settings.overload_timeout_s * kSecond) return;
  judge(now, lag);
  begin_anew(now, lag);
}

}  // namespace trending
