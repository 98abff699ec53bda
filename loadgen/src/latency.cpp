// SPDX-License-Identifier: PostgreSQL
#include "latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace trending::loadgen {

namespace {

constexpr int kLinearBits = 5;
constexpr uint64_t kLinear = uint64_t{1} << kLinearBits;

// Values below 32 have a bucket each; above, the five bits after the leading one choose among 32 per octave.
size_t bucket_of(uint64_t value) {
  if (value < kLinear) return value;
  const int octave = std::bit_width(value) - 1 - kLinearBits;
  const size_t bucket = (static_cast<size_t>(octave) + 1) * kLinear + ((value >> octave) - kLinear);
  return std::min(bucket, LatencyHistogram::kBuckets - 1);
}

// The greatest value that falls into the bucket.
Micros upper_bound_of(size_t bucket) {
  if (bucket < kLinear) return static_cast<Micros>(bucket);
  const int octave = static_cast<int>(bucket / kLinear) - 1;
  return static_cast<Micros>(((bucket % kLinear + kLinear + 1) << octave) - 1);
}

}  // namespace

void LatencyHistogram::record(Micros latency) {
  const Micros value = std::max<Micros>(latency, 0);
  std::atomic<uint64_t>& bucket = buckets_[bucket_of(static_cast<uint64_t>(value))];
  bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (value > longest_.load(std::memory_order_relaxed)) longest_.store(value, std::memory_order_relaxed);
}

void LatencySnapshot::add(const LatencyHistogram& histogram) {
  for (size_t i = 0; i < buckets_.size(); ++i) {
    const uint64_t values = histogram.buckets_[i].load(std::memory_order_relaxed);
    buckets_[i] += values;
    count_ += values;
  }
  longest_ = std::max(longest_, histogram.longest_.load(std::memory_order_relaxed));
}

LatencySnapshot LatencySnapshot::since(const LatencySnapshot& earlier) const {
  LatencySnapshot difference = *this;
  for (size_t i = 0; i < buckets_.size(); ++i) difference.buckets_[i] -= earlier.buckets_[i];
  difference.count_ -= earlier.count_;
  return difference;
}

Micros LatencySnapshot::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted =
      std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(upper_bound_of(i), longest_);
  }
  return longest_;
}

}  // namespace trending::loadgen
