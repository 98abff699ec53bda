// SPDX-License-Identifier: PostgreSQL
#include "pacing.h"

#include <algorithm>
#include <cmath>

namespace trending::loadgen {

std::optional<uint64_t> Schedule::events_within(Micros duration) const {
  if (!paced()) return std::nullopt;
  const double seconds = static_cast<double>(duration) / kSecond;
  return static_cast<uint64_t>(std::ceil(seconds * rate_));
}

std::optional<EventSpan> Dispenser::next() {
  const uint64_t first = next_.fetch_add(batch_, std::memory_order_relaxed);
  if (first >= limit_) return std::nullopt;
  return EventSpan{first, std::min(batch_, limit_ - first)};
}

void Dispenser::finish(EventSpan span) {
  const std::lock_guard lock(mutex_);
  finished_ahead_.insert(span.first);
  while (!finished_ahead_.empty() && *finished_ahead_.begin() == all_before_) {
    finished_ahead_.erase(finished_ahead_.begin());
    all_before_ += batch_;
  }
  finished_.notify_all();
}

// The span that was handed out first never waits, so that no two wait for each other.
bool Dispenser::wait_for_earlier(EventSpan span, const std::stop_token& stop,
                                 std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return finished_.wait_until(lock, stop, deadline, [&] { return all_before_ >= span.first; });
}

Micros backoff(unsigned attempt, double random) {
  constexpr Micros kFirst = 100 * kMillisecond;
  constexpr Micros kLongest = 5 * kSecond;
  const Micros pause = std::min(kFirst << std::min(attempt, 10U), kLongest);
  return static_cast<Micros>(static_cast<double>(pause) * (0.75 + 0.5 * random));
}

uint64_t automatic_batch(double rate, uint64_t clients) {
  constexpr double kLargest = 1000;
  if (rate == 0) return static_cast<uint64_t>(kLargest);
  return static_cast<uint64_t>(
      std::clamp(std::round(rate / (10.0 * static_cast<double>(clients))), 1.0, kLargest));
}

}  // namespace trending::loadgen
