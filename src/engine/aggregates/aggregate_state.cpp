// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/aggregate_state.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "engine/aggregates/decayed.h"
#include "engine/aggregates/float_sum.h"
#include "engine/aggregates/number.h"
#include "engine/aggregates/options.h"
#include "engine/aggregates/scale_counts.h"

namespace trending {

namespace {

StateOp op_of(const AggregateSpec& spec) {
  if (is_bytes(spec)) return StateOp::kBytes;
  switch (spec.kind) {
    case AggregateKind::kCount:
      return StateOp::kCount;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return spec.type == ValueType::kInteger ? StateOp::kIntegerSum
             : spec.type == ValueType::kFloat ? StateOp::kFloatSum
                                              : StateOp::kDecimalSum;
    case AggregateKind::kMin:
      return spec.type == ValueType::kInteger ? StateOp::kIntegerMin : StateOp::kExtreme;
    case AggregateKind::kMax:
      return spec.type == ValueType::kInteger ? StateOp::kIntegerMax : StateOp::kExtreme;
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
      return StateOp::kExtreme;
    case AggregateKind::kDecayed:
      return StateOp::kDecayedSum;
    case AggregateKind::kApproxDistinct:
      return StateOp::kSketch;
    default:
      return StateOp::kNothing;
  }
}

// ---- sums

void store128(Int128 value, int64_t* words) {
  words[0] = static_cast<int64_t>(value);
  words[1] = static_cast<int64_t>(value >> 64);
}

LongDouble load_long_double(const int64_t* words) {
  return {load_double(words[0]), load_double(words[1])};
}
void store(const LongDouble& value, int64_t* words) {
  words[0] = std::bit_cast<int64_t>(value.sum);
  words[1] = std::bit_cast<int64_t>(value.rest);
}
DecayedSum load_decayed(const int64_t* words) {
  return {load_long_double(words), words[2]};
}
void store(const DecayedSum& value, int64_t* words) {
  store(value.sum, words);
  words[2] = value.landmark;
}

void fold_integer(int64_t* words, int64_t weight, int64_t value) {
  words[0] += weight;
  store128(load128(words + 1) + static_cast<Int128>(value) * weight, words + 1);
}

// Sets words to a value that is the first one or comes before the one there.
template <typename IsBefore>
void fold_least(int64_t* words, int64_t value, int64_t* present, uint8_t aggregate, IsBefore is_before) {
  const int64_t bit = int64_t{1} << aggregate;
  if ((*present & bit) == 0 || is_before(value, words[0])) words[0] = value;
  *present |= bit;
}

// A sum of floats, taken out of its words.
struct FloatState {
  FloatSum sum;
  int32_t specials[3];  // NaN, ∞, −∞

