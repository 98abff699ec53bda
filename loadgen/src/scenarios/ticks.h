// SPDX-License-Identifier: PostgreSQL
// Scenario "ticks": trades of a stock exchange; a few are struck in error and deleted soon after.
#pragma once

#include "pacing.h"
#include "permutation.h"
#include "scenarios/table_scenario.h"
#include "zipf.h"

namespace trending::loadgen {

struct Trade {
  std::string_view symbol;
  int64_t price;  // in units of 10^-4
  int64_t volume;
  Micros lateness;
  bool error;
};

class Ticks : public TableScenario {
 public:
  // A trade in error is deleted when so many more have been made.
  static constexpr uint64_t kDeletedAfter = 300;

  explicit Ticks(const Options& options);

  void prepare(Connection& connection) override;
  std::string describe() const override;
  std::vector<std::string_view> tally_names() const override { return {"late", "deleted"}; }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

  // A pure function of seed, timetable and number.
  Trade trade(uint64_t event) const;

 private:
  double level(uint64_t symbol, Micros story_time) const;

  uint64_t seed_;
  Schedule schedule_;
  Zipf popularity_;
  Permutation symbol_of_rank_;
  double late_share_;
  Micros late_max_;
  double error_share_;
  uint64_t first_id_ = 1;  // of event 0; since prepare()
};

}  // namespace trending::loadgen
