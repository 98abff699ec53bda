// SPDX-License-Identifier: PostgreSQL
// A histogram of latencies with a relative error below 1/32, in fixed memory: per power of two, 32 linear
// buckets.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "micros.h"

namespace trending::loadgen {

class LatencySnapshot;

// Written by one thread, read by any: the buckets are relaxed atomics, so a snapshot taken meanwhile may miss
// the newest values but never sees a torn one.
class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = 32 * 33;  // up to 2^37 µs, 38 hours; longer ones go into the last

  void record(Micros latency);

 private:
  friend class LatencySnapshot;
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<Micros> longest_{0};
};

// Plain counts, to be summed over clients or subtracted to look at an interval.
class LatencySnapshot {
 public:
  void add(const LatencyHistogram& histogram);
  LatencySnapshot since(const LatencySnapshot& earlier) const;

  uint64_t count() const { return count_; }
  Micros longest() const { return longest_; }

  // The smallest latency that at least this share (0..1) of the values does not exceed; 0 if there are none.
  Micros quantile(double share) const;

 private:
  std::array<uint64_t, LatencyHistogram::kBuckets> buckets_{};
  uint64_t count_ = 0;
  Micros longest_ = 0;
};

}  // namespace trending::loadgen
