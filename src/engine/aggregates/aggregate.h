// SPDX-License-Identifier: PostgreSQL
// Aggregates: what a trend may keep of its rows, where the words of their states lie, how hosts hand in
// arguments and read values. What the kinds do with their words is in aggregate_state.h.
//
// A state is a sequence of 8-byte words: word 0 counts the rows (always kept, it says whether a group
// exists), then come the words of each aggregate that needs its own. A cell holds the state of one group in
// one pane; a group holds the total over the current window. A *result* is a total's words as a host may copy
// them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aggregates/key.h"

namespace trending {

enum class AggregateKind : uint8_t {
  kRowCount,        // count(*) without FILTER: word 0 itself, no words of its own
  kCount,           // count(x), count(*) FILTER (…): rows for which the event's argument is marked valid
  kSum,             // exact, for kFloat as far as FloatSum is
  kAvg,             // the same state as kSum
  kMin,             //
  kMax,             //
  kFirst,           // the value at the earliest `at`, the least of several
  kLast,            // the value at the latest `at`, the greatest of several
  kDistinct,        // count(DISTINCT x), exact
  kApproxDistinct,  // a HyperLogLog sketch; retracted rows stay in it
  kDecayed,         // a sum whose addends halve every half_life
  kCombined,        // bytes that only the host understands: Hooks::combine makes one state of two
};

enum class ValueType : uint8_t {
  kNone,     // counts, kDistinct, kApproxDistinct, kDecayed, kCombined
  kInteger,  // int64: integers, dates, timestamps, booleans
  kFloat,    // the bits of a double; NaN is the greatest, −0 equals 0, as the server orders them
  kDecimal,  // a Decimal, five words
  kBytes,    // of any length up to kMaxValueBytes, ordered by Hooks::compare_values; for kMin to kLast
};

// The longest value of type kBytes, and the longest state of a kCombined.
inline constexpr uint32_t kMaxValueBytes = 8192;
inline constexpr uint32_t kMaxCombinedBytes = 256 * 1024;

struct AggregateSpec {
  AggregateKind kind = AggregateKind::kRowCount;
  ValueType type = ValueType::kNone;
  int64_t half_life = 0;  // kDecayed: microseconds
  // Aggregates over the same argument, with the same FILTER, have the same number here; 0: over one of its
  // own. They share the words of arguments and states where they can.
  uint16_t input = 0;
  // The part of windows that it is over, TrendOptions::parts[part - 1]; 0: the whole.
  uint16_t part = 0;

  friend bool operator==(const AggregateSpec&, const AggregateSpec&) = default;
};

// A number of the server's type numeric: a 256-bit integer in two's complement, the low word first, in units
// of 10^-38, and `form`. So at most 38 fractional digits fit, and magnitudes below 10^28 as arguments; their
// sums cannot overflow.
struct Decimal {
  int64_t words[4] = {};
  int64_t form = 0;  // bits 0 to 15: digits shown after the point; then kDecimalSpecial and kDecimalUnitOne

