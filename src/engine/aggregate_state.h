// What aggregates do with the words of their states. To add a kind: its words in aggregate.h, and the
// functions of aggregate_state.cpp.
#pragma once

#include "engine/aggregate.h"

namespace trending {

namespace detail {

void fold_any(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid,
              const int64_t* arguments);
void merge_any(const StateLayout& layout, int64_t* state, const int64_t* other);
void unmerge_any(const StateLayout& layout, int64_t* state, const int64_t* other);
int64_t score_any(const StateLayout& layout, const int64_t* state);

}  // namespace detail

// Adds `weight` equal events to a state (takes them back when negative). Bit i of `valid` is set when the
// event has an argument for aggregate i (count(x): x is not null and the FILTER holds).
inline void fold(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid,
                 const int64_t* arguments) {
  state[0] += weight;
  if (!layout.is_counting) return detail::fold_any(layout, state, weight, valid, arguments);
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (layout.aggregates[i].kind == AggregateKind::kCount && (valid >> i & 1) != 0) {
      state[layout.word_of[i]] += weight;
    }
  }
}

// state += other, or state -= other.
inline void merge(const StateLayout& layout, int64_t* state, const int64_t* other) {
  if (!layout.is_counting) return detail::merge_any(layout, state, other);
  for (uint16_t i = 0; i < layout.words; i++) state[i] += other[i];
}
inline void unmerge(const StateLayout& layout, int64_t* state, const int64_t* other) {
  if (!layout.is_counting) return detail::unmerge_any(layout, state, other);
  for (uint16_t i = 0; i < layout.words; i++) state[i] -= other[i];
}

// rank_score() of a state, inline for counts.
inline int64_t score_of(const StateLayout& layout, const int64_t* state) {
  if (!layout.is_counting) return detail::score_any(layout, state);
  const int64_t value = state[layout.word_of[layout.rank_by]];
  return layout.descending ? value : ~value;
}

// A state as checkpoints store it: words as integers of variable length. Returns the number of bytes, at most
// kMaxCellBytes; decode_state is false when the bytes are not a state of this layout.
inline constexpr size_t kMaxCellBytes = kMaxStateWords * 10;
size_t encode_words(const int64_t* words, uint32_t count, std::byte* bytes);
bool decode_words(const std::byte* bytes, size_t size, uint32_t count, int64_t* words);

}  // namespace trending
