// SPDX-License-Identifier: PostgreSQL
// What a run came to: totals over its clients, the progress line, the summary.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "latency.h"
#include "options.h"
#include "scenario.h"

namespace trending::loadgen {

struct Totals {
  uint64_t events = 0;
  uint64_t transactions = 0;
  std::array<uint64_t, Batch::kTallies> tallies{};
  uint64_t errors = 0;
  uint64_t reconnects = 0;
  uint64_t unknown_events = 0;
  uint64_t unknown_transactions = 0;
  uint64_t unwritten_events = 0;
  LatencySnapshot latency;
};

Totals sum_up(const std::vector<std::shared_ptr<Client>>& clients);

// Counts what hung clients have under way among the unknown.
void add_in_flight(const std::vector<std::shared_ptr<Client>>& clients, Totals& totals);

// A line about the interval between two looks at the totals.
struct ProgressView {
  const Totals& before;
  const Totals& now;
  Micros interval;
  Micros elapsed;
  uint64_t clients;
  uint64_t clients_away;
  double rate;  // wanted; 0 if as fast as possible
};
std::string progress_line(const ProgressView& view);

struct Summary {
  const Options& options;
  const Scenario& scenario;
  const Totals& totals;
  Micros elapsed;
  Micros away;
  std::string ended;  // "all events written", "SIGINT", …
};
std::string summary_text(const Summary& summary);
std::string summary_json(const Summary& summary);

}  // namespace trending::loadgen
