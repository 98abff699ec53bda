// SPDX-License-Identifier: PostgreSQL
// A trend as its definition says, without any cleverness: windows are found by trying all of them, results by
// adding up all events. Slow, and independent of how the engine does it.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/fixture.h"

namespace trending::test {

struct ByEnd {
  bool operator()(const Window& a, const Window& b) const {
    return a.end != b.end ? a.end < b.end : a.start < b.start;
  }
};
using WindowSet = std::set<Window, ByEnd>;

// So many months later, by the standard library; the last day of a month that is too short.
inline Time plus_months(Time local, int64_t months) {
  using namespace std::chrono;
  const int64_t day = floor_div(local, kMicrosPerDay);
  const year_month_day from{sys_days{days{day - kUnixEpochDay}}};
  const year_month month = from.year() / from.month() + std::chrono::months{months};
  const std::chrono::day last = year_month_day_last{month.year(), month_day_last{month.month()}}.day();
  const sys_days to = month / std::min(from.day(), last);
  return (to.time_since_epoch().count() + kUnixEpochDay) * kMicrosPerDay + floor_mod(local, kMicrosPerDay);
}

// All windows of a time, from the definitions of tumble, hop and cumulate.
inline WindowSet windows_of(const WindowSpec& spec, const Calendar& calendar, Time t) {
  WindowSet found;
  const auto instant = [&](Time local) {
    return spec.zoned ? calendar.instant(calendar.context, local) : local;
  };
  const bool hops = spec.kind == WindowKind::kHop;
  const int64_t slide = hops ? spec.slide : spec.size;
  const int64_t months = hops ? spec.slide_months : spec.size_months;
  const int64_t about = slide + months * 30 * kMicrosPerDay;
  const int64_t longest = spec.size + spec.size_months * 31 * kMicrosPerDay;
  const int64_t nearest = floor_div(t - spec.origin, about);
  // Months are nearly 30.5 days: the further from the origin, the more the guess is off.
  const int64_t far = 6 + (months == 0 ? 0 : std::abs(nearest) / 50);
  for (int64_t n = nearest - longest / about - far; n <= nearest + far; n++) {
    const Time start = plus_months(spec.origin + n * slide, n * months);
    // What begins with an origin's day ends with it.
    const Time end = months > 0 ? plus_months(spec.origin, n * months + spec.size_months) + spec.size
                                : plus_months(start, spec.size_months) + spec.size;
    const Window period{instant(start), instant(end)};
    if (!period.contains(t)) continue;
    if (spec.kind != WindowKind::kCumulate) {
      found.insert(period);
      continue;
    }
    Time step_end = period.start;
    for (int64_t k = 1; step_end < period.end; k++) {
      if (spec.elapsed_step) {
        step_end = period.start + k * spec.slide;
      } else if (months > 0) {
        step_end = instant(plus_months(spec.origin, n * months + k * spec.slide_months) + k * spec.slide);
      } else {
        step_end = instant(plus_months(start, k * spec.slide_months) + k * spec.slide);
      }
      step_end = std::min(step_end, period.end);
      if (t < step_end) found.insert({period.start, step_end});
    }
  }
  return found;
}

class Model {
 public:
  struct State {
    int64_t rows = 0;
    int64_t counted = 0;  // of a single kCount aggregate, bit 0
  };
  using States = std::map<std::string, State>;

  Model(const TrendOptions& options, const Calendar& calendar) : options_(options), calendar_(calendar) {}

  void apply(const std::vector<Event>& events) {
    const Time before = watermark();
    Time latest = clock_;
    // What is added comes before what is retracted.
    std::vector<Event> ordered = events;
    std::stable_partition(ordered.begin(), ordered.end(),
                          [](const Event& event) { return event.weight > 0; });
    for (const Event& event : ordered) {
      const WindowSet windows = windows_of(options_.window, calendar_, event.time);
      if (event.weight > 0) latest = std::max(latest, event.time);
      if (before != kNoTime && windows.rbegin()->end + options_.allowed_lateness <= before) {
        if (event.weight > 0) late++;
        continue;
      }
      // Times of the same windows form a pane.
      State& state = panes_[{*windows.begin(), *windows.rbegin()}][event.key];
      if (event.weight < 0 && state.rows == 0) {
        unmatched++;
        continue;
      }
      counted++;
      State change{event.weight, (event.valid & 1) != 0 ? event.weight : 0};
      // Nothing stays of the values of rows that are all gone.
      if (state.rows + change.rows == 0) change.counted = -state.counted;
      add(&state, change);
      for (const Window& window : windows) {
        if (before == kNoTime || window.end + options_.allowed_lateness > before)
          add(&history_[window][event.key], change);
      }
    }
    clock_ = latest;
  }
  void advance_clock(Time t) { clock_ = std::max(clock_, t); }

  Time clock() const { return clock_; }
  Time watermark() const { return clock_ == kNoTime ? kNoTime : clock_ - options_.watermark_delay; }
  Window window() const {
    if (clock_ == kNoTime) return {};
    return *windows_of(options_.window, calendar_, clock_).begin();
  }

  // What a window contains now.
  States result(const Window& window) const {
    States sum;
    for (const auto& [pane, groups] : panes_) {
      if (!(pane.first.end <= window.end && window.end <= pane.second.end)) continue;
      if (!(pane.first.start <= window.start && window.start <= pane.second.start)) continue;
      for (const auto& [key, state] : groups) {
        sum[key].rows += state.rows;
        sum[key].counted += state.counted;
      }
    }
    std::erase_if(sum, [](const auto& group) { return group.second.rows == 0; });
    return sum;
  }

  // What was final or would be if it closed now: an event counts if it was in time for this window.
  const std::map<Window, States, ByEnd>& history() const { return history_; }

  // Panes that no window needs may be forgotten, to be quick.
  void forget() {
    std::erase_if(panes_, [&](const auto& pane) {
      return pane.first.second.end + options_.allowed_lateness + options_.watermark_delay +
                 longest_window(options_.window) <=
             clock_;
    });
  }

  uint64_t late = 0;
  uint64_t unmatched = 0;
  uint64_t counted = 0;

 private:
  static void add(State* state, const State& change) {
    state->rows += change.rows;
    state->counted += change.counted;
  }

  TrendOptions options_;
  Calendar calendar_;
  Time clock_ = kNoTime;
  struct ByPane {
    bool operator()(const std::pair<Window, Window>& a, const std::pair<Window, Window>& b) const {
      return ByEnd()(a.first, b.first) || (a.first == b.first && ByEnd()(a.second, b.second));
    }
  };
  std::map<std::pair<Window, Window>, States, ByPane> panes_;  // by their first and last window
  std::map<Window, States, ByEnd> history_;
};

}  // namespace trending::test
