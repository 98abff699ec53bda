// SPDX-License-Identifier: PostgreSQL
// What aggregates do with the words of their states:
//
//   kCount                   rows
//   kSum, kAvg of kInteger   inputs, 128-bit sum
//   kSum, kAvg of kFloat     inputs, the parts of a FloatSum of the finite ones, then as halves of words: how
//                            many are NaN, ∞, −∞; the steps of the FloatSum and, the last bit, not is_exact
//   kSum, kAvg of kDecimal   inputs, 256-bit sum of the finite ones, ScaleCounts of all
//   kMin, kMax               the value, when the present bit says that there is one
//   kFirst, kLast            `at` and the value, likewise
//     of kBytes              instead of the value two words: where the bytes are (0: there is no value), hash
//   kCombined                where the bytes are (0: there is none), unused
//   kDecayed                 inputs, LongDouble, landmark
//   kApproxDistinct          the sketch's offset, its estimate; see sketch_store.h
//   kDistinct                a total: how many values there are; a cell: unused. See value_store.h. So it is
//                            with nested extremes, which have one word more, the root of their tree
//
// Aggregates over the same argument use the same words where one's are part of the other's: sum, avg and
// count(x) of it, and several minima or maxima. Only one of them, the owner, has an operation.
//
// To add a kind: its words here and in aggregate.h, its operation in make_layout(), and what that does.
#pragma once

#include <bit>

#include "engine/aggregates/aggregate.h"
#include "engine/aggregates/batch.h"

