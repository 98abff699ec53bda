// SPDX-License-Identifier: PostgreSQL
// Small scenarios of aggregates, one behaviour each, and what happens when memory is short.

#include <gtest/gtest.h>

#include <random>

#include "engine/aggregate_model.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;

TrendOptions one(TrendOptions options, AggregateKind kind, ValueType type) {
  options.aggregate_count = 1;
  options.aggregates[0] = {kind, type, 0};
  return options;
}

// A trend of one aggregate.
class OneAggregate : public TestTrend {
 public:
  explicit OneAggregate(const TrendOptions& options, uint64_t memory_limit = uint64_t{1} << 30)
      : TestTrend(options, {}, memory_limit), spec_(options.aggregates[0]) {}

  Status add(Time time, const std::string& key, const Argument& argument, int weight = 1) {
    std::vector<int64_t> words;
    std::string tail;
    put_argument(spec_, argument, &words, &tail);
    const ArgumentView view{words.data(), static_cast<uint32_t>(words.size()),
                            reinterpret_cast<const std::byte*>(tail.data()),
                            static_cast<uint32_t>(tail.size())};
    EXPECT_EQ(append(time, key, weight, argument.is_null ? 0 : 1, view), Status::kOk);
    return commit();
  }
  AggregateValue value(const std::string& key) {
    Row row;
    EXPECT_TRUE(reader().find(key_of(key), &row)) << key;
    return reader().value(row, 0);
  }
  std::string keys() {
    std::vector<std::pair<uint64_t, std::string>> ranks;
    reader().for_each_live(
        [&](const Row& row) { ranks.emplace_back(reader().rank_of(row), string_of(row.key)); });
    std::sort(ranks.begin(), ranks.end());
    std::string all;
    for (const auto& [rank, key] : ranks) all += key;
    return all;
  }

 private:
  AggregateSpec spec_;
};

Argument integer(int64_t value) {
  Argument argument;
  argument.integer = value;
  argument.form = 2;
  return argument;
}
Argument real(double value) {
  Argument argument;
  argument.real = value;
  return argument;
}
Argument null() {
  Argument argument;
  argument.is_null = true;
  return argument;
}

TEST(Aggregates, RankSumsBeyond64Bits) {
  OneAggregate trend(one(tumble(kSecond), AggregateKind::kSum, ValueType::kInteger));
  for (int i = 0; i < 3; i++) trend.add(1, "a", integer(INT64_MAX));
  for (int i = 0; i < 4; i++) trend.add(1, "b", integer(INT64_MAX));
  trend.add(1, "c", integer(INT64_MAX));
  trend.add(1, "d", integer(INT64_MIN));
  trend.add(1, "d", integer(INT64_MIN));
  trend.add(1, "e", integer(INT64_MIN));
  trend.add(1, "f", null());
  EXPECT_EQ(trend.keys(), "fbaced");
  EXPECT_EQ(Int256::load(trend.value("b").decimal.words), Int256::of(static_cast<Int128>(INT64_MAX) * 4));
  EXPECT_TRUE(trend.value("f").is_null);
}

TEST(Aggregates, RankAveragesExactly) {
  TrendOptions options = one(tumble(kSecond), AggregateKind::kAvg, ValueType::kInteger);
  options.rank[0].nulls_first = false;
  OneAggregate trend(options);
  // Averages that a double cannot tell apart.
  const int64_t large = (int64_t{1} << 62) + 1;
  trend.add(1, "a", integer(large));
  trend.add(1, "b", integer(large));
  trend.add(1, "b", integer(large + 1));
  trend.add(1, "c", integer(large + 1));
  trend.add(1, "d", integer(2));
  trend.add(1, "d", integer(1));
  trend.add(1, "e", integer(1));
  trend.add(1, "f", null());
  EXPECT_EQ(trend.keys(), "cbadef");
  EXPECT_EQ(trend.value("b").count, 2u);
}

