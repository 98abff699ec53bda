// SPDX-License-Identifier: PostgreSQL
#include "blog_model.h"

#include <iterator>

#include "scenarios/table_scenario.h"
#include "scenarios/titles.h"

namespace trending::loadgen {

namespace {

constexpr std::string_view kRegions[] = {"Africa",        "Asia",    "Europe",
                                         "North America", "Oceania", "South America"};
constexpr std::string_view kReferrers[] = {"search", "search", "social", "social", "newsletter", "direct"};
constexpr std::string_view kHashtags[] = {
    "#weekend", "#howto",  "#budget",  "#family",  "#slow",     "#local",    "#spring",   "#beginners",
    "#city",    "#garden", "#vegan",   "#night",   "#train",    "#books",    "#photos",   "#craft",
    "#coffee",  "#winter", "#sea",     "#history", "#running",  "#mountain", "#repair",   "#music",
    "#sleep",   "#market", "#bread",   "#camping", "#cinema",   "#bicycle",  "#festival", "#minimal",
    "#museum",  "#tea",    "#islands", "#chess",   "#knitting", "#birds",    "#rain",     "#stars"};
constexpr uint64_t kMostHashtags = 3;
constexpr double kHomeShare =
    0.5;  // of a post's readers are from its own region, besides the evenly spread ones
constexpr double kDeletedShare = 0.2;  // of the edits delete a post; the others give it a new title
constexpr Micros kOldestPost = 90 * kDay;

std::string_view home_region(uint64_t seed, uint64_t post) {
  return kRegions[Random(mix64(seed) + 3, post).below(std::size(kRegions))];
}

}  // namespace

Post make_post(uint64_t seed, uint64_t id) {
  Title title = make_title(seed, id - 1);
  Random random(mix64(seed) + 4, id);
  return {.title = std::move(title.text),
          .category = title.category,
          .region = home_region(seed, id),
          .author = make_author(seed, id),
          .age = static_cast<Micros>(random.below(static_cast<uint64_t>(kOldestPost)))};
}

std::string post_hashtags(uint64_t seed, uint64_t id) {
  Random random(mix64(seed) + 6, id);
  std::string hashtags;
  for (uint64_t left = random.below(kMostHashtags + 1); left > 0; --left) {
    const double place = random.unit();
    const auto which = static_cast<size_t>(place * place * static_cast<double>(std::size(kHashtags)));
    if (hashtags.find(kHashtags[which]) != std::string::npos) continue;
    if (!hashtags.empty()) hashtags += ' ';
    hashtags += kHashtags[which];
  }
  return hashtags;
}

BlogModel::BlogModel(const BlogShape& shape, const Schedule& schedule)
    : shape_(shape),
      schedule_(schedule),
      popularity_(shape.posts, shape.skew),
      post_of_rank_(shape.posts, shape.seed),
      viral_(shape.seed, shape.posts, shape.viral_every, shape.viral_life) {}

View BlogModel::view(uint64_t event) const {
  Random random(shape_.seed, event);
  const auto viral = viral_.pick(schedule_.story_time(event), random.unit());
  const uint64_t post = 1 + (viral ? *viral : post_of_rank_(popularity_(random) - 1));
  const uint64_t user = 1 + random.below(shape_.users);
  const bool at_home = random.unit() < kHomeShare;
  const std::string_view region =
      at_home ? home_region(shape_.seed, post) : kRegions[random.below(std::size(kRegions))];
  const std::string_view referrer = kReferrers[random.below(std::size(kReferrers))];
  const Micros lateness = draw_lateness(random, shape_.late_share, shape_.late_max);
  return {post, user, region, referrer, lateness, viral.has_value()};
}

// Titles change mostly of posts that are being read; any post may be deleted.
std::optional<Edit> BlogModel::edit(uint64_t event) const {
  Random random(mix64(shape_.seed) + 5, event);
  if (random.unit() >= shape_.change_share) return std::nullopt;
  if (random.unit() < kDeletedShare) return Edit{1 + random.below(shape_.posts), std::nullopt};
  return Edit{view(event).post, make_title(shape_.seed, shape_.posts + event).text};
}

}  // namespace trending::loadgen
