// SPDX-License-Identifier: PostgreSQL
// Small scenarios of a trend, one behaviour each.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/fixture.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;
constexpr Time kMinute = 60 * kSecond;

TEST(Trend, CountsAndRanksTheCurrentWindow) {
  TestTrend trend(tumble(kMinute));
  trend.apply({{10 * kSecond, "a"}, {11 * kSecond, "b"}, {12 * kSecond, "a"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 2}, {"b", 1}}));
  EXPECT_EQ(trend.reader().window(), (Window{0, kMinute}));
  EXPECT_EQ(trend.reader().clock(), 12 * kSecond);
  EXPECT_EQ(trend.reader().live_groups(), 2u);

  trend.apply({{kMinute, "c"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"c", 1}}));
  trend.apply({{50 * kSecond, "a"}});  // to a closed window
  EXPECT_EQ(trend.ranked(), (Ranked{{"c", 1}}));
}

TEST(Trend, OrdersTiesByKey) {
  TestTrend trend(tumble(kMinute));
  trend.apply({{1, "d"}, {1, "b"}, {1, "c"}, {1, "a"}, {1, "c"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"c", 2}, {"a", 1}, {"b", 1}, {"d", 1}}));
  EXPECT_EQ(trend.ranked(2), (Ranked{{"c", 2}, {"a", 1}}));
}

TEST(Trend, RanksAscending) {
  TrendOptions options = tumble(kMinute);
  options.rank[0].descending = false;
  TestTrend trend(options);
  trend.apply({{1, "d"}, {1, "d"}, {1, "a"}, {1, "b"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 1}, {"b", 1}, {"d", 2}}));
}

TEST(Trend, TakesBackRows) {
  TestTrend trend(tumble(kMinute));
  trend.apply({{1, "a"}, {1, "b"}, {2, "b"}});
  trend.apply({{1, "a", -1}, {2, "b", -1}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"b", 1}}));
  trend.apply({{1, "a", -1}, {1, "z", -1}});
  EXPECT_EQ(trend.reader().counters().unmatched, 2u);
  trend.apply({{3, "a"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 1}, {"b", 1}}));
}

// A transaction is one instant: what it adds is there when it takes something back.
TEST(Trend, OrderWithinATransactionDoesNotMatter) {
  TestTrend trend(tumble(kMinute));
  trend.apply(
      {{1, "a", -1}, {1, "a"}, {1, "b", -1}, {1, "b", -1}, {2, "b"}, {2, "c"}, {1, "c"}, {1, "c", -1}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"c", 1}}));
  EXPECT_EQ(trend.reader().counters().events, 7u);
  EXPECT_EQ(trend.reader().counters().unmatched, 1u);
}

TEST(Trend, HoppingWindowShowsTheOneThatEndsFirst) {
  TestTrend trend(hop(10 * kSecond, kMinute));
  for (int i = 0; i < 12; i++) trend.apply({{i * 10 * kSecond, "a"}});
  EXPECT_EQ(trend.reader().window(), (Window{kMinute, 2 * kMinute}));
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 6}}));
}

TEST(Trend, ClockJumpsAYear) {
  TestTrend trend(hop(kSecond, kMinute));
  trend.apply({{0, "a"}});
  const Time year = 365 * kMicrosPerDay;
  trend.apply({{year, "b"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"b", 1}}));
  trend.apply({{0, "a"}});
  EXPECT_EQ(trend.reader().counters().late, 1u);
  EXPECT_EQ(trend.writer().advance_clock(2 * year), Status::kOk);
  EXPECT_EQ(trend.ranked(), Ranked{});
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
}

TEST(Trend, RefusesTimesWithoutWindows) {
  TestTrend trend(tumble(kMinute));
  trend.apply({{INT64_MAX, "a"}, {INT64_MIN, "a"}, {kEndTime - 1, "a"}, {kMinTime, "a"}, {5, "a"}});
  EXPECT_EQ(trend.reader().counters().out_of_range, 4u);
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 1}}));
  EXPECT_EQ(trend.writer().advance_clock(INT64_MAX), Status::kOutOfRange);
}

TEST(Trend, BoundsItsGroups) {
  TrendOptions options = tumble(kMinute);
  options.max_groups = 3;
  TestTrend trend(options);
  EXPECT_EQ(trend.apply({{1, "a"}, {1, "b"}, {1, "c"}, {1, "d"}, {1, "a"}}), Status::kTooManyGroups);
  EXPECT_EQ(trend.reader().counters().refused, 1u);
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 2}, {"b", 1}, {"c", 1}}));
  // The next window may have others.
  EXPECT_EQ(trend.apply({{10 * kMinute, "a"}}), Status::kOk);
  EXPECT_EQ(trend.apply({{10 * kMinute, "x"}, {10 * kMinute, "y"}}), Status::kOk);
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 1}, {"x", 1}, {"y", 1}}));
}