  explicit FloatState(const int64_t* words) {
    for (int i = 0; i < 3; i++) sum.parts[i] = load_double(words[1 + i]);
    int32_t tail[4];
    std::memcpy(tail, words + kFloatSpecials, sizeof(tail));
    std::copy(tail, tail + 3, specials);
    sum.steps = tail[3] >> 1;
    sum.is_exact = (tail[3] & 1) == 0;
  }
  // Without finite inputs the sum is zero again, whatever digits were lost.
  void store(int64_t* words) {
    if (words[0] == int64_t{specials[0]} + specials[1] + specials[2]) sum = {};
    for (int i = 0; i < 3; i++) words[1 + i] = std::bit_cast<int64_t>(sum.parts[i]);
    constexpr int64_t kMaxSteps = INT32_MAX >> 1;
    const int64_t steps = std::clamp(sum.steps, -kMaxSteps, kMaxSteps);
    const bool is_exact = sum.is_exact && steps == sum.steps;
    const int32_t tail[4] = {specials[0], specials[1], specials[2],
                             static_cast<int32_t>(steps * 2 + (is_exact ? 0 : 1))};
    std::memcpy(words + kFloatSpecials, tail, sizeof(tail));
  }
};

void fold_float(int64_t* words, int64_t weight, double value) {
  words[0] += weight;
  FloatState state(words);
  if (std::isfinite(value)) {
    state.sum.add_product(value, weight);
  } else {
    state.specials[std::isnan(value) ? 0 : value > 0 ? 1 : 2] += static_cast<int32_t>(weight);
  }
  state.store(words);
}

// Adds another sum, or takes it out.
bool change_float(int64_t* words, const int64_t* other, bool negative) {
  words[0] += negative ? -other[0] : other[0];
  FloatState state(words);
  const FloatState more(other);
  state.sum.add(more.sum, negative);
  for (int i = 0; i < 3; i++) {
    const int64_t change = negative ? -int64_t{more.specials[i]} : more.specials[i];
    state.specials[i] = static_cast<int32_t>(state.specials[i] + change);
  }
  state.store(words);
  return state.sum.is_exact;
}

void fold_decimal(int64_t* words, int64_t weight, const int64_t* argument) {
  words[0] += weight;
  if ((argument[4] & kDecimalSpecial) == 0) {
    Int256 sum = Int256::load(words + 1);
    sum += Int256::load(argument).times(weight);
    sum.store(words + 1);
  }
  ScaleCounts(words + kScaleWords).add(argument[4], weight, words[0]);
}

void change_decimal(int64_t* words, const int64_t* other, bool negative) {
  words[0] += negative ? -other[0] : other[0];
  Int256 sum = Int256::load(words + 1);
  sum += negative ? Int256::load(other + 1).negated() : Int256::load(other + 1);
  sum.store(words + 1);
  ScaleCounts(words + kScaleWords).merge(other + kScaleWords, negative, words[0]);
}

void fold_decayed(int64_t* words, int64_t weight, const int64_t* argument, int64_t half_life) {
  if (words[0] == 0) words[3] = floor_div(argument[0], half_life);
  words[0] += weight;
  DecayedSum sum;
  if (words[0] != 0) {
    sum = load_decayed(words + 1);
    sum.add(argument[0], load_double(argument[1]), weight, half_life);
  }
  store(sum, words + 1);
}

void merge_decayed(int64_t* words, const int64_t* other) {
  if (other[0] == 0) return;
  if (words[0] == 0) words[3] = other[3];
  words[0] += other[0];
  DecayedSum sum = load_decayed(words + 1);
  sum.add(load_decayed(other + 1));
  store(sum, words + 1);
}

// ---- taking out of a total: each returns whether the aggregate has to be rebuilt

// When digits were lost on the way, what is left may have them.
bool unmerge_float(int64_t* words, const int64_t* other) {
  return !change_float(words, other, true);
}

// When the scales of what is left are not known, or differ from those of what leaves.
bool unmerge_decimal(int64_t* words, const int64_t* other) {
  change_decimal(words, other, true);
  return ScaleCounts::has_forgotten(other + kScaleWords) || ScaleCounts(words + kScaleWords).is_unknown();
}

bool unmerge_decayed(int64_t* words, const int64_t* other) {
  if (other[0] == 0) return false;
  words[0] -= other[0];
  if (words[0] == 0) return true;
  // Old addends vanish below the last digit of the younger ones.
  const DecayedSum sum = load_decayed(words + 1);
  const DecayedSum gone = load_decayed(other + 1);
  return !(std::fabs(gone.sum.sum) * DecayedSum::power_of_half(sum.landmark - gone.landmark) <
           std::fabs(sum.sum.sum) * 0x1p-60);
}

// Extremes are compared by their hashes: at worst one is rebuilt in vain.
bool unmerge_bytes(const AggregateSpec& spec, const int64_t* words, const int64_t* other) {
  if (other[bytes_word(spec)] == 0) return false;
  if (spec.kind == AggregateKind::kCombined) return true;
  const bool same_time = !is_timed(spec) || words[0] == other[0];
  return same_time && words[bytes_word(spec) + 1] == other[bytes_word(spec) + 1];
}

// ---- layouts

// Whether one aggregate's words serve another one, too.
bool shares_state(const AggregateSpec& a, const AggregateSpec& b) {
  if (a.part != b.part) return false;
  const auto is_sum = [](const AggregateSpec& spec) {
    return spec.kind == AggregateKind::kSum || spec.kind == AggregateKind::kAvg;
  };
  if (b.kind == AggregateKind::kCount)
    return a.input != 0 && a.input == b.input && (is_sum(a) || a.kind == b.kind);
  return shares_argument(a, b) && (is_sum(a) ? is_sum(b) : a.kind == b.kind);
}

// The aggregate whose words this one uses: an earlier one, or for a count, which has the least, any.
uint16_t owner_of(const StateLayout& layout, uint16_t aggregate) {
  const bool counts = layout.aggregates[aggregate].kind == AggregateKind::kCount;
  for (uint16_t i = 0; i < (counts ? layout.aggregate_count : aggregate); i++) {
    const bool is_earlier = i < aggregate || layout.aggregates[i].kind != AggregateKind::kCount;
    const bool is_nested = (layout.nested >> i & 1) != 0 || (layout.nested >> aggregate & 1) != 0;
    if (is_earlier && !is_nested && shares_state(layout.aggregates[i], layout.aggregates[aggregate]))
      return i;
  }
  return aggregate;
}

// Gives an aggregate its words, unless it uses another's.
void lay_out_state(StateLayout& layout, bool is_session, uint16_t i) {
  const AggregateSpec& spec = layout.aggregates[i];
  const bool nested = (layout.nested >> i & 1) != 0;
  if (is_extreme(spec.kind) && layout.present_word == 0) layout.present_word = layout.words++;
  if (state_words(spec) == 0) return;
  layout.word_of[i] = layout.words;
  layout.words = static_cast<uint16_t>(layout.words + state_words(spec));
  if (nested && (is_extreme(spec.kind) || is_session)) layout.root_of[i] = layout.words++;
  layout.ops[i] = static_cast<uint8_t>(nested ? StateOp::kNothing : op_of(spec));
  if (layout.ops[i] != static_cast<uint8_t>(StateOp::kNothing)) {
    layout.steps[layout.step_count++] = static_cast<uint8_t>(i);
  }
}

}  // namespace

StateLayout make_layout(const TrendOptions& options) {
  StateLayout layout;
  layout.aggregate_count = options.aggregate_count;
  layout.rank_count = options.rank_count;
  std::copy(options.rank, options.rank + options.rank_count, layout.rank);
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    const AggregateSpec& spec = options.aggregates[i];
    layout.aggregates[i] = spec;
    if (spec.part != 0) layout.in_part = static_cast<uint16_t>(layout.in_part | 1u << i);
    const bool nested =
        spec.kind == AggregateKind::kDistinct || (is_extreme(spec.kind) && options.keeps_values);
    if (nested) layout.nested = static_cast<uint16_t>(layout.nested | 1u << i);
    if (spec.kind == AggregateKind::kApproxDistinct) layout.has_sketches = true;
    if (is_bytes(spec)) {
      layout.has_bytes = true;
      if (!nested) layout.owned_bytes = static_cast<uint16_t>(layout.owned_bytes | 1u << i);
    }
    if (spec.kind != AggregateKind::kRowCount && spec.kind != AggregateKind::kCount)
      layout.is_counting = false;
  }
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    layout.owner_of[i] = static_cast<uint8_t>(owner_of(layout, i));
    if (layout.owner_of[i] == i) lay_out_state(layout, options.window.kind == WindowKind::kSession, i);
  }
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    layout.word_of[i] = layout.word_of[layout.owner_of[i]];
  }
  layout.argument_words = lay_out_arguments(layout.aggregates, layout.aggregate_count, layout.argument_of);
  layout.is_flat = layout.nested == 0 && !layout.has_sketches && layout.owned_bytes == 0;
  const AggregateKind ranked = options.aggregates[options.rank[0].aggregate].kind;
  layout.ranks_by_word = ranked == AggregateKind::kRowCount || ranked == AggregateKind::kCount ||
                         ranked == AggregateKind::kDistinct;
  layout.score_decides = layout.ranks_by_word && layout.rank_count == 1;
  if (options.ranks_by_host) layout.score_decides = options.host_score_decides;
  return layout;
}

