// SPDX-License-Identifier: PostgreSQL
#include "scenarios/titles.h"

#include <set>

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

TEST(Titles, AreDistinct) {
  std::set<std::string> seen;
  constexpr uint64_t kPosts = 50000;
  for (uint64_t i = 0; i < kPosts; ++i) seen.insert(make_title(1, i).text);
  EXPECT_EQ(seen.size(), kPosts);
}

TEST(Titles, TheDefaultNumberOfPostsNeedsNoParts) {
  EXPECT_GE(titles_without_parts(), 7000U);
  for (uint64_t i = 0; i < titles_without_parts(); ++i) {
    ASSERT_EQ(make_title(1, i).text.find(", part "), std::string::npos) << i;
  }
}

TEST(Titles, DependOnSeedAndNumberAlone) {
  EXPECT_EQ(make_title(5, 77).text, make_title(5, 77).text);
  EXPECT_EQ(make_author(5, 77), make_author(5, 77));
  int same = 0;
  for (uint64_t i = 0; i < 1000; ++i) same += make_title(5, i).text == make_title(6, i).text ? 1 : 0;
  EXPECT_LT(same, 20);
}

TEST(Titles, AreFilledIn) {
  std::set<std::string_view> categories;
  for (uint64_t i = 0; i < 5000; ++i) {
    const Title title = make_title(1, i);
    EXPECT_EQ(title.text.find_first_of("{}"), std::string::npos) << title.text;
    EXPECT_FALSE(title.text.front() >= 'a' && title.text.front() <= 'z') << title.text;
    categories.insert(title.category);
  }
  EXPECT_EQ(categories.size(), 12U);
}

}  // namespace
}  // namespace trending::loadgen
