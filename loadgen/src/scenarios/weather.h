// SPDX-License-Identifier: PostgreSQL
// Scenario "weather": readings of weather stations as nested JSON; some are wrong and corrected soon after.
#pragma once

#include "pacing.h"
#include "scenarios/table_scenario.h"

namespace trending::loadgen {

struct Reading {
  uint64_t station;     // its number; several are in a city
  int64_t temperature;  // tenths of a degree, as it was
  int64_t reported;     // as the station first said
  std::optional<uint64_t> humidity;
  int64_t pressure;  // tenths of a hectopascal
  Micros lateness;
};

class Weather : public TableScenario {
 public:
  // A wrong reading is corrected when so many more have come.
  static constexpr uint64_t kCorrectedAfter = 200;

  explicit Weather(const Options& options);

  void prepare(Connection& connection) override;
  std::string describe() const override;
  std::vector<std::string_view> tally_names() const override { return {"late", "corrected"}; }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

  // A pure function of seed, timetable and number.
  Reading reading(uint64_t event) const;

 private:
  uint64_t seed_;
  Schedule schedule_;
  double late_share_;
  Micros late_max_;
  double wrong_share_;
  uint64_t first_id_ = 1;  // of event 0; since prepare()
};

}  // namespace trending::loadgen