TEST(Aggregates, SumsOfDoublesDoNotDrift) {
  OneAggregate trend(one(hop(kSecond, 3 * kSecond), AggregateKind::kSum, ValueType::kFloat));
  trend.add(1, "a", real(0.1));
  trend.add(1, "a", real(1e17));
  trend.add(1, "a", real(0.2));
  trend.add(1, "a", real(1e17), -1);
  EXPECT_EQ(trend.value("a").real, 0.1 + 0.2);
  // What leaves with its pane was so large that nothing would be left of the others.
  trend.add(1, "a", real(1e60));
  trend.add(kSecond, "a", real(0.5));
  trend.add(3 * kSecond, "a", real(0.25));
  EXPECT_EQ(trend.value("a").real, 0.75);
  // An overflow ends with the pane that it came from.
  trend.add(3 * kSecond, "a", real(1e308));
  trend.add(4 * kSecond, "a", real(1e308));
  EXPECT_EQ(trend.value("a").real, HUGE_VAL);
  trend.add(6 * kSecond, "a", real(1));
  EXPECT_EQ(trend.value("a").real, 1e308 + 1);
}

TEST(Aggregates, SpecialsAreCounted) {
  OneAggregate trend(one(tumble(kSecond), AggregateKind::kSum, ValueType::kFloat));
  trend.add(1, "a", real(1));
  trend.add(1, "a", real(HUGE_VAL));
  EXPECT_EQ(trend.value("a").real, HUGE_VAL);
  trend.add(1, "a", real(-HUGE_VAL));
  EXPECT_TRUE(std::isnan(trend.value("a").real));
  trend.add(1, "a", real(HUGE_VAL), -1);
  EXPECT_EQ(trend.value("a").real, -HUGE_VAL);
  trend.add(1, "a", real(-HUGE_VAL), -1);
  EXPECT_EQ(trend.value("a").real, 1);
}

TEST(Aggregates, DecimalsAreExact) {
  OneAggregate trend(one(tumble(kSecond), AggregateKind::kSum, ValueType::kDecimal));
  for (int i = 0; i < 10; i++) trend.add(1, "a", integer(i));
  const AggregateValue value = trend.value("a");
  EXPECT_EQ(Int256::load(value.decimal.words),
            Int256::of(45).times(1'000'000'000'000'000).times(1'000'000'000'000'000));
  EXPECT_EQ(value.decimal.form, 2);
}

TEST(Aggregates, QuotientsRoundAsTheyShould) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; i++) {
    const auto a = static_cast<int64_t>(random()) >> random() % 64;
    const auto b = static_cast<int64_t>(random() >> 1 >> random() % 63) + 1;
    // The x87's quotient has 64 bits: right unless rounding twice matters.
    const auto expected = static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
    const double found = nearest_quotient(Int256::of(a), static_cast<uint64_t>(b));
    ASSERT_NEAR(found, expected, std::fabs(expected) * 0x1p-52) << a << " / " << b;
    const Int256 wide = Int256::of(a).times(b).times(b);
    ASSERT_EQ(nearest_quotient(wide, 1), std::ldexp(nearest_quotient(wide, 2), 1));
    ASSERT_EQ(compare_quotients(wide, 3, wide, 4), a > 0 ? 1 : a < 0 ? -1 : 0);
    ASSERT_EQ(compare_quotients(Int256::of(a).times(6), 6, Int256::of(a).times(7), 7), 0);
  }
}

TEST(Aggregates, UnboundedWindowsNeverClose) {
  TrendOptions options = one(TrendOptions{}, AggregateKind::kMax, ValueType::kInteger);
  options.window.kind = WindowKind::kUnbounded;
  OneAggregate trend(options);
  trend.add(kSecond, "a", integer(3));
  trend.add(1000000 * kSecond, "a", integer(2));
  trend.add(-1000000 * kSecond, "a", integer(1));
  EXPECT_EQ(trend.value("a").integer, 3);
  EXPECT_EQ(trend.reader().window(), kAllTime);
  EXPECT_EQ(trend.reader().counters().late, 0u);
  EXPECT_EQ(trend.reader().kept_panes(), 1u);
  EXPECT_FALSE(trend.writer().is_late(kMinTime));
}

