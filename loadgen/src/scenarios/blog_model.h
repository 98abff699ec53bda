// SPDX-License-Identifier: PostgreSQL
// What happens on the blog: who views which post when, as pure functions of the seed and a number. No server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pacing.h"
#include "permutation.h"
#include "scenarios/viral.h"
#include "micros.h"
#include "zipf.h"

namespace trending::loadgen {

// The parts of the load's shape that are the blog's.
struct BlogShape {
  uint64_t seed = 1;
  uint64_t posts = 0;
  uint64_t users = 0;
  double skew = 0;
  Micros viral_every = 0;
  Micros viral_life = 0;
  double late_share = 0;
  Micros late_max = 0;
  double change_share = 0;
};

struct Post {
  std::string title;
  std::string_view category;
  std::string_view region;
  std::string author;
  Micros age;  // how long before the blog's "now" it was published
};

struct View {
  uint64_t post;  // posts and users count from 1, as their ids
  uint64_t user;
  std::string_view region;
  std::string_view referrer;
  Micros lateness;  // how much later than the view itself its row is written
  bool viral;
};

struct Edit {
  uint64_t post;
  std::optional<std::string> title;  // nothing: the post is deleted
};

// Post number 1, 2, …
Post make_post(uint64_t seed, uint64_t id);

// Its hashtags, with spaces between: none to three of a few dozens, some of them much more common.
std::string post_hashtags(uint64_t seed, uint64_t id);

class BlogModel {
 public:
  BlogModel(const BlogShape& shape, const Schedule& schedule);

  View view(uint64_t event) const;

  // What happens to some post at the time of the event, mostly nothing.
  std::optional<Edit> edit(uint64_t event) const;

 private:
  BlogShape shape_;
  Schedule schedule_;
  Zipf popularity_;
  Permutation post_of_rank_;
  Viral viral_;
};

}  // namespace trending::loadgen
