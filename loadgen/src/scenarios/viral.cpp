// SPDX-License-Identifier: PostgreSQL
#include "viral.h"

#include <algorithm>
#include <cmath>

namespace trending::loadgen {

namespace {

constexpr double kLowestPeak = 0.03;
constexpr double kHighestPeak = 0.25;
constexpr double kRise = 0.15;         // of its life a post climbs so long
constexpr double kMostForViral = 0.6;  // of all views on average; the rest keeps the everyday distribution

// The mean of share() / peak over a life: the area under the rise and under the parabola that follows.
constexpr double kMeanHeight = kRise / 2 + (1 - kRise) / 3;

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

Viral::Viral(uint64_t seed, uint64_t posts, Micros every, Micros life)
    : seed_(mix64(seed) + 1), posts_(posts), every_(every), life_(life), scale_(1) {
  if (every_ == 0) return;
  const double mean_peak = (kHighestPeak - kLowestPeak) / std::log(kHighestPeak / kLowestPeak);
  const double overlap = static_cast<double>(life_) / static_cast<double>(every_);
  scale_ = std::min(1.0, kMostForViral / (overlap * mean_peak * kMeanHeight));
}

Viral::Episode Viral::episode(int64_t number) const {
  Random random(seed_, static_cast<uint64_t>(number));
  const uint64_t post = random.below(posts_);
  const Micros begin = number * every_ + static_cast<Micros>(random.unit() * static_cast<double>(every_));
  const double peak = kLowestPeak * std::pow(kHighestPeak / kLowestPeak, random.unit());
  return {post, begin, peak * scale_};
}

double Viral::share(const Episode& episode, Micros story_time) const {
  const double age = static_cast<double>(story_time - episode.begin) / static_cast<double>(life_);
  if (age <= 0 || age >= 1) return 0;
  if (age < kRise) return episode.peak * age / kRise;
  const double left = (1 - age) / (1 - kRise);
  return episode.peak * left * left;
}

std::optional<uint64_t> Viral::pick(Micros story_time, double unit) const {
  if (every_ == 0) return std::nullopt;
  // An episode begins up to one interval after its number's; those before time 0 are already under way.
  const int64_t newest = floor_divide(story_time, every_);
  const int64_t oldest = floor_divide(story_time - life_, every_) - 1;
  double passed = 0;
  for (int64_t number = oldest; number <= newest; ++number) {
    const Episode candidate = episode(number);
    passed += share(candidate, story_time);
    if (unit < passed) return candidate.post;
  }
  return std::nullopt;
}

}  // namespace trending::loadgen