TEST(Aggregates, DecayedSumsFade) {
  TrendOptions options = one(TrendOptions{}, AggregateKind::kDecayed, ValueType::kNone);
  options.window = {WindowKind::kDecayed, false, 64 * kSecond, kSecond, 0};
  options.aggregates[0].half_life = kSecond;
  OneAggregate trend(options);
  const auto at = [](Time t, double weight) {
    Argument argument = real(weight);
    argument.at = t;
    return argument;
  };
  const auto value = [&](const std::string& key, Time now) {
    const AggregateValue found = trend.value(key);
    return decayed_value(found.real, found.integer, kSecond, now);
  };
  trend.add(0, "old", at(0, 8));
  trend.add(2 * kSecond, "new", at(2 * kSecond, 1));
  trend.add(2 * kSecond, "newer", at(2 * kSecond + kSecond / 2, 1));
  trend.add(2 * kSecond, "spent", at(2 * kSecond, -1));
  EXPECT_EQ(value("old", 0), 8);
  EXPECT_EQ(value("old", 3 * kSecond), 1);
  EXPECT_EQ(value("new", 3 * kSecond), 0.5);
  EXPECT_EQ(trend.keys(), "oldnewernewspent");
  // However long one waits the order is the same, and an addend of 64 half-lives is gone.
  trend.add(60 * kSecond, "new", at(60 * kSecond, 1));
  EXPECT_EQ(trend.keys(), "newoldnewerspent");
  trend.add(65 * kSecond, "new", at(65 * kSecond, 0));
  EXPECT_EQ(trend.keys(), "newnewerspent");
  EXPECT_EQ(trend.value("new").count, 3u);

  options.report_windows = true;
  SharedBlocks blocks;
  SharedBlocks::View view(&blocks);
  Arena arena;
  TrendWriter writer;
  ASSERT_EQ(arena.create(view.source(), 1 << 20), Status::kOk);
  EXPECT_EQ(writer.create(&arena, options, {}), Status::kInvalidOptions);
  options.report_windows = false;
  options.aggregates[0].half_life = kSecond / 2;
  EXPECT_EQ(writer.create(&arena, options, {}), Status::kInvalidOptions);
  arena.destroy();
}

TEST(Aggregates, ValuesAreBounded) {
  TrendOptions options = one(tumble(kSecond), AggregateKind::kDistinct, ValueType::kNone);
  options.max_values = 3;
  OneAggregate trend(options);
  for (int i = 0; i < 3; i++) EXPECT_EQ(trend.add(1, "a", integer(i)), Status::kOk);
  EXPECT_EQ(trend.add(1, "a", integer(3)), Status::kTooManyGroups);
  EXPECT_EQ(trend.add(1, "b", integer(0)), Status::kTooManyGroups);
  EXPECT_EQ(trend.add(1, "a", integer(2)), Status::kOk);
  EXPECT_EQ(trend.value("a").integer, 3);
  EXPECT_EQ(trend.reader().counters().refused, 2u);
  EXPECT_EQ(trend.reader().live_groups(), 1u);
  // The next window may have others.
  EXPECT_EQ(trend.writer().advance_clock(100 * kSecond), Status::kOk);
  EXPECT_EQ(trend.add(100 * kSecond, "b", integer(7)), Status::kOk);
  EXPECT_EQ(trend.add(100 * kSecond, "b", integer(8)), Status::kOk);
  EXPECT_EQ(trend.value("b").integer, 2);
}

