// SPDX-License-Identifier: PostgreSQL
// What happens in the shop: pure functions of the seed and a number. No server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "micros.h"
#include "pacing.h"
#include "permutation.h"
#include "zipf.h"

namespace trending::loadgen {

struct ShopShape {
  static constexpr uint64_t kProducts = 200;

  uint64_t seed = 1;
  uint64_t users = 0;
  double skew = 0;
  double late_share = 0;
  Micros late_max = 0;
  double change_share = 0;  // of orders that are cancelled
};

struct Product {
  std::string name;
  std::string_view category;
  int64_t cents;
  int32_t reorder_point;
};

// Product and user number 1, 2, …
Product make_product(uint64_t seed, uint64_t id);
std::string_view make_country(uint64_t seed, uint64_t user);

struct Visit {
  uint64_t user;
  std::string_view page;
};

struct Order {
  std::optional<uint64_t> user;  // what is missing came in so, as a fault of the one who sent it
  uint64_t product;
  std::optional<int32_t> quantity;
  std::optional<int64_t> cents;
  std::string_view channel;
  bool faulty;
  bool cancelled;  // in the end
};

struct Delivery {
  uint64_t product;
  int32_t quantity;
};

struct PriceChange {
  uint64_t product;
  int64_t cents;
};

// At most one of the three.
struct ShopEvent {
  std::optional<Visit> visit;
  std::optional<Order> order;
  std::optional<Delivery> delivery;
  Micros lateness;
};

class ShopModel {
 public:
  // An order that is cancelled is so when this many more events have happened.
  static constexpr uint64_t kCancelledAfter = 500;

  ShopModel(const ShopShape& shape, const Schedule& schedule);

  ShopEvent event(uint64_t number) const;

  // The order that is cancelled at the time of an event.
  std::optional<Order> cancelled_at(uint64_t number) const;

  std::optional<PriceChange> price_change_at(uint64_t number) const;
  int64_t price_at(uint64_t number, uint64_t product) const;

 private:
  uint64_t visitor(Random& random, uint64_t number) const;
  Order order(Random& random, uint64_t number) const;
  void spoil(Random& random, Order& order) const;

  ShopShape shape_;
  Schedule schedule_;
  Zipf popularity_;
  Permutation product_of_rank_;
};

}  // namespace trending::loadgen
