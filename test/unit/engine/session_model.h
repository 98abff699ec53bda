// SPDX-License-Identifier: PostgreSQL
// Session windows as their definition says: every accepted event is kept, and a group's sessions are
// calculated from all of its events whenever they are asked for.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/aggregates/hyperloglog.h"
#include "engine/fixture.h"

namespace trending::test {

// A row of a trend with some of the aggregates of session_aggregates(), in this order: bit i of `valid` says
// whether it counts in aggregate i, `value` is what the last two are about.
struct Click : Event {
  int64_t value = 0;
};
inline constexpr uint16_t kSessionAggregates = 4;
inline void session_aggregates(TrendOptions* options, uint16_t count) {
  options->aggregate_count = count;
  options->aggregates[0].kind = AggregateKind::kCount;
  options->aggregates[1].kind = AggregateKind::kRowCount;
  options->aggregates[2].kind = AggregateKind::kDistinct;
  options->aggregates[3].kind = AggregateKind::kApproxDistinct;
}
inline std::string bytes_of(int64_t value) {
  return std::string(static_cast<size_t>(value % 30), 'v') + std::to_string(value);
}

struct SessionState {
  int64_t rows = 0;
  int64_t values[kSessionAggregates] = {};
  friend bool operator==(const SessionState&, const SessionState&) = default;
};

struct NamedSession {
  std::string key;
  Window window;
  SessionState state;
  friend bool operator==(const NamedSession&, const NamedSession&) = default;
  friend bool operator<(const NamedSession& a, const NamedSession& b) {
    return std::tie(a.window.end, a.window.start, a.key) < std::tie(b.window.end, b.window.start, b.key);
  }
  friend std::ostream& operator<<(std::ostream& out, const NamedSession& session) {
    return out << session.key << "[" << session.window.start << "," << session.window.end
               << ")=" << session.state.rows << "/" << session.state.values[0] << "/"
               << session.state.values[2] << "/" << session.state.values[3];
  }
};
using Sessions = std::vector<NamedSession>;

class SessionModel {
 public:
  using Condition = std::function<bool(int64_t rows)>;
  explicit SessionModel(const TrendOptions& options, Condition condition = {})
      : options_(options), condition_(std::move(condition)) {}

  void apply(const std::vector<Click>& events) {
    const Time before = watermark();
    const Sessions sessions_before = options_.has_condition ? select(before, {}) : Sessions{};
    Time clock = clock_;
    for (const Click& event : events) {
      clock = std::max(clock, event.time);
      if (before != kNoTime && event.time + gap() <= before - options_.allowed_lateness) {
        late++;
        continue;
      }
      counted++;
      events_[event.key].push_back(event);
    }
    if (options_.has_condition) note_crossings(sessions_before);
    clock_ = clock;
  }
  void advance_clock(Time t) { clock_ = std::max(clock_, t); }

  int64_t gap() const { return options_.window.size; }
  Time clock() const { return clock_; }
  Time watermark() const { return clock_ == kNoTime ? kNoTime : clock_ - options_.watermark_delay; }
  bool is_final(const Window& window) const {
    return watermark() != kNoTime && window.end + gap() + options_.allowed_lateness <= watermark();
  }

  // Every group's latest session, if it is open.
  Sessions open() const { return holding(select(watermark(), true)); }
  // All others.
  Sessions closed() const { return holding(select(watermark(), false)); }

  uint64_t late = 0;
  uint64_t counted = 0;
  // Open sessions that came to fulfil the condition, and did not grow from one that did.
  Sessions crossed;

 private:
  bool holds(const NamedSession& session) const {
    return !options_.has_condition || condition_(session.state.rows);
  }
  Sessions holding(Sessions sessions) const {
    std::erase_if(sessions, [this](const NamedSession& session) { return !holds(session); });
    return sessions;
  }
  // By the watermark as it was before.
  void note_crossings(const Sessions& before) {
    for (const NamedSession& session : holding(select(watermark(), true))) {
      const bool held = std::any_of(before.begin(), before.end(), [&](const NamedSession& other) {
        return other.key == session.key && other.window.start >= session.window.start &&
               other.window.end <= session.window.end && holds(other);
      });
      if (!held) crossed.push_back(session);
    }
    std::sort(crossed.begin(), crossed.end());
  }
  Sessions select(Time watermark, std::optional<bool> open) const {
    Sessions found;
    for (const auto& [key, events] : events_) {
      const Sessions all = sessions_of(key, events);
      for (size_t i = 0; i < all.size(); i++) {
        const bool is_open = i + 1 == all.size() && all[i].window.end > watermark;
        if (!open || is_open == *open) found.push_back(all[i]);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  Sessions sessions_of(const std::string& key, std::vector<Click> events) const {
    std::sort(events.begin(), events.end(), [](const Click& a, const Click& b) { return a.time < b.time; });
    Sessions found;
    std::set<int64_t> distinct;
    std::optional<HyperLogLog> sketch;
    for (const Click& event : events) {
      if (found.empty() || event.time > found.back().window.end) {
        found.push_back({key, {event.time, event.time + gap()}, {}});
        distinct.clear();
        sketch.emplace();
      }
      found.back().window.end = event.time + gap();
      SessionState& state = found.back().state;
      state.rows++;
      const std::string bytes = bytes_of(event.value);
      if ((event.valid >> 2 & 1) != 0) distinct.insert(event.value);
      if ((event.valid >> 3 & 1) != 0) {
        EXPECT_TRUE(sketch->add(hash_for_sketch(bytes.data(), bytes.size())));
      }
      const int64_t values[] = {state.values[0] + (event.valid & 1), state.rows,
                                static_cast<int64_t>(distinct.size()),
                                static_cast<int64_t>(sketch->estimate())};
      std::copy(values, values + options_.aggregate_count, state.values);
    }
    return found;
  }

  TrendOptions options_;
  Condition condition_;
  Time clock_ = kNoTime;
  std::map<std::string, std::vector<Click>> events_;
};

}  // namespace trending::test
