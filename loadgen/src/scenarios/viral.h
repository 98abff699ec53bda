// SPDX-License-Identifier: PostgreSQL
// Posts that go viral and fade, so that a ranking over recent views keeps changing.
#pragma once

#include <cstdint>
#include <optional>

#include "random.h"
#include "micros.h"

namespace trending::loadgen {

// Every `every` of event time a post is picked and for `life` draws a share of all views: rising fast, fading
// slowly, gone at the end. A pure function of the seed; there is no state to advance.
class Viral {
 public:
  // Episodes that may overlap; each is looked at for each event.
  static constexpr int64_t kMostAtOnce = 64;

  // every = 0: nothing ever goes viral.
  Viral(uint64_t seed, uint64_t posts, Micros every, Micros life);

  // The post (0-based) that a view at this event time goes to if it is one of the viral ones, else nothing.
  // unit: in [0, 1), uniform.
  std::optional<uint64_t> pick(Micros story_time, double unit) const;

  struct Episode {
    uint64_t post;
    Micros begin;
    double peak;  // share of all views at its height
  };
  Episode episode(int64_t number) const;

  // The episode's share of all views at a time.
  double share(const Episode& episode, Micros story_time) const;

 private:
  uint64_t seed_;
  uint64_t posts_;
  Micros every_;
  Micros life_;
  double scale_;  // keeps the sum of all shares in bounds when many overlap
};

}  // namespace trending::loadgen