namespace detail {

void fold_any(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid,
              const int64_t* arguments) {
  for (uint16_t s = 0; s < layout.step_count; s++) {
    const uint8_t i = layout.steps[s];
    if ((valid >> i & 1) == 0) continue;
    int64_t* words = state + layout.word_of[i];
    const int64_t* argument = arguments + layout.argument_of[i];
    const AggregateSpec& spec = layout.aggregates[i];
    switch (static_cast<StateOp>(layout.ops[i])) {
      case StateOp::kNothing:
        break;
      case StateOp::kCount:
        words[0] += weight;
        break;
      case StateOp::kIntegerSum:
        fold_integer(words, weight, argument[0]);
        break;
      case StateOp::kFloatSum:
        fold_float(words, weight, load_double(argument[0]));
        break;
      case StateOp::kDecimalSum:
        fold_decimal(words, weight, argument);
        break;
      case StateOp::kIntegerMin:
        if (weight > 0) fold_least(words, argument[0], &state[layout.present_word], i, std::less<>());
        break;
      case StateOp::kIntegerMax:
        if (weight > 0) fold_least(words, argument[0], &state[layout.present_word], i, std::greater<>());
        break;
      case StateOp::kExtreme: {
        if (weight <= 0) break;
        int64_t& present = state[layout.present_word];
        if ((present >> i & 1) != 0 && compare_extremes(spec, argument, words) >= 0) break;
        present |= int64_t{1} << i;
        std::copy(argument, argument + argument_words(spec), words);
        break;
      }
      case StateOp::kDecayedSum:
        fold_decayed(words, weight, argument, spec.half_life);
        break;
      case StateOp::kSketch:
      case StateOp::kBytes:
        break;
    }
  }
  // Remains of rows that have all been retracted must not show in rows to come.
  if (state[0] == 0) clear_some(layout, state, UINT32_MAX);
}

void merge_any(const StateLayout& layout, int64_t* state, const int64_t* other, uint32_t which) {
  for (uint16_t s = 0; s < layout.step_count; s++) {
    const uint8_t i = layout.steps[s];
    if ((which >> i & 1) == 0) continue;
    int64_t* words = state + layout.word_of[i];
    const int64_t* from = other + layout.word_of[i];
    const AggregateSpec& spec = layout.aggregates[i];
    switch (static_cast<StateOp>(layout.ops[i])) {
      case StateOp::kNothing:
        break;
      case StateOp::kCount:
        words[0] += from[0];
        break;
      case StateOp::kIntegerSum:
        words[0] += from[0];
        store128(load128(words + 1) + load128(from + 1), words + 1);
        break;
      case StateOp::kFloatSum:
        change_float(words, from, false);
        break;
      case StateOp::kDecimalSum:
        change_decimal(words, from, false);
        break;
      case StateOp::kIntegerMin:
        if ((other[layout.present_word] >> i & 1) == 0) break;
        fold_least(words, from[0], &state[layout.present_word], i, std::less<>());
        break;
      case StateOp::kIntegerMax:
        if ((other[layout.present_word] >> i & 1) == 0) break;
        fold_least(words, from[0], &state[layout.present_word], i, std::greater<>());
        break;
      case StateOp::kExtreme: {
        if ((other[layout.present_word] >> i & 1) == 0) break;
        int64_t& present = state[layout.present_word];
        if ((present >> i & 1) != 0 && compare_extremes(spec, from, words) >= 0) break;
        present |= int64_t{1} << i;
        std::copy(from, from + state_words(spec), words);
        break;
      }
      case StateOp::kDecayedSum:
        merge_decayed(words, from);
        break;
      case StateOp::kSketch:
      case StateOp::kBytes:
        break;
    }
  }
}

uint32_t unmerge_any(const StateLayout& layout, int64_t* state, const int64_t* other, uint32_t which) {
  uint32_t broken = 0;
  for (uint16_t s = 0; s < layout.step_count; s++) {
    const uint8_t i = layout.steps[s];
    if ((which >> i & 1) == 0) continue;
    int64_t* words = state + layout.word_of[i];
    const int64_t* from = other + layout.word_of[i];
    const AggregateSpec& spec = layout.aggregates[i];
    bool is_broken = false;
    switch (static_cast<StateOp>(layout.ops[i])) {
      case StateOp::kNothing:
        break;
      case StateOp::kCount:
        words[0] -= from[0];
        break;
      case StateOp::kIntegerSum:
        words[0] -= from[0];
        store128(load128(words + 1) - load128(from + 1), words + 1);
        break;
      case StateOp::kFloatSum:
        is_broken = from[0] != 0 && unmerge_float(words, from);
        break;
      case StateOp::kDecimalSum:
        is_broken = from[0] != 0 && unmerge_decimal(words, from);
        break;
      case StateOp::kIntegerMin:
      case StateOp::kIntegerMax:
        is_broken = (other[layout.present_word] >> i & 1) != 0 && words[0] == from[0];
        break;
      case StateOp::kExtreme:
        is_broken = (other[layout.present_word] >> i & 1) != 0 &&
                    std::memcmp(words, from, state_words(spec) * 8u) == 0;
        break;
      case StateOp::kDecayedSum:
        is_broken = unmerge_decayed(words, from);
        break;
      case StateOp::kSketch:
        is_broken = from[0] != 0;
        break;
      case StateOp::kBytes:
        is_broken = unmerge_bytes(spec, words, from);
        break;
    }
    if (is_broken) broken |= 1u << i;
  }
  return broken;
}

}  // namespace detail

