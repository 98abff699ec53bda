// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/state_check.h"

#include <algorithm>

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/float_sum.h"
#include "engine/aggregates/number.h"
#include "engine/aggregates/scale_counts.h"
#include "engine/time/time.h"

namespace trending {

namespace {

// The greatest display scale of a numeric.
constexpr int64_t kMostDigits = 0x3fff;

bool is_count(int64_t rows) {
  return rows >= -kMostRows && rows <= kMostRows;
}

bool is_form(int64_t form) {
  return (form & kDecimalScale) <= kMostDigits && (form & ~(kDecimalScale | kDecimalSpecial)) == 0;
}

bool is_integer_sum(const int64_t* words) {
  // Of kMostRows values.
  constexpr Int128 kMost = static_cast<Int128>(1) << 109;
  const Int128 sum = load128(words + 1);
  return is_count(words[0]) && sum >= -kMost && sum <= kMost;
}

// Parts beyond would overflow on the way, and what is no number never settles.
bool is_float_sum(const int64_t* words) {
  return is_count(words[0]) && std::all_of(words + 1, words + 4, [](int64_t part) {
           return std::fabs(load_double(part)) <= FloatSum::kHalfStep;
         });
}

bool is_decimal_sum(const int64_t* words) {
  return is_count(words[0]) && ScaleCounts::are_counts(words + kScaleWords, kMostRows);
}

bool is_decayed_sum(const int64_t* words, int64_t half_life) {
  const int64_t most = kEndTime / std::max<int64_t>(half_life, 1) + 1;
  return is_count(words[0]) && words[3] >= -most && words[3] <= most;
}

bool is_extreme_value(const AggregateSpec& spec, const int64_t* words) {
  return spec.type != ValueType::kDecimal || is_form(words[state_words(spec) - 1]);
}

bool are_words(const StateLayout& layout, const int64_t* state, uint16_t i) {
  const AggregateSpec& spec = layout.aggregates[i];
  const int64_t* words = state + layout.word_of[i];
  switch (static_cast<StateOp>(layout.ops[i])) {
    case StateOp::kCount:
      return is_count(words[0]);
    case StateOp::kIntegerSum:
      return is_integer_sum(words);
    case StateOp::kFloatSum:
      return is_float_sum(words);
    case StateOp::kDecimalSum:
      return is_decimal_sum(words);
    case StateOp::kExtreme:
      return is_extreme_value(spec, words);
    case StateOp::kDecayedSum:
      return is_decayed_sum(words, spec.half_life);
    default:
      return true;
  }
}

bool has_present_bit(StateOp op) {
  return op == StateOp::kIntegerMin || op == StateOp::kIntegerMax || op == StateOp::kExtreme;
}

}  // namespace

bool take_state(const StateLayout& layout, int64_t* state) {
  if (state[0] < 0 || state[0] > kMostRows) return false;
  int64_t present = 0;
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (layout.owner_of[i] != i) continue;
    if (!are_words(layout, state, i)) return false;
    const AggregateSpec& spec = layout.aggregates[i];
    if (has_present_bit(static_cast<StateOp>(layout.ops[i]))) present |= int64_t{1} << i;
    int64_t* words = state + layout.word_of[i];
    // What a sketch comes to stays, as does how many values a session has: these follow.
    if (spec.kind == AggregateKind::kApproxDistinct) words[0] = 0;
    if ((layout.owned_bytes >> i & 1) != 0) words[bytes_word(spec)] = words[bytes_word(spec) + 1] = 0;
    if ((layout.nested >> i & 1) != 0 && spec.kind != AggregateKind::kDistinct) {
      std::fill(words, words + state_words(spec), 0);
    }
    if (layout.root_of[i] != 0) state[layout.root_of[i]] = 0;
  }
  if (layout.present_word == 0) return true;
  return (state[layout.present_word] & ~present) == 0;
}

bool is_result(const StateLayout& layout, const int64_t* result, size_t bytes) {
  if (bytes < layout.bytes() || result[0] < 0) return false;
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    const AggregateSpec& spec = layout.aggregates[i];
    if (layout.owner_of[i] == i && !are_words(layout, result, i)) return false;
    if (!is_bytes(spec)) continue;
    const auto place = static_cast<uint64_t>(result[layout.word_of[i] + bytes_word(spec)]);
    const uint64_t begin = place >> 32;
    const uint64_t size = place & UINT32_MAX;
    if (place != 0 && (size == 0 || begin < layout.bytes() || begin % 8 != 0 || begin + size > bytes))
      return false;
  }
  return result_bytes(layout, result) == bytes;
}

}  // namespace trending