TEST(Aggregates, RefuseCellsOfOtherTrends) {
  OneAggregate trend(one(tumble(kSecond), AggregateKind::kDistinct, ValueType::kNone));
  trend.add(1, "a", integer(1));
  std::vector<std::pair<std::string, std::string>> cells;
  trend.writer().for_each_cell(0, [&](const CellView& cell) {
    cells.emplace_back(string_of(cell.key),
                       std::string(reinterpret_cast<const char*>(cell.state), cell.state_size));
  });
  ASSERT_EQ(cells.size(), 2u);
  const auto restore = [&](uint8_t store, const std::string& key, const std::string& state) {
    return trend.writer().restore_cell(0, store, key_of(key),
                                       reinterpret_cast<const std::byte*>(state.data()),
                                       static_cast<uint32_t>(state.size()));
  };
  EXPECT_EQ(restore(0, cells[0].first, cells[0].second), Status::kOk);
  EXPECT_EQ(restore(1, cells[1].first, cells[1].second), Status::kOk);
  EXPECT_EQ(trend.value("a").integer, 1);
  EXPECT_EQ(restore(0, "a", ""), Status::kCorrupt);
  EXPECT_EQ(restore(0, "a", cells[0].second + "x"), Status::kCorrupt);
  EXPECT_EQ(restore(1, "abc", cells[1].second), Status::kCorrupt);
  EXPECT_EQ(restore(1, std::string(20, '\x7f'), cells[1].second), Status::kCorrupt);
  EXPECT_EQ(restore(1, cells[1].first, "\x01"), Status::kCorrupt);  // a negative number of rows
  EXPECT_EQ(restore(2, cells[1].first, cells[1].second), Status::kCorrupt);
  OneAggregate counting(one(tumble(kSecond), AggregateKind::kRowCount, ValueType::kNone));
  EXPECT_EQ(counting.writer().restore_cell(0, 1, key_of("a"), nullptr, 0), Status::kCorrupt);
}

// Any allocation may fail: an event is then refused, and everything else stays exact.
void any_allocation_may_fail(uint64_t seed) {
  std::mt19937_64 random(seed);
  uint64_t all_refused = 0;
  for (int run = 0; run < 12; run++) {
    const AggregateKind kinds[] = {AggregateKind::kDistinct, AggregateKind::kMin,
                                   AggregateKind::kApproxDistinct};
    const AggregateKind kind = kinds[run % 3];
    TrendOptions options = one(hop(kSecond, 2 * kSecond), kind,
                               kind == AggregateKind::kMin ? ValueType::kInteger : ValueType::kNone);
    options.keeps_values = true;
    OneAggregate trend(options, run % 2 == 0 ? uint64_t{1} << 30 : uint64_t{3} << 17);
    std::map<std::string, std::map<int64_t, int64_t>> expected;
    uint64_t refused = 0;
    const auto compare = [&] {
      for (const auto& [key, values] : expected) {
        int64_t rows = 0;
        HyperLogLog sketch;
        for (const auto& [value, count] : values) {
          rows += count;
          const std::string bytes = bytes_of(integer(value));
          if (count > 0) {
            ASSERT_TRUE(sketch.add(hash_for_sketch(bytes.data(), bytes.size())));
          }
        }
        if (rows == 0) continue;
        const int64_t found = trend.value(key).integer;
        if (kind == AggregateKind::kMin) {
          ASSERT_EQ(found, values.begin()->first);
        } else if (kind == AggregateKind::kDistinct) {
          ASSERT_EQ(found, static_cast<int64_t>(values.size()));
        } else {
          ASSERT_EQ(found, static_cast<int64_t>(sketch.estimate()));
        }
      }
    };
    for (int i = 0; i < 6000; i++) {
      if (random() % 50 == 0) trend.blocks().fail_after(random() % 3 == 0 ? 0 : 1 + random() % 3);
      const std::string key = std::to_string(random() % 50);
      const auto value = static_cast<int64_t>(random() % (run % 2 == 0 ? 3000 : 60000));
      auto& values = expected[key];
      const bool retracts = kind != AggregateKind::kApproxDistinct && random() % 4 == 0 && !values.empty();
      const int64_t chosen = retracts ? values.begin()->first : value;
      const Status status = trend.add(1, key, integer(chosen), retracts ? -1 : 1);
      if (status == Status::kOk) {
        values[chosen] += retracts ? -1 : 1;
        if (values[chosen] == 0) values.erase(chosen);
      } else {
        ASSERT_FALSE(retracts);
        refused++;
      }
      ASSERT_EQ(trend.reader().counters().refused, refused);
      if (i % 1000 == 999) compare();
      if (testing::Test::HasFailure()) return;
    }
    all_refused += refused;
    trend.blocks().fail_after(0);
    ASSERT_EQ(trend.writer().advance_clock(100 * kSecond), Status::kOk);
    ASSERT_EQ(trend.add(100 * kSecond, "last", integer(4)), Status::kOk);
    EXPECT_EQ(trend.value("last").integer, kind == AggregateKind::kMin ? 4 : 1);
  }
  EXPECT_GT(all_refused, 0u);
}

