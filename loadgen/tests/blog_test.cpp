// SPDX-License-Identifier: PostgreSQL
#include "scenarios/blog_model.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "scenario.h"

namespace trending::loadgen {
namespace {

BlogShape shape() {
  return {.seed = 42,
          .posts = 500,
          .users = 1000,
          .skew = 0.8,
          .viral_every = 10 * kSecond,
          .viral_life = kMinute,
          .late_share = 0.2,
          .late_max = 5 * kSecond};
}

auto values(const View& view) {
  return std::tuple(view.post, view.user, view.region, view.referrer, view.lateness, view.viral);
}

TEST(BlogModel, AnEventIsAFunctionOfSeedAndNumber) {
  const Schedule schedule(1000, 1);
  const BlogModel model(shape(), schedule);
  const BlogModel again(shape(), schedule);
  // In any order, from any object.
  for (uint64_t event = 5000; event-- > 0;) ASSERT_EQ(values(model.view(event)), values(again.view(event)));
  BlogShape other = shape();
  other.seed = 43;
  const BlogModel differs(other, schedule);
  int same = 0;
  for (uint64_t event = 0; event < 1000; ++event) same += model.view(event).user == differs.view(event).user;
  EXPECT_LT(same, 20);
}

// The sequence is part of what the option promises from one version to the next.
TEST(BlogModel, TheSequenceIsKept) {
  const BlogModel model(shape(), Schedule(1000, 1));
  uint64_t digest = 0;
  for (uint64_t event = 0; event < 1000; ++event) {
    const View view = model.view(event);
    digest = mix64(digest ^ view.post);
    digest = mix64(digest ^ view.user);
    digest = mix64(digest ^ static_cast<uint64_t>(view.lateness));
  }
  EXPECT_EQ(digest, 6353771348088985556U);
}

TEST(BlogModel, HashtagsBelongToThePost) {
  std::map<std::string, int> posts;
  uint64_t without = 0;
  for (uint64_t id = 1; id <= 1000; ++id) {
    const std::string hashtags = post_hashtags(42, id);
    EXPECT_EQ(hashtags, post_hashtags(42, id));
    without += hashtags.empty();
    std::set<std::string> own;
    for (size_t begin = 0; begin < hashtags.size();) {
      const size_t end = std::min(hashtags.find(' ', begin), hashtags.size());
      const std::string hashtag = hashtags.substr(begin, end - begin);
      EXPECT_EQ(hashtag.front(), '#');
      EXPECT_TRUE(own.insert(hashtag).second) << hashtags;
      ++posts[hashtag];
      begin = end + 1;
    }
    EXPECT_LE(own.size(), 3U);
  }
  EXPECT_GT(without, 150U);
  EXPECT_EQ(posts.size(), 40U);
  EXPECT_GT(posts["#weekend"], 5 * posts["#stars"]);
}

TEST(BlogModel, ValuesStayInBounds) {
  const BlogModel model(shape(), Schedule(1000, 1));
  uint64_t late = 0;
  uint64_t viral = 0;
  constexpr uint64_t kEvents = 50000;
  for (uint64_t event = 0; event < kEvents; ++event) {
    const View view = model.view(event);
    ASSERT_GE(view.post, 1U);
    ASSERT_LE(view.post, 500U);
    ASSERT_GE(view.user, 1U);
    ASSERT_LE(view.user, 1000U);
    ASSERT_GE(view.lateness, 0);
    ASSERT_LE(view.lateness, 5 * kSecond);
    late += view.lateness > 0 ? 1 : 0;
    viral += view.viral ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(late), 0.2 * kEvents, 0.01 * kEvents);
  EXPECT_GT(viral, kEvents / 10);
  EXPECT_LT(viral, kEvents * 3 / 4);
}

TEST(BlogModel, LeadersChange) {
  const BlogModel model(shape(), Schedule(1000, 1));
  std::set<uint64_t> leaders;
  for (uint64_t minute = 0; minute < 10; ++minute) {
    std::map<uint64_t, int> views;
    for (uint64_t event = minute * 60000; event < (minute + 1) * 60000; ++event)
      ++views[model.view(event).post];
    leaders.insert(
        std::ranges::max_element(views, {}, [](const auto& entry) { return entry.second; })->first);
  }
  EXPECT_GE(leaders.size(), 3U);
}

TEST(EventTimes, ReplayFollowsTheTimetableAlone) {
  const Schedule schedule(1000, 60);
  const EventTimes times = EventTimes::replay(schedule, 5 * kDay);
  for (uint64_t event = 0; event < 1000; ++event)
    EXPECT_EQ(times.of(event), 5 * kDay + schedule.story_time(event));
}

TEST(EventTimes, LiveEventsEndNow) {
  const Schedule schedule(1000, 1);
  const Timestamp now = 1000 * kSecond;
  const EventTimes times = EventTimes::live(schedule, {.first = 500, .count = 10}, now);
  EXPECT_EQ(times.of(509), now);
  EXPECT_EQ(times.of(500), now - 9 * kMillisecond);
  const EventTimes unpaced = EventTimes::live(Schedule(0, 1), {.first = 500, .count = 10}, now);
  EXPECT_EQ(unpaced.of(500), now);
}

TEST(Post, IsAFunctionOfSeedAndId) {
  const Post post = make_post(1, 7);
  EXPECT_EQ(post.title, make_post(1, 7).title);
  EXPECT_EQ(post.age, make_post(1, 7).age);
  EXPECT_FALSE(post.region.empty());
  EXPECT_GE(post.age, 0);
}

}  // namespace
}  // namespace trending::loadgen