  friend bool operator==(const Decimal&, const Decimal&) = default;
};
inline constexpr uint16_t kDecimalWords = 5;
inline constexpr int kDecimalFraction = 38;  // digits
inline constexpr int64_t kDecimalScale = 0xffff;
// In `form`: one of these when it is no finite number (the words are then zero).
inline constexpr int64_t kDecimalSpecial = int64_t{3} << 16;
inline constexpr int64_t kDecimalNegativeInfinity = int64_t{1} << 16;
inline constexpr int64_t kDecimalInfinity = int64_t{2} << 16;
inline constexpr int64_t kDecimalNaN = int64_t{3} << 16;
// In `form` of values given out: the words are in units of 1, a sum of integers.
inline constexpr int64_t kDecimalUnitOne = int64_t{1} << 18;

inline constexpr uint16_t kMaxAggregates = 16;
inline constexpr uint16_t kMaxRankTerms = 16;

// A term of the order of groups.
struct RankTerm {
  uint16_t aggregate = 0;
  bool descending = true;
  bool nulls_first = true;  // groups for which it is null rank before all others
};
inline constexpr uint16_t kMaxStateWords = 2 + kMaxAggregates * 9;

constexpr uint16_t value_words(ValueType type) {
  return type == ValueType::kNone ? 0 : type == ValueType::kDecimal ? kDecimalWords : 1;
}

// Words of an event's argument for an aggregate:
//   kRowCount, kCount       none; the valid bit says it all
//   kSum, kAvg, kMin, kMax  the value
//   kFirst, kLast           `at`, then the value
//   kDistinct               the size in bytes of the value, which stands in the arguments' tail; equality of
//                           values is equality of these bytes
//   kApproxDistinct         the 64-bit hash of the value (hash_for_sketch)
//   kDecayed                `at`, then the bits of the double that is added
//   kCombined               the size in bytes of the state of this one event, which stands in the tail
// A value of type kBytes is, likewise, the number of its bytes, which stand in the tail.
constexpr uint16_t argument_words(const AggregateSpec& spec) {
  switch (spec.kind) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
      return 0;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      return value_words(spec.type);
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
      return static_cast<uint16_t>(1 + value_words(spec.type));
    case AggregateKind::kDistinct:
    case AggregateKind::kApproxDistinct:
    case AggregateKind::kCombined:
      return 1;
    case AggregateKind::kDecayed:
      return 2;
  }
  return 0;
}

constexpr bool is_number(ValueType type) {
  return type == ValueType::kInteger || type == ValueType::kFloat || type == ValueType::kDecimal;
}

// Whether an aggregate's argument is one number and nothing else.
constexpr bool takes_number(const AggregateSpec& spec) {
  return is_number(spec.type) && (spec.kind == AggregateKind::kSum || spec.kind == AggregateKind::kAvg ||
                                  spec.kind == AggregateKind::kMin || spec.kind == AggregateKind::kMax);
}

// Whether an aggregate takes its argument from the words of another one.
constexpr bool shares_argument(const AggregateSpec& a, const AggregateSpec& b) {
  return a.input != 0 && a.input == b.input && a.type == b.type && takes_number(a) && takes_number(b);
}

// Whether what is done with an event's argument for `a` says all about that for `b`.
constexpr bool serves(const AggregateSpec& a, const AggregateSpec& b) {
  const bool counts = b.kind == AggregateKind::kCount && a.input != 0 && a.input == b.input;
  return counts ? a.kind == AggregateKind::kCount || takes_number(a) : shares_argument(a, b);
}

// Where the words of each aggregate's argument begin; returns how many words there are.
constexpr uint16_t lay_out_arguments(const AggregateSpec* aggregates, uint16_t count, uint16_t* argument_of) {
  uint16_t words = 0;
  for (uint16_t i = 0; i < count; i++) {
    uint16_t same = 0;
    while (same < i && !shares_argument(aggregates[same], aggregates[i])) same++;
    argument_of[i] = same < i ? argument_of[same] : words;
    if (same == i) words = static_cast<uint16_t>(words + argument_words(aggregates[i]));
  }
  return words;
}

// Of kFirst and kLast: `at` comes before the value.
constexpr bool is_timed(const AggregateSpec& spec) {
  return spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast;
}
// Whether the value of a state is bytes, which lie elsewhere.
constexpr bool is_bytes(const AggregateSpec& spec) {
  return spec.type == ValueType::kBytes || spec.kind == AggregateKind::kCombined;
}
// Whether an argument has bytes in the tail. How many is said by the last of its words.
constexpr bool has_tail(const AggregateSpec& spec) {
  return is_bytes(spec) || spec.kind == AggregateKind::kDistinct;
}

// The arguments of an event: the words of all aggregates, one after the other (those of an aggregate whose
// valid bit is clear are zero, those of aggregates that share are there once), and the tail: the bytes of
// those that are valid, one after the other.
struct ArgumentView {
  const int64_t* words = nullptr;
  uint32_t word_count = 0;
  const std::byte* tail = nullptr;
  uint32_t tail_size = 0;
};

