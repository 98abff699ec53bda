// Scenario "blog": posts, and a stream of views of them.
#pragma once

#include <optional>

#include "scenario.h"
#include "scenarios/blog_model.h"

namespace trending::loadgen {

class Blog : public Scenario {
 public:
  explicit Blog(const Options& options);

  std::string_view name() const override { return "blog"; }
  std::vector<std::string> create(Connection& connection, bool drop) override;
  void prepare(Connection& connection) override;
  std::string describe() const override;
  const std::vector<Table>& event_tables() const override { return event_tables_; }
  std::vector<std::string_view> tally_names() const override { return {"late", "viral"}; }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

 private:
  std::string add_posts(Connection& connection);

  BlogShape shape_;
  Schedule schedule_;
  uint64_t wanted_posts_;  // 0: as many as there are
  std::vector<Table> event_tables_;
  std::optional<BlogModel> model_;  // since prepare()
};

}  // namespace trending::loadgen
