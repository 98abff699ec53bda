// SPDX-License-Identifier: PostgreSQL
// Titles of blog posts: a few hundred phrases put together so that every post's title is its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trending::loadgen {

struct Title {
  std::string text;
  std::string_view category;
};

// The title of post number 0, 1, …; distinct numbers have distinct titles. A pure function of seed and
// number.
Title make_title(uint64_t seed, uint64_t number);

// Its category alone, which is quicker.
std::string_view title_category(uint64_t seed, uint64_t number);

// How many titles there are before the first "…, part 2".
uint64_t titles_without_parts();

// A plausible author, one of a few hundred.
std::string make_author(uint64_t seed, uint64_t number);

}  // namespace trending::loadgen