// Words that an aggregate keeps in every state; see aggregate_state.h for what they are.
constexpr uint16_t state_words(const AggregateSpec& spec) {
  switch (spec.kind) {
    case AggregateKind::kRowCount:
      return 0;
    case AggregateKind::kCount:
    case AggregateKind::kDistinct:
      return 1;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return spec.type == ValueType::kInteger ? 3 : spec.type == ValueType::kFloat ? 6 : 9;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
      return static_cast<uint16_t>((is_timed(spec) ? 1 : 0) +
                                   (spec.type == ValueType::kBytes ? 2 : value_words(spec.type)));
    case AggregateKind::kApproxDistinct:
    case AggregateKind::kCombined:
      return 2;
    case AggregateKind::kDecayed:
      return 4;
  }
  return 0;
}

// Where each aggregate's words are. Computed once from the options.
struct StateLayout {
  uint16_t words = 1;  // of a whole state
  uint16_t aggregate_count = 0;
  uint16_t rank_count = 1;
  RankTerm rank[kMaxRankTerms] = {};
  bool score_decides = true;    // equal scores are equal values: compare_rank() is 0
  bool is_counting = true;      // nothing but kRowCount and kCount: every word is a plain sum
  bool ranks_by_word = true;    // by a count first: the score is that word
  bool is_flat = true;          // a state is its words, none of which refers to anything else
  bool has_sketches = false;    // kApproxDistinct: states own memory
  bool has_bytes = false;       // some value is bytes: results have a tail
  uint16_t in_part = 0;         // bit per aggregate: over a part of windows
  uint16_t nested = 0;          // bit per aggregate: over the table of values, see value_store.h
  uint16_t owned_bytes = 0;     // bit per aggregate: states own the bytes of its value, see bytes_store.h
  uint16_t argument_words = 0;  // of an event
  uint16_t present_word = 0;    // bit per aggregate of the kinds that need it: there is a value
  AggregateSpec aggregates[kMaxAggregates] = {};
  uint8_t ops[kMaxAggregates] = {};       // StateOp
  uint8_t owner_of[kMaxAggregates] = {};  // the aggregate whose words it uses, mostly itself
  uint8_t steps[kMaxAggregates] = {};     // the aggregates with an operation
  uint8_t step_count = 0;
  uint16_t word_of[kMaxAggregates] = {};
  uint16_t argument_of[kMaxAggregates] = {};
  uint16_t root_of[kMaxAggregates] = {};  // of nested extremes, and all nested ones of sessions: their tree

  uint32_t bytes() const { return words * 8u; }
};

// An aggregate's present value.
//   kRowCount, kCount, kDistinct, kApproxDistinct   integer
//   kSum, kAvg of kInteger    decimal, in units of 1 (kDecimalUnitOne): the sum; count for the average
//   kSum, kAvg of kDecimal    decimal: the sum, with the greatest scale of its addends; count
//   kSum, kAvg of kFloat      real: the sum or the average; count
//   kMin, kMax, kFirst, kLast integer, real, decimal or bytes after the type
//   kCombined                 bytes; there may be none even if there are rows
//   kDecayed                  real and integer: real · 2^integer is the sum as of 2000-01-01; see
//                             decayed_value() in decayed.h for that of another time. count
struct AggregateValue {
  bool is_null = false;
  uint64_t count = 0;  // inputs that were not null
  int64_t integer = 0;
  double real = 0;
  Decimal decimal;
  KeyView bytes;  // part of the result
};

// A result is flat: the words of a state, then the bytes of its values, each padded to 8. Instead of
// referring to the arena the words of a value say where its bytes are: the offset from the beginning of the
// result above 32 bits of their number. No value is empty; 0 means that there is none. (Without such values a
// total is a result as it stands.)
//
// Its size, in bytes.
size_t result_bytes(const StateLayout& layout, const int64_t* result);

AggregateValue value_of(const StateLayout& layout, const int64_t* result, uint16_t aggregate);

// The place of a result among others, by the terms of the order: the score, which is the first term's and of
// which more is better whatever the direction, and where scores are equal compare_rank(), negative when a
// ranks before b; 0 leaves it to the keys. A better result never has a lower score.
int64_t rank_score(const StateLayout& layout, const int64_t* result);
int compare_rank(const StateLayout& layout, const int64_t* a, const int64_t* b);

}  // namespace trending
