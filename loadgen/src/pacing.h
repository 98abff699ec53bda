// SPDX-License-Identifier: PostgreSQL
// When each event is due, and which client sends it.
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>

#include "micros.h"

namespace trending::loadgen {

// Consecutive events, the unit in which clients take work: one transaction.
struct EventSpan {
  uint64_t first = 0;
  uint64_t count = 0;
};

// The timetable: pure functions of the event's number, so that they need no lock and depend on no client.
class Schedule {
 public:
  // The event clock of --rate 0, where the wall clock says nothing.
  static constexpr double kNominalRate = 10000;

  // rate: events a second of wall time, 0 for as fast as possible; speed: event time that passes in one
  // second of the timetable.
  Schedule(double rate, double speed) : rate_(rate), speed_(speed) {}

  bool paced() const { return rate_ > 0; }

  // Wall time, counted from the start of the run, at which the event is due.
  Micros due(uint64_t event) const { return paced() ? at_rate(event, rate_) : 0; }

  // A span is sent when its last event is due.
  Micros due(EventSpan span) const { return due(span.first + span.count - 1); }

  // Event time, counted from the start of the run, at which the event happens.
  Micros story_time(uint64_t event) const {
    return at_rate(event, (paced() ? rate_ : kNominalRate) / speed_);
  }

  // How many events are due before so much time has passed; nothing if the pace sets no bound.
  std::optional<uint64_t> events_within(Micros duration) const;

 private:
  static Micros at_rate(uint64_t event, double rate) {
    return std::llround(static_cast<double>(event) * (static_cast<double>(kSecond) / rate));
  }

  double rate_;
  double speed_;
};

// Hands out the events in order, each once. Used by all clients at the same time.
class Dispenser {
 public:
  Dispenser(uint64_t limit, uint64_t batch) : limit_(limit), batch_(batch) {}

  std::optional<EventSpan> next();

  // The span is written, or never will be.
  void finish(EventSpan span);

  // Waits until all spans before this one are finished; false if the run ends before.
  bool wait_for_earlier(EventSpan span, const std::stop_token& stop,
                        std::chrono::steady_clock::time_point deadline);

 private:
  const uint64_t limit_;
  const uint64_t batch_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;  // guards the rest
  std::condition_variable_any finished_;
  uint64_t all_before_ = 0;            // every event before this one is finished
  std::set<uint64_t> finished_ahead_;  // first events of spans that are finished after it
};

// The pause before the n-th attempt (from 0) to reach a server that is away: doubling from 100 ms up to 5 s,
// then spread by up to a quarter either way (random in [0, 1)) so that clients do not knock all at once.
Micros backoff(unsigned attempt, double random);

// A batch size with which each client commits about ten times a second.
uint64_t automatic_batch(double rate, uint64_t clients);

}  // namespace trending::loadgen
