// SPDX-License-Identifier: PostgreSQL
#include "scenarios/shop.h"

#include <fmt/format.h>

#include "connection.h"
#include "format.h"
#include "scenarios/schemas.h"
#include "scenarios/titles.h"

namespace trending::loadgen {

namespace {

enum Tally { kLate, kOrders, kCancelled, kFaulty };
enum FixedTable { kUsersTable, kProductsTable };
enum EventTable { kOrdersTable, kMovementsTable, kVisitsTable };

constexpr uint64_t kDefaultUsers = 20000;
constexpr double kDefaultCancelled = 0.03;
constexpr int32_t kFirstStock = 150;
constexpr Micros kOldestUser = 400 * kDay;
constexpr int kPriceScale = 2;

Table users_table() {
  return {"users",
          {{"id", ColumnType::kBigint},
           {"name", ColumnType::kText},
           {"country", ColumnType::kText},
           {"registered_at", ColumnType::kTimestamptz}}};
}

Table products_table() {
  return {"products",
          {{"id", ColumnType::kBigint},
           {"name", ColumnType::kText},
           {"category", ColumnType::kText},
           {"price", ColumnType::kNumeric},
           {"reorder_point", ColumnType::kInteger}}};
}

Table orders_table() {
  return {"orders",
          {{"id", ColumnType::kBigint},
           {"user_id", ColumnType::kBigint},
           {"product_id", ColumnType::kBigint},
           {"category", ColumnType::kText},
           {"quantity", ColumnType::kInteger},
           {"unit_price", ColumnType::kNumeric},
           {"channel", ColumnType::kText},
           {"status", ColumnType::kText},
           {"ordered_at", ColumnType::kTimestamptz}}};
}

Table movements_table() {
  return {"stock_movements",
          {{"product_id", ColumnType::kBigint},
           {"quantity", ColumnType::kInteger},
           {"reorder_point", ColumnType::kInteger},
           {"reason", ColumnType::kText},
           {"moved_at", ColumnType::kTimestamptz}}};
}

Table visits_table() {
  return {"page_visits",
          {{"user_id", ColumnType::kBigint},
           {"page", ColumnType::kText},
           {"visited_at", ColumnType::kTimestamptz}}};
}

}  // namespace

Shop::Shop(const Options& options)
    : TableScenario("shop", schemas::kShop, {users_table(), products_table()},
                    {orders_table(), movements_table(), visits_table()}),
      shape_{.seed = options.shape.seed,
             .users = options.shape.users.value_or(kDefaultUsers),
             .skew = options.shape.skew,
             .late_share = options.shape.late_share,
             .late_max = options.shape.late_max,
             .change_share = options.shape.change_share.value_or(kDefaultCancelled)},
      model_(shape_, Schedule(options.run.rate, options.run.speed)) {}

std::vector<std::string> Shop::fill(Connection& connection) {
  const auto add_user = [&](Rows& rows, uint64_t id) {
    rows.add_text(make_author(shape_.seed, id));
    rows.add_text(make_country(shape_.seed, id));
    const uint64_t age = Random(mix64(shape_.seed) + 9, id).below(static_cast<uint64_t>(kOldestUser));
    rows.add_timestamptz(wall_clock() - static_cast<Micros>(age));
  };
  Rows stock;
  const auto add_product = [&](Rows& rows, uint64_t id) {
    const Product product = make_product(shape_.seed, id);
    rows.add_text(product.name);
    rows.add_text(product.category);
    rows.add_numeric(product.cents, kPriceScale);
    rows.add_integer(product.reorder_point);
    add_movement(id, kFirstStock, "first stock", wall_clock() - kDay, stock);
  };
  std::vector<std::string> done{
      add_missing_rows(connection, fixed_tables()[kUsersTable], shape_.users, "user", add_user),
      add_missing_rows(connection, fixed_tables()[kProductsTable], ShopShape::kProducts, "product",
                       add_product)};
  if (stock.count() > 0) connection.copy(event_tables()[kMovementsTable], stock);
  return done;
}

void Shop::prepare(Connection& connection) {
  TableScenario::prepare(connection);
  if (greatest_id(connection, fixed_tables()[kProductsTable]) == 0) {
    throw SchemaError("table products is empty", "Fill it: trending-loadgen init --scenario shop");
  }
  first_order_ = greatest_id(connection, event_tables()[kOrdersTable]) + 1;
}

std::string Shop::describe() const {
  return fmt::format("{}, {}", counted(shape_.users, "user"), counted(ShopShape::kProducts, "product"));
}

void Shop::add_movement(uint64_t product, int32_t quantity, std::string_view reason, Timestamp time,
                        Rows& rows) const {
  rows.begin_row(event_tables()[kMovementsTable].columns.size());
  rows.add_bigint(static_cast<int64_t>(product));
  rows.add_integer(quantity);
  rows.add_integer(make_product(shape_.seed, product).reorder_point);
  rows.add_text(reason);
  rows.add_timestamptz(time);
}

// What is broken is not delivered.
void Shop::add_order(uint64_t id, const Order& order, Timestamp time, Batch& batch) const {
  Rows& rows = batch.rows[kOrdersTable];
  rows.begin_row(event_tables()[kOrdersTable].columns.size());
  rows.add_bigint(static_cast<int64_t>(id));
  order.user ? rows.add_bigint(static_cast<int64_t>(*order.user)) : rows.add_null();
  rows.add_bigint(static_cast<int64_t>(order.product));
  rows.add_text(make_product(shape_.seed, order.product).category);
  order.quantity ? rows.add_integer(*order.quantity) : rows.add_null();
  order.cents ? rows.add_numeric(*order.cents, kPriceScale) : rows.add_null();
  rows.add_text(order.channel);
  rows.add_text("placed");
  rows.add_timestamptz(time);
  ++batch.tallies[kOrders];
  if (order.faulty) {
    ++batch.tallies[kFaulty];
  } else {
    add_movement(order.product, -*order.quantity, "sale", time, batch.rows[kMovementsTable]);
  }
}

void Shop::generate(EventSpan span, const EventTimes& times, Batch& batch) const {
  for (uint64_t number = span.first; number < span.first + span.count; ++number) {
    const ShopEvent event = model_.event(number);
    const Timestamp time = times.of(number) - event.lateness;
    batch.tallies[kLate] += event.lateness > 0 ? 1 : 0;
    if (event.visit) {
      Rows& rows = batch.rows[kVisitsTable];
      rows.begin_row(event_tables()[kVisitsTable].columns.size());
      rows.add_bigint(static_cast<int64_t>(event.visit->user));
      rows.add_text(event.visit->page);
      rows.add_timestamptz(time);
    } else if (event.delivery) {
      add_movement(event.delivery->product, event.delivery->quantity, "delivery", time,
                   batch.rows[kMovementsTable]);
    } else {
      add_order(first_order_ + number, *event.order, time, batch);
    }
    if (const auto cancelled = model_.cancelled_at(number)) {
      batch.statements.push_back(fmt::format("UPDATE orders SET status = 'cancelled' WHERE id = {}",
                                             first_order_ + number - ShopModel::kCancelledAfter));
      add_movement(cancelled->product, *cancelled->quantity, "return", time, batch.rows[kMovementsTable]);
      ++batch.tallies[kCancelled];
    }
    if (const auto change = model_.price_change_at(number)) {
      batch.statements.push_back(fmt::format("UPDATE products SET price = {}.{:02} WHERE id = {}",
                                             change->cents / 100, change->cents % 100, change->product));
    }
  }
}

std::vector<SummaryLine> Shop::summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                       uint64_t events) const {
  return {share_line("orders", tallies[kOrders], "order", events),
          share_line("cancelled", tallies[kCancelled], "order", tallies[kOrders]),
          share_line("faulty", tallies[kFaulty], "order", tallies[kOrders]),
          share_line("late", tallies[kLate], "event", events)};
}

}  // namespace trending::loadgen
