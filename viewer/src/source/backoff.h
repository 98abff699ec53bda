// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <algorithm>
#include <cstdint>

namespace trending {

// Waiting times between attempts: 0.5 s, doubling, at most 30 s.
class Backoff {
 public:
  static constexpr std::int64_t kFirstMs = 500;
  static constexpr std::int64_t kLongestMs = 30'000;

  int attempts() const { return attempts_; }
  void reset() { attempts_ = 0; }

  std::int64_t next_ms() {
    const int doublings = std::min(attempts_++, 10);
    return std::min(kFirstMs << doublings, kLongestMs);
  }

 private:
  int attempts_ = 0;
};

}  // namespace trending
