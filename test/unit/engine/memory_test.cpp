// SPDX-License-Identifier: PostgreSQL
// Memory: bounds, failures at any allocation, what is released, and that an arena's views agree.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "engine/fixture.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;

std::string long_key(uint64_t n) {
  std::string key = std::to_string(n);
  if (n % 7 == 0) key += std::string(n % 300, 'x');
  if (n % 1001 == 0) key += std::string(20000, 'y');
  return key;
}

Ranked rank(TestTrend& trend, const std::map<std::string, int64_t>& counts) {
  Ranked ranked;
  for (const auto& [key, count] : counts) ranked.push_back({key, count});
  trend.sort(&ranked);
  return ranked;
}

void arena_reuses_and_gives_back(uint64_t seed) {
  std::mt19937_64 random(seed);
  SharedBlocks blocks;
  SharedBlocks::View view(&blocks);
  SharedBlocks::View other_view(&blocks);
  Arena arena;
  Arena other;
  ASSERT_EQ(arena.create(view.source(), 64 << 20), Status::kOk);
  ASSERT_EQ(other.attach(other_view.source(), arena.root_handle()), Status::kOk);
  const uint64_t empty = arena.bytes_used();

  struct Object {
    Offset offset;
    size_t bytes;
    int fill;
  };
  std::vector<Object> objects;
  for (int i = 0; i < 20000; i++) {
    if (objects.empty() || random() % 100 < 52) {
      const size_t bytes = random() % 20 == 0 ? 8000 + random() % 40000 : 1 + random() % 600;
      const Offset offset = arena.allocate(bytes);
      if (offset == 0) continue;
      ASSERT_EQ(reinterpret_cast<uintptr_t>(arena.at(offset)) % 16, 0u);
      objects.push_back({offset, bytes, static_cast<int>(random() % 256)});
      std::memset(arena.at(offset), objects.back().fill, bytes);
    } else {
      const size_t n = random() % objects.size();
      const Object object = objects[n];
      ASSERT_EQ(other.refresh(), Status::kOk);
      for (const std::byte* p : {arena.at(object.offset), other.at(object.offset)}) {
        ASSERT_EQ(std::to_integer<int>(p[0]), object.fill);
        ASSERT_EQ(std::memcmp(p, p + 1, object.bytes - 1), 0);
      }
      arena.release(object.offset, object.bytes);
      objects[n] = objects.back();
      objects.pop_back();
    }
  }
  for (const Object& object : objects) arena.release(object.offset, object.bytes);
  // What stays are pages of small objects and the table of blocks.
  EXPECT_LT(arena.bytes_used(), empty + (2 << 20));
  arena.destroy();
  EXPECT_EQ(blocks.count(), 0u);
}

TEST(Memory, ArenaReusesAndGivesBack) {
  for_each_seed(1, arena_reuses_and_gives_back);
}

TEST(Memory, LimitRefusesNewGroupsAndKeepsTheOthersExact) {
  constexpr uint64_t kLimit = 1 << 20;
  TestTrend trend(hop(kSecond, 3 * kSecond), {}, kLimit);
  std::map<std::string, int64_t> counts;
  uint64_t refused = 0;
  for (uint64_t n = 0; n < 40000; n++) {
    const std::string key = long_key(n % 30000);
    const Status status = trend.apply({{1, key}});
    if (status == Status::kOk) {
      counts[key]++;
    } else {
      ASSERT_EQ(status, Status::kOutOfMemory);
      refused++;
    }
    ASSERT_LE(trend.arena().bytes_used(), kLimit);
  }
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(trend.reader().counters().refused, refused);
  EXPECT_GT(counts.size(), 3000u);
  const Ranked expected = rank(trend, counts);
  EXPECT_EQ(trend.ranked(), expected);
  EXPECT_EQ(trend.ranked(10), Ranked(expected.begin(), expected.begin() + 10));
  // When the old panes go, there is room again at once.
  ASSERT_EQ(trend.writer().advance_clock(10 * kSecond), Status::kOk);
  EXPECT_EQ(trend.apply({{10 * kSecond, "new"}}), Status::kOk);
  EXPECT_EQ(trend.ranked(), (Ranked{{"new", 1}}));
}

