// SPDX-License-Identifier: PostgreSQL
// Scenario "blog": posts, and a stream of views of them; now and then a post gets another title, or is
// deleted.
#pragma once

#include <optional>

#include "scenarios/blog_model.h"
#include "scenarios/table_scenario.h"

namespace trending::loadgen {

class Blog : public TableScenario {
 public:
  explicit Blog(const Options& options);

  void prepare(Connection& connection) override;
  std::string describe() const override;
  std::vector<std::string_view> tally_names() const override { return {"late", "viral", "edits"}; }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

 protected:
  std::vector<std::string> fill(Connection& connection) override;

 private:
  BlogShape shape_;
  Schedule schedule_;
  uint64_t wanted_posts_;           // 0: as many as there are
  std::optional<BlogModel> model_;  // since prepare()
};

}  // namespace trending::loadgen