TEST(Aggregates, AnyAllocationMayFail) {
  for_each_seed(1, any_allocation_may_fail);
}

// Values of any length and states that the host combines, when memory is short and the host fails.
class FailingHost {
 public:
  explicit FailingHost(uint64_t seed) : random_(seed) {}
  Hooks hooks() {
    Hooks hooks;
    hooks.context = this;
    hooks.compare_values = [](void*, uint16_t, KeyView a, KeyView b) {
      return compare_host_values(string_of(a), string_of(b));
    };
    hooks.combine = [](void* context, uint16_t, KeyView a, KeyView b) {
      auto* host = static_cast<FailingHost*>(context);
      if (host->fails && host->random_() % 200 == 0) return KeyView{};
      host->combined_ = combine_states(string_of(a), string_of(b));
      return key_of(host->combined_);
    };
    return hooks;
  }

  bool fails = true;

 private:
  std::mt19937_64 random_;
  std::string combined_;
};

TrendOptions options_of_bytes(const TrendOptions& window) {
  TrendOptions options = window;
  options.aggregate_count = 4;
  options.aggregates[0] = {AggregateKind::kRowCount, ValueType::kNone, 0};
  options.aggregates[1] = {AggregateKind::kMin, ValueType::kBytes, 0};
  options.aggregates[2] = {AggregateKind::kLast, ValueType::kBytes, 0};
  options.aggregates[3] = {AggregateKind::kCombined, ValueType::kNone, 0};
  return options;
}

Status add_bytes(TestTrend* trend, const TrendOptions& options, Time time, const std::string& key,
                 const Argument& argument) {
  std::vector<int64_t> words;
  std::string tail;
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    put_argument(options.aggregates[i], argument, &words, &tail);
  }
  const ArgumentView view{words.data(), static_cast<uint32_t>(words.size()),
                          reinterpret_cast<const std::byte*>(tail.data()),
                          static_cast<uint32_t>(tail.size())};
  EXPECT_EQ(trend->append(time, key, 1, 15, view), Status::kOk);
  return trend->commit();
}

void compare_bytes(TestTrend* trend, const TrendOptions& options, const std::string& key,
                   const std::vector<ModelRow>& rows) {
  Row row;
  ASSERT_TRUE(trend->reader().find(key_of(key), &row));
  std::vector<int64_t> result(trend->reader().result_bytes(row) / 8);
  trend->reader().copy_result(row, result.data());
  for (uint16_t i = 1; i < options.aggregate_count; i++) {
    const ModelValue expected = model_value(options.aggregates[i], i, rows);
    ASSERT_EQ(string_of(value_of(trend->writer().layout(), result.data(), i).bytes), expected.bytes) << i;
  }
}

