// SPDX-License-Identifier: PostgreSQL
#include "titles.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "permutation.h"
#include "title_words.h"

namespace trending::loadgen {

namespace {

constexpr uint64_t kTemplates = std::size(kTitleTemplates);

Words find_words(std::string_view name) {
  const auto* list = std::ranges::find(kWordLists, name, &WordList::name);
  return list->words;
}

// Calls text(piece) and slot(words) for the template's parts, in order.
template <typename OnText, typename OnSlot>
void walk(std::string_view pattern, OnText text, OnSlot slot) {
  while (!pattern.empty()) {
    const size_t open = std::min(pattern.find('{'), pattern.size());
    text(pattern.substr(0, open));
    pattern.remove_prefix(open);
    if (pattern.empty()) return;
    const size_t close = pattern.find('}');
    slot(find_words(pattern.substr(1, close - 1)));
    pattern.remove_prefix(close + 1);
  }
}

uint64_t combinations(std::string_view pattern) {
  uint64_t product = 1;
  walk(
      pattern, [](std::string_view) {}, [&](Words words) { product *= words.size(); });
  return product;
}

std::string fill(std::string_view pattern, uint64_t combination) {
  std::string title;
  walk(
      pattern, [&](std::string_view piece) { title += piece; },
      [&](Words words) {
        title += words[combination % words.size()];
        combination /= words.size();
      });
  // All words and patterns that begin in lower case do so in ASCII.
  if (title.front() >= 'a' && title.front() <= 'z')
    title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

const TitleTemplate& template_of(uint64_t seed, uint64_t number, uint64_t& which) {
  which = Permutation(kTemplates, mix64(seed) + number / kTemplates)(number % kTemplates);
  return kTitleTemplates[which];
}

}  // namespace

// Numbers go round the templates, in another order each time; a template's words go through all combinations
// before one comes again, as the next part.
Title make_title(uint64_t seed, uint64_t number) {
  const uint64_t round = number / kTemplates;
  uint64_t which = 0;
  const TitleTemplate& chosen = template_of(seed, number, which);
  const uint64_t product = combinations(chosen.text);
  std::string text = fill(chosen.text, Permutation(product, mix64(seed) ^ mix64(which))(round % product));
  if (const uint64_t part = round / product; part > 0) text += fmt::format(", part {}", part + 1);
  return {std::move(text), chosen.category};
}

std::string_view title_category(uint64_t seed, uint64_t number) {
  uint64_t which = 0;
  return template_of(seed, number, which).category;
}

uint64_t titles_without_parts() {
  uint64_t fewest = UINT64_MAX;
  for (const TitleTemplate& each : kTitleTemplates) fewest = std::min(fewest, combinations(each.text));
  return fewest * kTemplates;
}

std::string make_author(uint64_t seed, uint64_t number) {
  Random random(mix64(seed) + 2, number);
  return fmt::format("{} {}", kGivenNames[random.below(std::size(kGivenNames))],
                     kFamilyNames[random.below(std::size(kFamilyNames))]);
}

}  // namespace trending::loadgen
