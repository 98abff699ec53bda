// Session windows as their definition says: every accepted event is kept, and a group's sessions are found
// anew from all of its events whenever they are asked for.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "engine/fixture.h"

namespace trending::test {

struct SessionState {
  int64_t rows = 0;
  int64_t counted = 0;  // of a single kCount aggregate, bit 0
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
               << ")=" << session.state.rows << "/" << session.state.counted;
  }
};
using Sessions = std::vector<NamedSession>;

class SessionModel {
 public:
  explicit SessionModel(const TrendOptions& options) : options_(options) {}

  void apply(const std::vector<Event>& events) {
    const Time before = watermark();
    for (const Event& event : events) {
      clock_ = std::max(clock_, event.time);
      if (before != kNoTime && event.time + gap() <= before - options_.allowed_lateness) {
        late++;
        continue;
      }
      counted++;
      events_[event.key].push_back(event);
    }
  }
  void advance_clock(Time t) { clock_ = std::max(clock_, t); }

  int64_t gap() const { return options_.window.size; }
  Time clock() const { return clock_; }
  Time watermark() const { return clock_ == kNoTime ? kNoTime : clock_ - options_.watermark_delay; }
  bool is_final(const Window& window) const {
    return watermark() != kNoTime && window.end + gap() + options_.allowed_lateness <= watermark();
  }

  // Every group's latest session, if it is open.
  Sessions open() const { return select(true); }
  // All others.
  Sessions closed() const { return select(false); }

  uint64_t late = 0;
  uint64_t counted = 0;

 private:
  Sessions select(bool open) const {
    Sessions found;
    for (const auto& [key, events] : events_) {
      const Sessions all = sessions_of(key, events);
      for (size_t i = 0; i < all.size(); i++) {
        const bool is_open = i + 1 == all.size() && all[i].window.end > watermark();
        if (is_open == open) found.push_back(all[i]);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  Sessions sessions_of(const std::string& key, std::vector<Event> events) const {
    std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.time < b.time; });
    Sessions found;
    for (const Event& event : events) {
      if (found.empty() || event.time > found.back().window.end) {
        found.push_back({key, {event.time, event.time + gap()}, {}});
      }
      found.back().window.end = event.time + gap();
      found.back().state.rows++;
      if (options_.aggregate_count > 0) found.back().state.counted += event.valid & 1;
    }
    return found;
  }

  TrendOptions options_;
  Time clock_ = kNoTime;
  std::map<std::string, std::vector<Event>> events_;
};

}  // namespace trending::test