void bytes_are_exact_whatever_fails(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int run = 0; run < 8; run++) {
    TrendOptions options = options_of_bytes(hop(kSecond, 2 * kSecond));
    options.keeps_values = run % 4 >= 2;
    FailingHost host(random());
    TestTrend trend(options, {}, run % 2 == 0 ? uint64_t{1} << 30 : uint64_t{3} << 17, host.hooks());
    std::map<std::string, std::vector<ModelRow>> expected;
    uint64_t refused = 0;
    for (int i = 0; i < 4000 && !testing::Test::HasFailure(); i++) {
      if (random() % 50 == 0) trend.blocks().fail_after(random() % 3 == 0 ? 0 : 1 + random() % 3);
      const std::string key = std::to_string(random() % (run % 2 == 0 ? 50 : 2000));
      Argument argument = integer(static_cast<int64_t>(random() % 5000));
      argument.at = static_cast<Time>(random() % 100);
      const Time time = static_cast<Time>(random() % 2) * kSecond / 2;
      if (add_bytes(&trend, options, time, key, argument) == Status::kOk) {
        expected[key].push_back({time, key, std::vector<Argument>(4, argument)});
      } else {
        refused++;
      }
      ASSERT_EQ(trend.reader().counters().refused, refused);
    }
    EXPECT_GT(refused, 0u);
    for (const auto& [key, rows] : expected) compare_bytes(&trend, options, key, rows);
    // A total that could not be put together says so and is right in the next window.
    trend.blocks().fail_after(0);
    host.fails = false;
    ASSERT_EQ(trend.writer().advance_clock(100 * kSecond), Status::kOk);
    ASSERT_EQ(add_bytes(&trend, options, 100 * kSecond, "last", integer(4)), Status::kOk);
    compare_bytes(&trend, options, "last", {{0, "last", std::vector<Argument>(4, integer(4))}});
  }
}

TEST(Aggregates, BytesAreExactWhateverFails) {
  for_each_seed(1, bytes_are_exact_whatever_fails);
}

TEST(Aggregates, TotalsThatLackAStateAreCounted) {
  const TrendOptions options = options_of_bytes(hop(kSecond, 4 * kSecond));
  FailingHost host(1);
  TestTrend trend(options, {}, uint64_t{1} << 30, host.hooks());
  // Whenever a pane leaves, the host is to combine the states of those that stay.
  for (Time time = 0; trend.reader().counters().incomplete == 0; time += kSecond) {
    ASSERT_LT(time, 100000 * kSecond);
    (void)add_bytes(&trend, options, time, "a", integer(1));
  }
}

TEST(Aggregates, RefuseBytesWithoutAHost) {
  const TrendOptions options = options_of_bytes(tumble(kSecond));
  SharedBlocks blocks;
  SharedBlocks::View view(&blocks);
  Arena arena;
  TrendWriter writer;
  FailingHost host(1);
  const auto create = [&](const TrendOptions& options, const Hooks& hooks) {
    if (arena.is_open()) arena.destroy();
    EXPECT_EQ(arena.create(view.source(), uint64_t{1} << 30), Status::kOk);
    return writer.create(&arena, options, hooks);
  };
  EXPECT_EQ(create(options, host.hooks()), Status::kOk);
  EXPECT_EQ(create(options, {}), Status::kInvalidOptions);
  Hooks hooks = host.hooks();
  hooks.combine = nullptr;
  EXPECT_EQ(create(options, hooks), Status::kInvalidOptions);
  TrendOptions ranked = options;
  ranked.rank[0].aggregate = 1;
  EXPECT_EQ(create(ranked, host.hooks()), Status::kInvalidOptions);
  TrendOptions sum = options;
  sum.aggregates[1].kind = AggregateKind::kSum;
  EXPECT_EQ(create(sum, host.hooks()), Status::kInvalidOptions);
  arena.destroy();
}

}  // namespace
}  // namespace trending::test
