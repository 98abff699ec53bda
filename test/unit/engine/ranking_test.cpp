// SPDX-License-Identifier: PostgreSQL
// The ranking under inputs made to defeat it, with enough groups to need all its tiers.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "engine/fixture.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr Time kWindow = 1000;

// The counts that the trend should have, in rank order.
class Expected {
 public:
  void add(const std::string& key, int64_t change) {
    int64_t& count = counts_[key];
    if (count > 0) order_.erase({-count, key});
    count += change;
    if (count > 0) order_.insert({-count, key});
  }
  Ranked top(size_t k) const {
    Ranked best;
    for (auto i = order_.begin(); i != order_.end() && best.size() < k; i++)
      best.push_back({i->second, -i->first});
    return best;
  }
  size_t size() const { return order_.size(); }

 private:
  std::map<std::string, int64_t> counts_;
  std::set<std::pair<int64_t, std::string>> order_;
};

// A scan finds that further tiers are needed when there are more groups than 64 times the first tier.
constexpr uint64_t kManyGroups = 70000;
static_assert(kManyGroups > 64 * kRankedTarget);

std::string numbered(uint64_t n) {
  std::string digits = std::to_string(n);
  return std::string(8 - digits.size(), '0') + digits;
}

void compare(TestTrend& trend, const Expected& expected) {
  ASSERT_EQ(trend.reader().live_groups(), expected.size());
  ASSERT_EQ(trend.ranked(10), expected.top(10));
  ASSERT_EQ(trend.ranked(kRankedFloor), expected.top(kRankedFloor));
}

uint64_t comparisons = 0;
int count_and_compare(void*, KeyView a, KeyView b) {
  comparisons++;
  return compare_key_bytes(nullptr, a, b);
}

// A queue of keys that grow with time, each counted once: the best go as fast as others come.
// However many groups there are, an event costs a few comparisons.
TEST(Ranking, FollowsAQueueOfTies) {
  TestTrend trend(tumble(kWindow), {}, uint64_t{1} << 30, {nullptr, count_and_compare});
  Expected expected;
  uint64_t first = 0;
  uint64_t next = 0;
  for (; next < kManyGroups; next++) {
    trend.append(1, numbered(next));
    expected.add(numbered(next), 1);
  }
  ASSERT_EQ(trend.commit(), Status::kOk);
  compare(trend, expected);
  comparisons = 0;
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < 500; i++) {
      trend.append(1, numbered(first), -1);
      expected.add(numbered(first++), -1);
      trend.append(1, numbered(next));
      expected.add(numbered(next++), 1);
    }
    ASSERT_EQ(trend.commit(), Status::kOk);
    compare(trend, expected);
  }
  EXPECT_LT(comparisons, 100 * 500 * 100u);
  // And down to nothing.
  for (; first < next; first++) {
    trend.append(1, numbered(first), -1);
    expected.add(numbered(first), -1);
    if (first % 3000 != 0) continue;
    ASSERT_EQ(trend.commit(), Status::kOk);
    compare(trend, expected);
  }
  ASSERT_EQ(trend.commit(), Status::kOk);
  compare(trend, expected);
}

// Thousands climb to the top and fall again, all of them at the same scores.
void follows_waves(uint64_t seed) {
  std::mt19937_64 random(seed);
  TestTrend trend(tumble(kWindow));
  Expected expected;
  constexpr uint64_t kKeys = kManyGroups;
  for (uint64_t n = 0; n < kKeys; n++) {
    trend.append(1, numbered(n));
    expected.add(numbered(n), 1);
  }
  std::deque<std::vector<std::string>> waves;
  for (int round = 0; round < 120; round++) {
    if (waves.size() < 5 || random() % 2 == 0) {
      std::vector<std::string>& wave = waves.emplace_back();
      const uint64_t size = 1 + random() % 3000;
      const uint64_t start = random() % kKeys;
      for (uint64_t i = 0; i < size; i++) wave.push_back(numbered((start + i * (1 + random() % 2)) % kKeys));
      for (const std::string& key : wave) {
        trend.append(1, key);
        expected.add(key, 1);
      }
    } else {
      for (const std::string& key : waves.front()) {
        trend.append(1, key, -1);
        expected.add(key, -1);
      }
      waves.pop_front();
    }
    ASSERT_EQ(trend.commit(), Status::kOk);
    compare(trend, expected);
  }
}

TEST(Ranking, FollowsWaves) {
  for_each_seed(1, follows_waves);
}

// Every event its own transaction, in windows of few panes that roll all the time.
void follows_rolling_windows(uint64_t seed) {
  std::mt19937_64 random(seed);
  TestTrend trend(hop(10, 40));
  Expected expected;
  std::deque<std::vector<std::string>> panes(4);
  for (Time t = 0; t < 1500; t += 10) {
    panes.emplace_back();
    for (const std::string& key : panes.front()) expected.add(key, -1);
    panes.pop_front();
    const uint64_t events = random() % 2 == 0 ? 1500 : 5;
    for (uint64_t i = 0; i < events; i++) {
      const std::string key = numbered(random() % 4 == 0 ? random() % 100 : random() % 9000);
      trend.append(t + 1, key);
      panes.back().push_back(key);
      expected.add(key, 1);
      if (i % 50 == 0) {
        ASSERT_EQ(trend.commit(), Status::kOk);
      }
    }
    ASSERT_EQ(trend.commit(), Status::kOk);
    compare(trend, expected);
  }
}

TEST(Ranking, FollowsRollingWindows) {
  for_each_seed(1, follows_rolling_windows);
}

}  // namespace
}  // namespace trending::test