TEST(Trend, CountsArguments) {
  TrendOptions options = tumble(kMinute);
  options.aggregate_count = 3;
  options.aggregates[0].kind = AggregateKind::kCount;
  options.aggregates[1].kind = AggregateKind::kRowCount;
  options.aggregates[2].kind = AggregateKind::kCount;
  options.rank[0].aggregate = 2;
  TestTrend trend(options);
  trend.apply(
      {{1, "a", 1, 0b001}, {1, "a", 1, 0b101}, {1, "b", 1, 0b100}, {1, "b", 1, 0b100}, {1, "c", 1, 0}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"b", 2}, {"a", 1}, {"c", 0}}));
  Row row;
  ASSERT_TRUE(trend.reader().find(key_of("a"), &row));
  EXPECT_EQ(trend.reader().value(row, 0).integer, 2);
  EXPECT_EQ(trend.reader().value(row, 1).integer, 2);
  EXPECT_EQ(trend.reader().value(row, 2).integer, 1);
}

TEST(Trend, TakesKeysOfAnyLength) {
  TestTrend trend(tumble(kMinute));
  std::vector<std::string> keys;
  for (size_t size : {0u, 1u, 8u, 23u, 24u, 25u, 100u, 8192u, 8193u, 1u << 20}) keys.emplace_back(size, 'k');
  for (size_t i = 0; i < keys.size(); i++) {
    for (size_t n = 0; n <= i; n++) trend.apply({{1, keys[i]}});
  }
  const Ranked ranked = trend.ranked();
  ASSERT_EQ(ranked.size(), keys.size());
  for (size_t i = 0; i < keys.size(); i++) EXPECT_EQ(ranked[i].key, keys[keys.size() - 1 - i]);
  trend.apply({{10 * kMinute, "x"}});
  EXPECT_EQ(trend.ranked(), (Ranked{{"x", 1}}));
  EXPECT_EQ(trend.append(1, std::string((1u << 20) + 1, 'k')), Status::kInvalidOptions);
}

TEST(Trend, ReportsClosedWindowsOnceAndCorrectedOnesAgain) {
  TrendOptions options = tumble(kMinute);
  options.report_windows = true;
  options.allowed_lateness = 2 * kMinute;
  TestTrend trend(options);
  trend.apply({{1, "a"}, {2, "b"}});
  EXPECT_EQ(trend.pending(), std::vector<Window>{});
  trend.apply({{kMinute + 1, "a"}});
  EXPECT_EQ(trend.pending(), (std::vector<Window>{{0, kMinute}}));
  EXPECT_EQ(trend.result({0, kMinute}), (Ranked{{"a", 1}, {"b", 1}}));
  trend.writer().mark_reported();
  EXPECT_EQ(trend.pending(), std::vector<Window>{});
  trend.apply({{3, "b"}});  // late for display, in time for a correction
  EXPECT_EQ(trend.pending(), (std::vector<Window>{{0, kMinute}}));
  EXPECT_EQ(trend.result({0, kMinute}), (Ranked{{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(trend.writer().has_final_pending_window());
  trend.apply({{3 * kMinute, "a"}});
  EXPECT_TRUE(trend.writer().has_final_pending_window());
  EXPECT_EQ(trend.pending(), (std::vector<Window>{{0, kMinute}, {kMinute, 2 * kMinute}}));
  trend.writer().mark_reported();
  EXPECT_FALSE(trend.writer().has_final_pending_window());
  trend.apply({{4, "b"}});
  EXPECT_EQ(trend.reader().counters().late, 1u);
}

TEST(Trend, RejectsImpossibleOptions) {
  SharedBlocks blocks;
  SharedBlocks::View view(&blocks);
  Arena arena;
  ASSERT_EQ(arena.create(view.source(), 1 << 20), Status::kOk);
  TrendWriter writer;
  EXPECT_EQ(writer.create(&arena, TrendOptions{}, {}), Status::kInvalidOptions);
  TrendOptions options = tumble(kMinute);
  options.aggregate_count = 1;
  options.rank[0].aggregate = 1;
  EXPECT_EQ(writer.create(&arena, options, {}), Status::kInvalidOptions);
  options = tumble(kMinute);
  options.window.zoned = true;
  options.window.size = 1;
  EXPECT_EQ(writer.create(&arena, options, {}), Status::kInvalidOptions);
  arena.destroy();
  EXPECT_EQ(blocks.count(), 0u);
}

}  // namespace
}  // namespace trending::test
