// SPDX-License-Identifier: PostgreSQL
// The scenarios of the examples: what they draw is a function of seed and number, and has the shape they
// promise.
#include "scenario.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "random.h"
#include "scenarios/blog_model.h"
#include "scenarios/pageviews.h"
#include "scenarios/shop_model.h"
#include "scenarios/ticks.h"
#include "scenarios/weather.h"

namespace trending::loadgen {
namespace {

Options options_of(const std::string& scenario, uint64_t seed = 42) {
  Options options;
  options.scenario = scenario;
  options.shape.seed = seed;
  options.shape.late_share = 0.1;
  return options;
}

uint64_t digest(const Batch& batch) {
  uint64_t value = 0;
  const auto add = [&value](std::string_view text) {
    for (const char c : text) value = mix64(value ^ static_cast<unsigned char>(c));
  };
  for (const Rows& rows : batch.rows) add(rows.bytes());
  for (const std::string& statement : batch.statements) add(statement);
  return value;
}

Batch generate(const Scenario& scenario, const std::vector<uint64_t>& sizes) {
  Batch batch(scenario.event_tables().size());
  const EventTimes times = EventTimes::replay(Schedule(1000, 1), 800000000 * kSecond);
  uint64_t first = 0;
  for (const uint64_t size : sizes) {
    scenario.generate({first, size}, times, batch);
    first += size;
  }
  return batch;
}

class EveryScenario : public testing::TestWithParam<std::string> {};

TEST_P(EveryScenario, WritesTheSameWhateverTheSpans) {
  const auto scenario = make_scenario(options_of(GetParam()));
  const auto again = make_scenario(options_of(GetParam()));
  const auto other = make_scenario(options_of(GetParam(), 43));
  const uint64_t expected = digest(generate(*scenario, {20000}));
  EXPECT_EQ(digest(generate(*again, {1, 7, 1992, 18000})), expected);
  EXPECT_NE(digest(generate(*other, {20000})), expected);
}

TEST_P(EveryScenario, CountsNoMoreThanABatchHolds) {
  const auto scenario = make_scenario(options_of(GetParam()));
  EXPECT_EQ(scenario->name(), GetParam());
  EXPECT_LE(scenario->tally_names().size(), Batch::kTallies);
  const Batch batch = generate(*scenario, {20000});
  EXPECT_EQ(scenario->summary(batch.tallies, 20000).size(), scenario->tally_names().size());
  for (size_t i = 0; i < scenario->tally_names().size(); ++i) EXPECT_GT(batch.tallies[i], 0U) << i;
}

// The blog's needs the posts that are in the database.
INSTANTIATE_TEST_SUITE_P(Examples, EveryScenario, testing::Values("shop", "pageviews", "ticks", "weather"),
                         [](const auto& info) { return info.param; });

TEST(BlogModel, EditsArePartOfTheSequence) {
  const BlogShape shape{.seed = 1, .posts = 100, .users = 10, .skew = 0.5, .change_share = 0.1};
  const BlogModel model(shape, Schedule(1000, 1));
  int titles = 0;
  int deletions = 0;
  for (uint64_t event = 0; event < 10000; ++event) {
    const std::optional<Edit> edit = model.edit(event);
    if (!edit) continue;
    EXPECT_LE(edit->post, 100U);
    ++(edit->title ? titles : deletions);
  }
  EXPECT_NEAR(titles, 800, 100);
  EXPECT_NEAR(deletions, 200, 50);
}

class ShopTest : public testing::Test {
 protected:
  static constexpr uint64_t kEvents = 200000;
  ShopModel model{{.seed = 3, .users = 4000, .skew = 0.8, .change_share = 0.05}, Schedule(1000, 1)};
};

TEST_F(ShopTest, DeliversAboutAsMuchAsIsSold) {
  int64_t sold = 0;
  int64_t delivered = 0;
  int64_t returned = 0;
  for (uint64_t number = 0; number < kEvents; ++number) {
    const ShopEvent event = model.event(number);
    EXPECT_EQ(event.visit.has_value() + event.order.has_value() + event.delivery.has_value(), 1);
    if (event.order && !event.order->faulty) sold += *event.order->quantity;
    if (event.delivery) delivered += event.delivery->quantity;
    if (const auto cancelled = model.cancelled_at(number)) returned += *cancelled->quantity;
  }
  EXPECT_NEAR(static_cast<double>(delivered + returned) / static_cast<double>(sold), 1, 0.1);
}

TEST_F(ShopTest, CancelsEachOrderOnce) {
  uint64_t wanted = 0;
  uint64_t cancelled = 0;
  for (uint64_t number = 0; number < kEvents; ++number) {
    const ShopEvent event = model.event(number);
    wanted += event.order && event.order->cancelled ? 1 : 0;
    cancelled += model.cancelled_at(number + ShopModel::kCancelledAfter) ? 1 : 0;
  }
  EXPECT_GT(wanted, 0U);
  EXPECT_EQ(cancelled, wanted);
}

TEST_F(ShopTest, PricesChangeWhenTheySaySo) {
  std::map<uint64_t, int64_t> prices;
  for (uint64_t product = 1; product <= ShopShape::kProducts; ++product)
    prices[product] = make_product(3, product).cents;
  uint64_t changes = 0;
  for (uint64_t number = 0; number < 450000; ++number) {
    if (const auto change = model.price_change_at(number)) {
      prices[change->product] = change->cents;
      ++changes;
    }
    const uint64_t product = 1 + number % ShopShape::kProducts;
    ASSERT_EQ(model.price_at(number, product), prices[product]) << number;
  }
  EXPECT_EQ(changes, 449U);
}

TEST_F(ShopTest, SessionsEnd) {
  std::map<uint64_t, Micros> last;
  int sessions = 0;
  const Schedule schedule(100, 1);
  const ShopModel slow({.seed = 3, .users = 4000, .skew = 0.8}, schedule);
  for (uint64_t number = 0; number < 1400000; ++number) {  // almost four hours
    const ShopEvent event = slow.event(number);
    if (!event.visit) continue;
    const Micros now = schedule.story_time(number);
    const auto before = last.find(event.visit->user);
    if (before == last.end() || now - before->second > 30 * kMinute) ++sessions;
    last[event.visit->user] = now;
  }
  EXPECT_GT(sessions, static_cast<int>(last.size()));
}

TEST(Pageviews, AreLateAsPromised) {
  const Pageviews scenario(options_of("pageviews"));
  std::map<Micros, int> days;
  std::set<std::string> postcodes;
  for (uint64_t event = 0; event < 20000; ++event) {
    const Pageview view = scenario.view(event);
    EXPECT_LT(view.lateness % kDay, 20 * kSecond);
    ++days[view.lateness / kDay];
    postcodes.insert(view.postcode);
    EXPECT_TRUE(view.postcode.empty() || view.postcode.size() == 5) << view.postcode;
  }
  EXPECT_NEAR(days[0], 16000, 300);
  EXPECT_NEAR(days[1], 2000, 200);
  EXPECT_NEAR(days[2], 2000, 200);
  EXPECT_EQ(postcodes.size(), 401U);
}

TEST(Ticks, PricesMoveALittleAtATime) {
  const Ticks scenario(options_of("ticks"));
  std::map<std::string_view, int64_t> last;
  for (uint64_t event = 0; event < 50000; ++event) {
    const Trade trade = scenario.trade(event);
    ASSERT_GT(trade.price, 0);
    ASSERT_GT(trade.volume, 0);
    if (trade.error) continue;
    if (last.contains(trade.symbol)) {
      EXPECT_NEAR(static_cast<double>(trade.price) / static_cast<double>(last[trade.symbol]), 1, 0.02);
    }
    last[trade.symbol] = trade.price;
  }
  EXPECT_EQ(last.size(), 30U);
}

TEST(Weather, WrongReadingsAreFewAndHigh) {
  const Weather scenario(options_of("weather"));
  int wrong = 0;
  for (uint64_t event = 0; event < 20000; ++event) {
    const Reading reading = scenario.reading(event);
    EXPECT_GT(reading.temperature, -300);
    EXPECT_LT(reading.temperature, 500);
    if (reading.reported == reading.temperature) continue;
    EXPECT_EQ(reading.reported, reading.temperature + 400);
    ++wrong;
  }
  EXPECT_NEAR(wrong, 40, 25);
}

}  // namespace
}  // namespace trending::loadgen
