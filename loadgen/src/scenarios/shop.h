// SPDX-License-Identifier: PostgreSQL
// Scenario "shop": visits, orders, of which some are cancelled and some come in broken, stock, and prices
// that change.
#pragma once

#include <optional>

#include "scenarios/shop_model.h"
#include "scenarios/table_scenario.h"

namespace trending::loadgen {

class Shop : public TableScenario {
 public:
  explicit Shop(const Options& options);

  void prepare(Connection& connection) override;
  std::string describe() const override;
  std::vector<std::string_view> tally_names() const override {
    return {"late", "orders", "cancelled", "faulty"};
  }
  void generate(EventSpan span, const EventTimes& times, Batch& batch) const override;
  std::vector<SummaryLine> summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                   uint64_t events) const override;

 protected:
  std::vector<std::string> fill(Connection& connection) override;

 private:
  void add_order(uint64_t id, const Order& order, Timestamp time, Batch& batch) const;
  void add_movement(uint64_t product, int32_t quantity, std::string_view reason, Timestamp time,
                    Rows& rows) const;

  ShopShape shape_;
  ShopModel model_;
  uint64_t first_order_ = 1;  // id of an order at event 0; since prepare()
};

}  // namespace trending::loadgen
