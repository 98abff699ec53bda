// SPDX-License-Identifier: PostgreSQL
// Panes that leave the window where totals cannot lose them by subtraction.

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/aggregate_model.h"
#include "engine/fixture.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;

Argument integer(int64_t value) {
  Argument argument;
  argument.integer = value;
  argument.form = 2;
  return argument;
}

// Totals that are rebuilt when a pane leaves, prepared or not, while the transaction that makes the window
// move changes some of the groups: late rows in the pane that leaves, rows in panes that stay, rows taken
// back and given again elsewhere, a clock that jumps over several panes.
class LeavingPanesRun {
 public:
  LeavingPanesRun(ValueType type, bool prepares, uint64_t seed)
      : random_(seed), trend_(options(type)), descends_(random_() % 2 == 0) {
    trend_.prepare(prepares);
  }

  void run() {
    for (int64_t pane = 0; pane < 12 && !testing::Test::HasFailure(); pane++) {
      // The transaction that moves the window has rows of its own, some in panes that it makes leave.
      if (random_() % 4 == 0) clock_ += static_cast<int64_t>(random_() % 3) * kSecond;
      for (int i = 0; i < 40; i++) add(clock_ - static_cast<int64_t>(random_() % 4) * kSecond, group());
      add(clock_, "mover");
      ASSERT_EQ(trend_.commit(), Status::kOk);
      compare();
      for (int i = 0; i < 600; i++) add(clock_ + 1, std::to_string(i));
      ASSERT_EQ(trend_.commit(), Status::kOk);
      compare();
      clock_ += kSecond;
    }
  }

 private:
  static TrendOptions options(ValueType type) {
    TrendOptions options = hop(kSecond, 4 * kSecond);
    options.allowed_lateness = 4 * kSecond;
    options.aggregate_count = 2;
    options.aggregates[0] = {AggregateKind::kMax, type, 0, 1};
    options.aggregates[1] = {AggregateKind::kAvg, type, 0, 1};
    return options;
  }
  std::string group() { return std::to_string(random_() % 600); }

  void add(Time time, const std::string& key) {
    if (time < 0) return;
    const int64_t trend = descends_ ? -time / kSecond * 1000 : 0;
    Argument argument = integer(trend + static_cast<int64_t>(random_() % 1000));
    argument.real = static_cast<double>(argument.integer);
    argument.form = static_cast<int64_t>(random_() % 4);
    std::vector<int64_t> words;
    std::string tail;
    put_argument(options(type()).aggregates[0], argument, &words, &tail);
    const ArgumentView view{words.data(), static_cast<uint32_t>(words.size()), nullptr, 0};
    ASSERT_EQ(trend_.append(time, key, 1, 3, view), Status::kOk);
    rows_[key].push_back({time, argument});
  }
  ValueType type() { return trend_.writer().layout().aggregates[0].type; }

  void compare() {
    const Window window = trend_.writer().window();
    for (const auto& [key, rows] : rows_) {
      int64_t greatest = INT64_MIN;
      int64_t sum = 0;
      int64_t scale = 0;
      for (const auto& [time, argument] : rows) {
        if (!window.contains(time)) continue;
        greatest = std::max(greatest, argument.integer);
        sum += argument.integer;
        scale = std::max(scale, argument.form);
      }
      Row row;
      ASSERT_EQ(trend_.reader().find(key_of(key), &row), greatest != INT64_MIN) << key;
      if (greatest == INT64_MIN) continue;
      const AggregateValue max = trend_.reader().value(row, 0);
      const AggregateValue avg = trend_.reader().value(row, 1);
      if (type() == ValueType::kFloat) {
        ASSERT_EQ(max.real, static_cast<double>(greatest)) << key;
        ASSERT_EQ(avg.real, static_cast<double>(sum) / static_cast<double>(avg.count)) << key;
      } else if (type() == ValueType::kInteger) {
        ASSERT_EQ(max.integer, greatest) << key;
        ASSERT_EQ(avg.decimal.words[0], sum) << key;
      } else {
        const Decimal expected = decimal_of(integer(greatest));
        ASSERT_TRUE(std::equal(expected.words, expected.words + 4, max.decimal.words)) << key;
        ASSERT_EQ(avg.decimal.form, scale) << key;
      }
    }
  }

  std::mt19937_64 random_;
  TestTrend trend_;
  bool descends_;
  Time clock_ = 0;
  std::map<std::string, std::vector<std::pair<Time, Argument>>> rows_;
};

TEST(LeavingPanes, ArePreparedOrNot) {
  for_each_seed(5, [](uint64_t seed) {
    for (const ValueType type : {ValueType::kInteger, ValueType::kFloat, ValueType::kDecimal}) {
      LeavingPanesRun(type, true, seed).run();
      LeavingPanesRun(type, false, seed).run();
    }
  });
}

// A group that gets a row while its pane's leaving is prepared, or loses one, is rebuilt by what it is
// then.
TEST(LeavingPanes, PreparedTotalsOfChangedGroupsAreNotUsed) {
  TrendOptions options = hop(kSecond, 3 * kSecond);
  options.aggregate_count = 1;
  options.aggregates[0] = {AggregateKind::kSum, ValueType::kDecimal};
  options.allowed_lateness = 10 * kSecond;
  TestTrend trend(options);
  trend.prepare(true);
  Argument fine = integer(3);
  fine.form = 5;
  for (int i = 0; i < 300; i++) {
    const std::string key = std::to_string(i);
    std::vector<int64_t> words;
    std::string tail;
    put_argument(options.aggregates[0], fine, &words, &tail);
    const ArgumentView view{words.data(), static_cast<uint32_t>(words.size()), nullptr, 0};
    for (int row = 0; row < 2; row++) ASSERT_EQ(trend.append(0, key, 1, 1, view), Status::kOk);
    ASSERT_EQ(trend.append(kSecond, key, 1, 0), Status::kOk);
    ASSERT_EQ(trend.append(2 * kSecond, key, 1, 0), Status::kOk);
  }
  ASSERT_EQ(trend.commit(), Status::kOk);
  // One row moves from the pane that leaves to one that stays, which leaves its total as it was.
  std::vector<int64_t> words;
  std::string tail;
  put_argument(options.aggregates[0], fine, &words, &tail);
  const ArgumentView view{words.data(), static_cast<uint32_t>(words.size()), nullptr, 0};
  ASSERT_EQ(trend.append(0, "7", -1, 1, view), Status::kOk);
  ASSERT_EQ(trend.append(kSecond, "7", 1, 1, view), Status::kOk);
  ASSERT_EQ(trend.append(3 * kSecond, "mover", 1, 0), Status::kOk);
  ASSERT_EQ(trend.commit(), Status::kOk);
  Row row;
  ASSERT_TRUE(trend.reader().find(key_of("7"), &row));
  EXPECT_EQ(trend.reader().value(row, 0).count, 1u);
  EXPECT_EQ(trend.reader().value(row, 0).decimal.form, 5);
  ASSERT_TRUE(trend.reader().find(key_of("8"), &row));
  EXPECT_TRUE(trend.reader().value(row, 0).is_null);
}

}  // namespace
}  // namespace trending::test