namespace {

bool is_plain(uint8_t op) {
  const auto which = static_cast<StateOp>(op);
  return which != StateOp::kNothing && which != StateOp::kSketch && which != StateOp::kBytes;
}

}  // namespace

uint32_t plain_aggregates(const StateLayout& layout) {
  uint32_t plain = 0;
  for (uint16_t i = 0; i < layout.aggregate_count; i++) plain |= is_plain(layout.ops[i]) ? 1u << i : 0;
  return plain;
}

void clear_some(const StateLayout& layout, int64_t* state, uint32_t which) {
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if ((which >> i & 1) == 0 || !is_plain(layout.ops[i])) continue;
    int64_t* words = state + layout.word_of[i];
    std::fill(words, words + state_words(layout.aggregates[i]), 0);
    if (is_extreme(layout.aggregates[i].kind)) state[layout.present_word] &= ~(int64_t{1} << i);
  }
}

size_t encode_words(const int64_t* words, uint32_t count, std::byte* bytes) {
  std::byte* out = bytes;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t value = (static_cast<uint64_t>(words[i]) << 1) ^ static_cast<uint64_t>(words[i] >> 63);
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::byte>(value | 0x80);
    *out++ = static_cast<std::byte>(value);
  }
  return static_cast<size_t>(out - bytes);
}

size_t decode_words(const std::byte* bytes, size_t size, uint32_t count, int64_t* words) {
  const std::byte* begin = bytes;
  const std::byte* end = bytes + size;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      if (bytes == end || shift > 63) return 0;
      const auto byte = std::to_integer<uint64_t>(*bytes++);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    words[i] = static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  return static_cast<size_t>(bytes - begin);
}

}  // namespace trending
