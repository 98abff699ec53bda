// SPDX-License-Identifier: PostgreSQL
#include "scenarios/shop_model.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "scenarios/table_scenario.h"

namespace trending::loadgen {

namespace {

struct Range {
  std::string_view category;
  std::string_view things[5];
};
constexpr Range kRanges[] = {{"kitchen", {"kettle", "pan", "knife", "grater", "teapot"}},
                             {"garden", {"rake", "watering can", "bird table", "hose", "lantern"}},
                             {"books", {"atlas", "cookbook", "novel", "dictionary", "sketchbook"}},
                             {"toys", {"kite", "puzzle", "train set", "marble run", "puppet"}},
                             {"music", {"ukulele", "tambourine", "metronome", "flute", "drum"}},
                             {"sports", {"racket", "rope", "skateboard", "helmet", "canoe"}}};
constexpr std::string_view kColours[] = {"red",   "blue",  "green",  "yellow",
                                         "black", "white", "silver", "orange"};
constexpr std::string_view kCountries[] = {"BR", "DE", "FR", "GB", "IN", "JP", "KE", "MX", "PL", "US"};
constexpr std::string_view kPages[] = {"/", "/search", "/product", "/product", "/basket", "/offers"};
constexpr std::string_view kChannels[] = {"web", "web", "app", "app", "phone"};

// Of all events: the others are visits. As many pieces are delivered as sold.
constexpr double kOrders = 0.12;
constexpr double kDeliveries = 0.054;
constexpr int32_t kMostPieces = 4;
constexpr int32_t kDeliveredPieces = 5;

constexpr double kFaulty = 0.01;  // of all orders
constexpr uint64_t kPriceEvery = 1000;

// Who is in the shop changes every so often, and a part of all users is there at a time, so that sessions
// end. Now and then somebody orders far more than others.
constexpr Micros kShift = 10 * kMinute;
constexpr uint64_t kShifts = 20;
constexpr Micros kBurstEvery = 30 * kSecond;
constexpr Micros kBurstLength = 10 * kSecond;
constexpr double kBurstShare = 0.3;

}  // namespace

Product make_product(uint64_t seed, uint64_t id) {
  Random random(mix64(seed) + 6, id);
  const Range& range = kRanges[random.below(std::size(kRanges))];
  const std::string_view thing = range.things[random.below(std::size(range.things))];
  const std::string_view colour = kColours[random.below(std::size(kColours))];
  const auto cents = static_cast<int64_t>(500 * std::pow(200.0, random.unit()));
  return {.name = fmt::format("{} {} no. {}", colour, thing, id),
          .category = range.category,
          .cents = cents,
          .reorder_point = static_cast<int32_t>(10 + random.below(20))};
}

std::string_view make_country(uint64_t seed, uint64_t user) {
  return kCountries[Random(mix64(seed) + 7, user).below(std::size(kCountries))];
}

ShopModel::ShopModel(const ShopShape& shape, const Schedule& schedule)
    : shape_(shape),
      schedule_(schedule),
      popularity_(ShopShape::kProducts, shape.skew),
      product_of_rank_(ShopShape::kProducts, shape.seed) {}

uint64_t ShopModel::visitor(Random& random, uint64_t number) const {
  const uint64_t present = std::max<uint64_t>(1, shape_.users / kShifts);
  const uint64_t shift = static_cast<uint64_t>(schedule_.story_time(number) / kShift);
  return 1 + (shift * present + random.below(present)) % shape_.users;
}

Order ShopModel::order(Random& random, uint64_t number) const {
  Order order{};
  order.product = 1 + product_of_rank_(popularity_(random) - 1);
  order.user = visitor(random, number);
  const Micros now = schedule_.story_time(number);
  if (random.unit() < kBurstShare && now % kBurstEvery < kBurstLength) {
    order.user =
        1 + Random(mix64(shape_.seed) + 8, static_cast<uint64_t>(now / kBurstEvery)).below(shape_.users);
  }
  order.quantity = static_cast<int32_t>(1 + random.below(kMostPieces));
  order.cents = price_at(number, order.product);
  order.channel = kChannels[random.below(std::size(kChannels))];
  order.faulty = random.unit() < kFaulty;
  order.cancelled = random.unit() < shape_.change_share && !order.faulty;
  if (order.faulty) spoil(random, order);
  return order;
}

void ShopModel::spoil(Random& random, Order& order) const {
  switch (random.below(4)) {
    case 0:
      order.user.reset();
      break;
    case 1:
      order.quantity = 0;
      break;
    case 2:
      order.cents.reset();
      break;
    default:
      order.cents = -*order.cents;
  }
}

ShopEvent ShopModel::event(uint64_t number) const {
  Random random(shape_.seed, number);
  ShopEvent event{};
  event.lateness = draw_lateness(random, shape_.late_share, shape_.late_max);
  const double kind = random.unit();
  if (kind < kOrders) {
    event.order = order(random, number);
  } else if (kind < kOrders + kDeliveries) {
    const uint64_t product = 1 + product_of_rank_(popularity_(random) - 1);
    event.delivery = Delivery{product, kDeliveredPieces};
  } else {
    const uint64_t user = visitor(random, number);
    event.visit = Visit{user, kPages[random.below(std::size(kPages))]};
  }
  return event;
}

std::optional<Order> ShopModel::cancelled_at(uint64_t number) const {
  if (number < kCancelledAfter) return std::nullopt;
  const ShopEvent then = event(number - kCancelledAfter);
  return then.order && then.order->cancelled ? then.order : std::nullopt;
}

// Products take turns: change number n, at event n × kPriceEvery, is of product (n - 1) mod kProducts + 1.
std::optional<PriceChange> ShopModel::price_change_at(uint64_t number) const {
  if (number == 0 || number % kPriceEvery != 0) return std::nullopt;
  const uint64_t product = 1 + (number / kPriceEvery - 1) % ShopShape::kProducts;
  return PriceChange{product, price_at(number, product)};
}

int64_t ShopModel::price_at(uint64_t number, uint64_t product) const {
  const int64_t first = make_product(shape_.seed, product).cents;
  const uint64_t changes = (number / kPriceEvery + ShopShape::kProducts - product) / ShopShape::kProducts;
  if (changes == 0) return first;
  const double factor = 0.8 + 0.4 * Random(mix64(shape_.seed) + product, changes).unit();
  return std::llround(static_cast<double>(first) * factor);
}

}  // namespace trending::loadgen
