// SPDX-License-Identifier: PostgreSQL
// A trend as its definition says, without any cleverness: windows are found by trying all of them, results by
// adding up all events. Slow, and independent of how the engine does it.
#pragma once

#include <algorithm>
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

// All windows of a time, from the definitions of tumble, hop and cumulate.
inline WindowSet windows_of(const WindowSpec& spec, const Calendar& calendar, Time t) {
  WindowSet found;
  const auto instant = [&](int64_t unit) {
    return spec.zoned ? calendar.day_start(calendar.context, unit) : unit;
  };
  const int64_t slide = spec.kind == WindowKind::kHop ? spec.slide : spec.size;
  const int64_t unit = spec.zoned ? floor_div(t, kMicrosPerDay) : t;
  const int64_t nearest = floor_div(unit - spec.origin, slide);
  for (int64_t n = nearest - spec.size / slide - 4; n <= nearest + 4; n++) {
    const int64_t start = spec.origin + n * slide;
    const Window period{instant(start), instant(start + spec.size)};
    if (!period.contains(t)) continue;
    if (spec.kind != WindowKind::kCumulate) {
      found.insert(period);
      continue;
    }
    for (Time end = period.start; end < period.end;) {
      end = std::min(end + spec.slide, period.end);
      if (t < end) found.insert({period.start, end});
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
                 options_.window.size <=
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