namespace trending {

// Where a sum keeps its counts of NaN, ∞ and −∞, or of scales.
inline constexpr int kFloatSpecials = 4;
inline constexpr int kScaleWords = 5;

// What to do with an aggregate's words: kind and type in one.
enum class StateOp : uint8_t {
  kNothing,  // kRowCount; kinds whose words change elsewhere; those that use another's words
  kCount,
  kIntegerSum,
  kFloatSum,
  kDecimalSum,
  kIntegerMin,
  kIntegerMax,
  kExtreme,  // kFirst, kLast, other kMin and kMax
  kDecayedSum,
  // From here on a state is more than its words.
  kSketch,  // the words change elsewhere, but a total has to be rebuilt
  kBytes,   // likewise, if what leaves it may have decided it
};

// Where the words of a value that is bytes say where these are.
constexpr int bytes_word(const AggregateSpec& spec) {
  return is_timed(spec) ? 1 : 0;
}

// A bit for each aggregate, and one for the number of rows: what of a state counts. A pane that is not in the
// part of a window that an aggregate is over (AggregateSpec::part) counts without it.
inline constexpr uint32_t kEverything = UINT32_MAX;
inline constexpr uint32_t kRows = uint32_t{1} << 31;

namespace detail {

void fold_any(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid,
              const int64_t* arguments);
void merge_any(const StateLayout& layout, int64_t* state, const int64_t* other, uint32_t which);
uint32_t unmerge_any(const StateLayout& layout, int64_t* state, const int64_t* other, uint32_t which);

}  // namespace detail

// Adds `weight` equal events to a state (retracts them when negative). Bit i of `valid` is set when the
// event has an argument for aggregate i (count(x): x is not null and the FILTER holds). Retracted rows stay
// in extremes and sketches.
inline void fold(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid,
                 const int64_t* arguments) {
  state[0] += weight;
  if (!layout.is_counting) return detail::fold_any(layout, state, weight, valid, arguments);
  for (uint16_t s = 0; s < layout.step_count; s++) {
    const uint8_t i = layout.steps[s];
    if ((valid >> i & 1) != 0) state[layout.word_of[i]] += weight;
  }
}

// state += other, or some of it.
inline void merge(const StateLayout& layout, int64_t* state, const int64_t* other,
                  uint32_t which = kEverything) {
  if (!layout.is_counting || which != kEverything) {
    if ((which & kRows) != 0) state[0] += other[0];
    return detail::merge_any(layout, state, other, which);
  }
  for (uint16_t i = 0; i < layout.words; i++) state[i] += other[i];
}

// state −= other, or some of it. Returns a bit for each aggregate that `other` may have decided: it has to be
// rebuilt, by clear_some() and merge_some() of all that is left.
inline uint32_t unmerge(const StateLayout& layout, int64_t* state, const int64_t* other,
                        uint32_t which = kEverything) {
  if (!layout.is_counting || which != kEverything) {
    if ((which & kRows) != 0) state[0] -= other[0];
    return detail::unmerge_any(layout, state, other, which);
  }
  for (uint16_t i = 0; i < layout.words; i++) state[i] -= other[i];
  return 0;
}
// A bit for each aggregate whose words say all: no sketches, bytes, or nested ones.
uint32_t plain_aggregates(const StateLayout& layout);
// Words of sketches, bytes and nested aggregates stay: their owners see to them.
void clear_some(const StateLayout& layout, int64_t* state, uint32_t which);
inline void merge_some(const StateLayout& layout, int64_t* state, const int64_t* other, uint32_t which) {
  detail::merge_any(layout, state, other, which);
}

// rank_score() of a state, inline for counts.
inline int64_t score_of(const StateLayout& layout, const int64_t* state) {
  if (!layout.ranks_by_word) return rank_score(layout, state);
  const int64_t value = state[layout.word_of[layout.rank[0].aggregate]];
  return layout.rank[0].descending ? value : ~value;
}

// The order of values as the server sees it, and one in which only identical ones are equal.
int compare_values(ValueType type, const int64_t* a, const int64_t* b);
int compare_totally(ValueType type, const int64_t* a, const int64_t* b);

// The words of an extreme: `at` if it has one, then the value. Negative when a is to be chosen rather than b.
int compare_extremes(const AggregateSpec& spec, const int64_t* a, const int64_t* b);

// The same where values are bytes. `at` is not looked at where there is none.
struct TimedBytes {
  int64_t at = 0;
  KeyView bytes;
};
int compare_extremes(const Hooks& hooks, const StateLayout& layout, uint16_t aggregate, const TimedBytes& a,
                     const TimedBytes& b);

// While the result of a window is made its words refer to bytes in this process: address and number.
inline KeyView local_bytes(const int64_t* words) {
  return {std::bit_cast<const std::byte*>(words[0]), static_cast<uint32_t>(words[1])};
}
inline void set_local_bytes(int64_t* words, KeyView bytes) {
  words[0] = std::bit_cast<int64_t>(bytes.data);
  words[1] = bytes.size;
}

// visit(aggregate, words, bytes) for the arguments of an event that are valid and have bytes.
template <typename Visit>
void for_each_tail(const StateLayout& layout, const BatchRecord& record, Visit&& visit) {
  const int64_t* words = record.arguments();
  const auto* tail = reinterpret_cast<const std::byte*>(words + layout.argument_words);
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if ((record.valid >> i & 1) == 0 || !has_tail(layout.aggregates[i])) continue;
    const int64_t* argument = words + layout.argument_of[i];
    const KeyView bytes{tail, static_cast<uint32_t>(argument[argument_words(layout.aggregates[i]) - 1])};
    visit(i, argument, bytes);
    tail += bytes.size;
  }
}

constexpr bool is_extreme(AggregateKind kind) {
  return kind == AggregateKind::kMin || kind == AggregateKind::kMax || kind == AggregateKind::kFirst ||
         kind == AggregateKind::kLast;
}

// Words as checkpoints store them: integers of variable length. encode_words() returns the number of bytes,
// at most 10 a word; decode_words() how many it has read, 0 when the bytes are not that many words.
size_t encode_words(const int64_t* words, uint32_t count, std::byte* bytes);
size_t decode_words(const std::byte* bytes, size_t size, uint32_t count, int64_t* words);

}  // namespace trending
