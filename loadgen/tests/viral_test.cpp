// SPDX-License-Identifier: PostgreSQL
#include "scenarios/viral.h"

#include <set>

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

constexpr uint64_t kPosts = 1000;
constexpr Micros kEvery = 10 * kSecond;
constexpr Micros kLife = 60 * kSecond;

TEST(Viral, NeverWhenTurnedOff) {
  const Viral viral(1, kPosts, 0, kLife);
  for (Micros time = 0; time < kHour; time += kSecond) EXPECT_FALSE(viral.pick(time, 0));
}

TEST(Viral, AnEpisodeRisesAndFades) {
  const Viral viral(1, kPosts, kEvery, kLife);
  const Viral::Episode episode = viral.episode(3);
  EXPECT_GE(episode.begin, 3 * kEvery);
  EXPECT_LT(episode.begin, 4 * kEvery);
  EXPECT_LT(episode.post, kPosts);
  EXPECT_EQ(viral.share(episode, episode.begin - 1), 0);
  EXPECT_EQ(viral.share(episode, episode.begin + kLife), 0);
  const double early = viral.share(episode, episode.begin + kLife / 20);
  const double peak = viral.share(episode, episode.begin + kLife * 15 / 100);
  const double late = viral.share(episode, episode.begin + kLife * 3 / 4);
  EXPECT_GT(early, 0);
  EXPECT_GT(peak, early);
  EXPECT_GT(peak, late);
  EXPECT_GT(late, 0);
  EXPECT_NEAR(peak, episode.peak, 1e-9);
}

// pick() must see every episode that is under way, and no other.
TEST(Viral, PicksExactlyTheEpisodesUnderWay) {
  const Viral viral(9, kPosts, kEvery, kLife);
  for (Micros time = 0; time < 10 * kMinute; time += 777 * kMillisecond) {
    double total = 0;
    for (int64_t number = -20; number < 80; ++number) total += viral.share(viral.episode(number), time);
    EXPECT_LT(total, 1);
    EXPECT_FALSE(viral.pick(time, total + 1e-9)) << time;
    if (total > 0) {
      EXPECT_TRUE(viral.pick(time, total - 1e-9)) << time;
    }
  }
}

TEST(Viral, OverlappingEpisodesLeaveRoomForTheOthers) {
  const Viral viral(2, kPosts, kSecond, Viral::kMostAtOnce * kSecond);
  int picked = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    Random random(3, static_cast<uint64_t>(i));
    picked += viral.pick(i * 10 * kMillisecond, random.unit()) ? 1 : 0;
  }
  EXPECT_LT(picked, kDraws * 3 / 4);
  EXPECT_GT(picked, kDraws / 3);
}

TEST(Viral, PostsChange) {
  const Viral viral(1, kPosts, kEvery, kLife);
  std::set<uint64_t> posts;
  for (int64_t number = 0; number < 50; ++number) posts.insert(viral.episode(number).post);
  EXPECT_GT(posts.size(), 40U);
}

}  // namespace
}  // namespace trending::loadgen
