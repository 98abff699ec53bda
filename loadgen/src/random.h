// SPDX-License-Identifier: PostgreSQL
// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), used as a
// counter-based generator: every event has a stream of its own, found from the seed and the event's number,
// so that the sequence of events does not depend on which client draws them, or when.
#pragma once

#include <cstdint>

namespace trending::loadgen {

inline constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15ULL;

// SplitMix64's output function: a bijection whose output bits all depend on all input bits.
constexpr uint64_t mix64(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

class Random {
 public:
  constexpr Random(uint64_t seed, uint64_t stream)
      : state_(mix64(mix64(seed + kGoldenGamma) + stream * kGoldenGamma)) {}

  constexpr uint64_t next() { return mix64(state_ += kGoldenGamma); }

  // In [0, 1), 53 bits.
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // In [0, bound), by multiplication; the bias is below bound / 2^64.
  constexpr uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

 private:
  uint64_t state_;
};

}  // namespace trending::loadgen
