// Aggregates: everything that depends on which aggregate it is stands here. To add one, add its kind and
// extend the functions below.
//
// A state is a sequence of 8-byte words: word 0 counts the rows (always kept, it says whether a group
// exists), then come the words of each aggregate that needs its own. A cell holds the state of one group in
// one pane; a group holds the total over the current window.
#pragma once

#include <cstdint>

namespace trending {

enum class AggregateKind : uint8_t {
  kRowCount,  // count(*) without FILTER: word 0 itself, no words of its own
  kCount,     // count(x), count(*) FILTER (…): rows for which the event's argument is marked valid
};

inline constexpr uint16_t kMaxAggregates = 16;
inline constexpr uint16_t kMaxStateWords = 1 + kMaxAggregates;

// Words that a kind keeps in every state.
constexpr uint16_t state_words(AggregateKind kind) {
  return kind == AggregateKind::kRowCount ? 0 : 1;
}
// Where each aggregate's words are. Computed once from the options.
struct StateLayout {
  uint16_t words = 1;  // of a whole state
  uint16_t aggregate_count = 0;
  uint16_t rank_by = 0;
  bool descending = true;
  AggregateKind kinds[kMaxAggregates] = {};
  uint16_t word_of[kMaxAggregates] = {};

  uint32_t bytes() const { return words * 8u; }
};

// An aggregate's present value.
struct AggregateValue {
  int64_t integer = 0;
  bool is_null = false;
};

// Adds `weight` equal events to a state (takes them back when negative). Bit i of `valid` is set when the
// event has an argument for aggregate i (count(x): x is not null and the FILTER holds).
inline void fold(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid) {
  state[0] += weight;
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (layout.kinds[i] == AggregateKind::kCount && (valid >> i & 1) != 0) state[layout.word_of[i]] += weight;
  }
}

// state += other, or state -= other.
inline void merge(const StateLayout& layout, int64_t* state, const int64_t* other) {
  for (uint16_t i = 0; i < layout.words; i++) state[i] += other[i];
}
inline void unmerge(const StateLayout& layout, int64_t* state, const int64_t* other) {
  for (uint16_t i = 0; i < layout.words; i++) state[i] -= other[i];
}

inline AggregateValue value_of(const StateLayout& layout, const int64_t* state, uint16_t aggregate) {
  switch (layout.kinds[aggregate]) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
      return {state[layout.word_of[aggregate]], false};
  }
  return {};
}

// A state's score: the ranking aggregate mapped to an integer of which more is better, whatever the
// direction.
inline int64_t score_of(const StateLayout& layout, const int64_t* state) {
  int64_t value = state[layout.word_of[layout.rank_by]];
  return layout.descending ? value : ~value;
}

}  // namespace trending
