// SPDX-License-Identifier: PostgreSQL
// Scenario "pageviews": views of web pages by postcode, delivered by another system seconds, a day or two
// days late.
#pragma once

#include "permutation.h"
#include "scenarios/table_scenario.h"
#include "zipf.h"

namespace trending::loadgen {

struct Pageview {
  uint64_t user;
  std::string postcode;  // empty: unknown
  std::string webpage;
  Micros lateness;
};

class Pageviews : public TableScenario {
 public:
  explicit Pageviews(const Options& options);

  std::string describe() const override;
  std::vector<std::string_view> tally_names() const override {
    return {"seconds_late", "day_late", "two_days_late"};
  }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

  // A pure function of seed and number.
  Pageview view(uint64_t event) const;

 private:
  static constexpr uint64_t kPostcodes = 400;

  uint64_t seed_;
  uint64_t users_;
  Zipf popularity_;
  Permutation postcode_of_rank_;
};

}  // namespace trending::loadgen