void any_allocation_may_fail(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int run = 0; run < 40; run++) {
    TestTrend trend(hop(kSecond, 2 * kSecond));
    std::map<std::string, int64_t> counts;  // of the only pane that gets events
    const uint64_t keys = 200 + random() % 8000;
    for (int i = 0; i < 4000; i++) {
      if (random() % 50 == 0) trend.blocks().fail_after(random() % 3 == 0 ? 0 : 1 + random() % 3);
      const std::string key = long_key(random() % keys);
      const bool retracts = random() % 4 == 0 && counts[key] > 0;
      const uint64_t refused = trend.reader().counters().refused;
      const Status status = trend.apply({{1, key, retracts ? -1 : 1}});
      ASSERT_EQ(status == Status::kOk, trend.reader().counters().refused == refused);
      if (status == Status::kOk) counts[key] += retracts ? -1 : 1;
      if (i % 500 != 499) continue;
      std::erase_if(counts, [](const auto& count) { return count.second == 0; });
      const Ranked expected = rank(trend, counts);
      ASSERT_EQ(trend.ranked(), expected);
      const uint64_t k = std::min<uint64_t>(expected.size(), 1 + random() % 300);
      ASSERT_EQ(trend.ranked(k), Ranked(expected.begin(), expected.begin() + static_cast<int64_t>(k)));
    }
    trend.blocks().fail_after(0);
    ASSERT_EQ(trend.apply({{100 * kSecond, "last"}}), Status::kOk);
    ASSERT_EQ(trend.ranked(), (Ranked{{"last", 1}}));
  }
}

TEST(Memory, AnyAllocationMayFail) {
  for_each_seed(1, any_allocation_may_fail);
}

TEST(Memory, StaysBoundedWhileWindowsRoll) {
  TestTrend trend(hop(kSecond, 4 * kSecond));
  uint64_t high = 0;
  uint64_t number = 0;
  for (int second = 0; second < 60; second++) {
    for (int i = 0; i < 3000; i++) trend.append(second * kSecond, long_key(number++));
    ASSERT_EQ(trend.commit(), Status::kOk);
    if (second == 15) high = trend.arena().bytes_used();
  }
  EXPECT_LT(trend.arena().bytes_used(), high + high / 4);
  // Everything but long keys goes back to the source when it is gone.
  ASSERT_EQ(trend.writer().advance_clock(1000 * kSecond), Status::kOk);
  while (trend.writer().reclaim(100)) {
  }
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
  EXPECT_EQ(trend.reader().kept_cells(), 0u);
  EXPECT_LT(trend.arena().bytes_used(), high / 2);
}

TEST(Memory, BatchMergesWhatIsEqual) {
  TestTrend trend(tumble(kSecond));
  trend.limit_batch(10000);
  for (int i = 0; i < 100000; i++) ASSERT_EQ(trend.append(i % 10, std::to_string(i % 7)), Status::kOk);
  EXPECT_LT(trend.batch().bytes(), 20000u);
  ASSERT_EQ(trend.commit(), Status::kOk);
  EXPECT_EQ(trend.ranked(2), (Ranked{{"0", 14286}, {"1", 14286}}));
  EXPECT_EQ(trend.reader().counters().events, 100000u);
  // What cannot be merged is kept all the same.
  for (int i = 0; i < 10000; i++) ASSERT_EQ(trend.append(20, "key " + std::to_string(i)), Status::kOk);
  ASSERT_EQ(trend.commit(), Status::kOk);
  EXPECT_EQ(trend.reader().live_groups(), 10007u);
}

TEST(Memory, BatchReplaysWhatWasSetAside) {
  TestTrend trend(tumble(kSecond));
  trend.limit_batch(100);
  for (int i = 0; i < 50; i++) trend.append(i, "a");
  for (int i = 0; i < 20; i++) trend.append(100 + i, "a", -1);
  const BatchSlice slice = trend.batch().slice(0);
  Batch copy;
  ASSERT_EQ(copy.open_slot(3, trend.writer().windows(), trend.writer().hash_seed()), Status::kOk);
  for (const BatchRecord* record = slice.begin; record != slice.end; record = record->next()) {
    ASSERT_EQ(copy.append(3, *record), Status::kOk);
  }
  ASSERT_EQ(copy.touched_count(), 1u);
  ASSERT_EQ(copy.touched_slot(0), 3u);
  ASSERT_EQ(copy.slice(3).max_time, 49);  // rows that are retracted move no clock
  ASSERT_EQ(slice.max_time, 49);
  trend.batch().clear();
  ASSERT_EQ(trend.writer().apply(copy.slice(3)), Status::kOk);
  EXPECT_EQ(trend.ranked(), (Ranked{{"a", 30}}));
  EXPECT_EQ(trend.reader().counters().events, 70u);
}

}  // namespace
}  // namespace trending::test
