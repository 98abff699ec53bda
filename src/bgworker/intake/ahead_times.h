// SPDX-License-Identifier: PostgreSQL
// The event times of rows that were refused because they lay too far ahead (max_ahead).
//
// Such a row may be deleted or updated when its time is ahead no longer. The WAL does not say whether an old
// version of a row has counted: retracting it would take a count from another row of the same key and
// window. So the times are kept until their windows are final, and a version of such a time that would be
// retracted refills the trend, which is exact and counts what is not ahead any more.
//
// Bounded: beyond kMost the nearest times become one range, which only means that more rows pass for refused
// than were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "engine/time/time.h"

namespace trending {

class AheadTimes {
 public:
  static constexpr size_t kMost = 256;

  bool empty() const { return ranges_.empty(); }
  void clear() { ranges_.clear(); }

  bool contains(Time time) const {
    auto after = ranges_.upper_bound(time);
    return after != ranges_.begin() && time <= std::prev(after)->second;
  }

  void add(Time time) {
    if (contains(time)) return;
    ranges_.emplace(time, time);
    if (ranges_.size() > kMost) join_nearest();
  }

  // Times before this matter no more.
  void forget_before(Time time) {
    while (!ranges_.empty() && ranges_.begin()->second < time) ranges_.erase(ranges_.begin());
  }

  // Ranges as first → last, apart from each other.
  const std::map<Time, Time>& ranges() const { return ranges_; }
  void restore_range(Time first, Time last) { ranges_.emplace(first, last); }

 private:
  void join_nearest() {
    auto nearest = ranges_.begin();
    for (auto range = nearest; std::next(range) != ranges_.end(); ++range) {
      if (gap_after(range) < gap_after(nearest)) nearest = range;
    }
    auto next = std::next(nearest);
    nearest->second = next->second;
    ranges_.erase(next);
  }
  static uint64_t gap_after(std::map<Time, Time>::iterator range) {
    return static_cast<uint64_t>(std::next(range)->first) - static_cast<uint64_t>(range->second);
  }

  std::map<Time, Time> ranges_;
};

}  // namespace trending
