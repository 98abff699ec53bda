// SPDX-License-Identifier: PostgreSQL
// Reading states: values, and their order.

#include <algorithm>
#include <cstring>

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/float_sum.h"
#include "engine/aggregates/number.h"
#include "engine/aggregates/scale_counts.h"
#include "engine/time/time.h"

namespace trending {

namespace {

// A decimal's place among the specials: −∞, finite, ∞, NaN.
int class_of(int64_t form) {
  switch (form & kDecimalSpecial) {
    case kDecimalNegativeInfinity:
      return -1;
    case kDecimalInfinity:
      return 1;
    case kDecimalNaN:
      return 2;
    default:
      return 0;
  }
}

int three_way(int64_t a, int64_t b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

double double_of_class(int number_class) {
  return number_class == 2 ? std::nan("") : number_class > 0 ? HUGE_VAL : -HUGE_VAL;
}

// The class of a sum of kDecimal.
int class_of_sum(const int64_t* words) {
  return class_of(ScaleCounts::form_of(words + kScaleWords));
}

double float_sum(const int64_t* words, bool average) {
  int32_t tail[4];
  std::memcpy(tail, words + kFloatSpecials, sizeof(tail));
  const auto [nans, infinities, minuses, steps] = tail;
  if (nans > 0 || (infinities > 0 && minuses > 0)) return std::nan("");
  if (infinities > 0 || minuses > 0) return infinities > 0 ? HUGE_VAL : -HUGE_VAL;
  FloatSum sum;
  for (int i = 0; i < 3; i++) sum.parts[i] = load_double(words[1 + i]);
  sum.steps = steps >> 1;
  return average ? sum.average(words[0]) : sum.value();
}

// ---- ranking

int64_t clamp_to_64(Int128 value) {
  if (value > INT64_MAX) return INT64_MAX;
  return value < INT64_MIN ? INT64_MIN : static_cast<int64_t>(value);
}

// A decayed sum as sign, exponent (in half-lives since 2000-01-01) and mantissa in [0.5, 1): the same for all
// ways to say the same value, and independent of when it is asked for.
struct Decayed {
  int sign;  // 2 for NaN and ∞, −2 for −∞: no mantissa
  int64_t exponent;
  double mantissa;
};

Decayed decayed_of(const int64_t* words) {
  const double value = load_double(words[1]) + load_double(words[2]);
  if (!std::isfinite(value)) return {std::isnan(value) || value > 0 ? 2 : -2, std::isnan(value), 0};
  if (value == 0) return {0, 0, 0};
  int exponent = 0;
  const double mantissa = std::frexp(std::fabs(value), &exponent);
  return {value > 0 ? 1 : -1, words[3] + exponent, mantissa};
}

// log2 of the value, linear between powers of two, as an integer: the exponent above the mantissa, shifted to
// fit 62 bits for this half-life.
int64_t score_of_decayed(const Decayed& value, int64_t half_life) {
  if (value.sign == 0) return 0;
  if (value.sign == 2) return INT64_MAX - 2 + value.exponent;
  if (value.sign == -2) return INT64_MIN + 1;
  constexpr int64_t kExponents = 1100;  // of a double, either way
  const int64_t least = floor_div(kMinTime, half_life) - kExponents;
  const auto range = static_cast<uint64_t>(kEndTime / half_life + kExponents) - static_cast<uint64_t>(least);
  const auto above = static_cast<uint64_t>(value.exponent) - static_cast<uint64_t>(least);
  const auto fraction = static_cast<uint64_t>((value.mantissa - 0.5) * 0x1p53);  // below 2^52
  const Uint128 exact = static_cast<Uint128>(above) << 52 | fraction;
  const int shift = std::max(0, static_cast<int>(std::bit_width(range)) + 52 - 62);
  const auto magnitude = static_cast<int64_t>(exact >> shift) + 1;
  return value.sign > 0 ? magnitude : -magnitude;
}

int compare_decayed(const Decayed& a, const Decayed& b) {
  if (a.sign != b.sign) return a.sign < b.sign ? -1 : 1;
  int order = three_way(a.exponent, b.exponent);
  if (order == 0) order = a.mantissa < b.mantissa ? -1 : a.mantissa > b.mantissa ? 1 : 0;
  return a.sign < 0 ? -order : order;
}

bool is_null(const StateLayout& layout, const int64_t* result, uint16_t aggregate) {
  const AggregateSpec& spec = layout.aggregates[aggregate];
  const AggregateKind kind = spec.kind;
  if (is_bytes(spec)) return result[layout.word_of[aggregate] + bytes_word(spec)] == 0;
  if (is_extreme(kind)) return (result[layout.present_word] >> layout.owner_of[aggregate] & 1) == 0;
  const bool has_inputs =
      kind == AggregateKind::kSum || kind == AggregateKind::kAvg || kind == AggregateKind::kDecayed;
  return has_inputs && result[layout.word_of[aggregate]] <= 0;
}

int64_t score_of_number(ValueType type, const int64_t* value) {
  if (type == ValueType::kInteger) return *value;
  if (type == ValueType::kFloat) return ordered_bits(load_double(*value));
  const int number_class = class_of(value[4]);
  return ordered_bits(number_class != 0 ? double_of_class(number_class)
                                        : nearest_quotient(Int256::load(value), 1));
}

// A sum, or an average: their quotient by the number of inputs.
int64_t score_of_sum(const AggregateSpec& spec, const int64_t* words) {
  const bool average = spec.kind == AggregateKind::kAvg;
  if (spec.type == ValueType::kFloat) return ordered_bits(float_sum(words, average));
  const uint64_t divisor = average ? static_cast<uint64_t>(words[0]) : 1;
  if (spec.type == ValueType::kInteger) {
    const Int128 sum = load128(words + 1);
    return average ? ordered_bits(nearest_quotient(Int256::of(sum), divisor)) : clamp_to_64(sum);
  }
  const int number_class = class_of_sum(words);
  return ordered_bits(number_class != 0 ? double_of_class(number_class)
                                        : nearest_quotient(Int256::load(words + 1), divisor));
}

int compare_sums(const AggregateSpec& spec, const int64_t* a, const int64_t* b) {
  const bool average = spec.kind == AggregateKind::kAvg;
  if (spec.type == ValueType::kFloat) {
    return three_way(ordered_bits(float_sum(a, average)), ordered_bits(float_sum(b, average)));
  }
  const uint64_t a_divisor = average ? static_cast<uint64_t>(a[0]) : 1;
  const uint64_t b_divisor = average ? static_cast<uint64_t>(b[0]) : 1;
  if (spec.type == ValueType::kInteger) {
    return compare_quotients(Int256::of(load128(a + 1)), a_divisor, Int256::of(load128(b + 1)), b_divisor);
  }
  const int order = class_of_sum(a) - class_of_sum(b);
  if (order != 0 || class_of_sum(a) != 0) return order;
  return compare_quotients(Int256::load(a + 1), a_divisor, Int256::load(b + 1), b_divisor);
}

// The value's words of an extreme.
const int64_t* extreme_value(const AggregateSpec& spec, const int64_t* words) {
  return spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast ? words + 1 : words;
}

int64_t natural_score(const AggregateSpec& spec, const int64_t* words) {
  switch (spec.kind) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
    case AggregateKind::kDistinct:
      return words[0];
    case AggregateKind::kApproxDistinct:
      return words[1];
    case AggregateKind::kDecayed:
      return score_of_decayed(decayed_of(words), spec.half_life);
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return score_of_sum(spec, words);
    default:
      return score_of_number(spec.type, extreme_value(spec, words));
  }
}

int natural_order(const AggregateSpec& spec, const int64_t* a, const int64_t* b) {
  switch (spec.kind) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
    case AggregateKind::kDistinct:
      return three_way(a[0], b[0]);
    case AggregateKind::kApproxDistinct:
      return three_way(a[1], b[1]);
    case AggregateKind::kDecayed:
      return compare_decayed(decayed_of(a), decayed_of(b));
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return compare_sums(spec, a, b);
    default:
      return compare_values(spec.type, extreme_value(spec, a), extreme_value(spec, b));
  }
}

int compare_term(const StateLayout& layout, const RankTerm& term, const int64_t* a, const int64_t* b) {
  const uint16_t ranked = term.aggregate;
  const bool a_null = is_null(layout, a, ranked);
  const bool b_null = is_null(layout, b, ranked);
  if (a_null || b_null) return a_null == b_null ? 0 : a_null == term.nulls_first ? -1 : 1;
  const int order =
      natural_order(layout.aggregates[ranked], a + layout.word_of[ranked], b + layout.word_of[ranked]);
  return term.descending ? -order : order;
}

}  // namespace

int64_t rank_score(const StateLayout& layout, const int64_t* result) {
  const RankTerm& term = layout.rank[0];
  if (is_null(layout, result, term.aggregate)) return term.nulls_first ? INT64_MAX : INT64_MIN;
  const int64_t score =
      natural_score(layout.aggregates[term.aggregate], result + layout.word_of[term.aggregate]);
  return term.descending ? score : ~score;
}

int compare_rank(const StateLayout& layout, const int64_t* a, const int64_t* b) {
  int order = 0;
  for (uint16_t i = 0; i < layout.rank_count && order == 0; i++) {
    order = compare_term(layout, layout.rank[i], a, b);
  }
  return order;
}

int compare_values(ValueType type, const int64_t* a, const int64_t* b) {
  if (type == ValueType::kInteger) return three_way(*a, *b);
  if (type == ValueType::kFloat)
    return three_way(ordered_bits(load_double(*a)), ordered_bits(load_double(*b)));
  const int order = class_of(a[4]) - class_of(b[4]);
  if (order != 0) return order;
  return compare(Int256::load(a), Int256::load(b));
}

int compare_totally(ValueType type, const int64_t* a, const int64_t* b) {
  const int order = compare_values(type, a, b);
  if (order != 0 || type == ValueType::kInteger) return order;
  const int last = value_words(type) - 1;
  return three_way(a[last], b[last]);  // the bits of a double, the scale of a decimal
}

int compare_extremes(const AggregateSpec& spec, const int64_t* a, const int64_t* b) {
  int order = 0;
  if (spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast) {
    order = three_way(*a++, *b++);
  }
  if (order == 0) order = compare_totally(spec.type, a, b);
  return spec.kind == AggregateKind::kMin || spec.kind == AggregateKind::kFirst ? order : -order;
}

int compare_extremes(const Hooks& hooks, const StateLayout& layout, uint16_t aggregate, const TimedBytes& a,
                     const TimedBytes& b) {
  const AggregateSpec& spec = layout.aggregates[aggregate];
  int order = is_timed(spec) ? three_way(a.at, b.at) : 0;
  if (order == 0 && a.bytes == b.bytes) return 0;
  if (order == 0) order = hooks.compare_values(hooks.context, aggregate, a.bytes, b.bytes);
  if (order == 0) order = compare_key_bytes(nullptr, a.bytes, b.bytes);
  return spec.kind == AggregateKind::kMin || spec.kind == AggregateKind::kFirst ? order : -order;
}

// ---- results

size_t result_bytes(const StateLayout& layout, const int64_t* result) {
  size_t bytes = layout.bytes();
  for (uint16_t i = 0; i < layout.aggregate_count && layout.has_bytes; i++) {
    const AggregateSpec& spec = layout.aggregates[i];
    if (!is_bytes(spec)) continue;
    bytes += BatchRecord::padded(static_cast<uint32_t>(result[layout.word_of[i] + bytes_word(spec)]));
  }
  return bytes;
}

AggregateValue value_of(const StateLayout& layout, const int64_t* result, uint16_t aggregate) {
  const AggregateSpec& spec = layout.aggregates[aggregate];
  if (is_bytes(spec)) {
    AggregateValue value;
    const auto place = static_cast<uint64_t>(result[layout.word_of[aggregate] + bytes_word(spec)]);
    value.is_null = place == 0;
    const auto* begin = reinterpret_cast<const std::byte*>(result) + (place >> 32);
    if (place != 0) value.bytes = {begin, static_cast<uint32_t>(place)};
    return value;
  }
  const int64_t* words = result + layout.word_of[aggregate];
  AggregateValue value;
  value.count = static_cast<uint64_t>(words[0]);
  switch (spec.kind) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
    case AggregateKind::kDistinct:
      value.integer = words[0];
      return value;
    case AggregateKind::kApproxDistinct:
      value.integer = words[1];
      return value;
    case AggregateKind::kDecayed:
      value.is_null = words[0] <= 0;
      value.real = load_double(words[1]) + load_double(words[2]);
      value.integer = words[3];
      return value;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      value.is_null = words[0] <= 0;
      break;
    default:
      value.count = 0;
      value.is_null = (result[layout.present_word] >> layout.owner_of[aggregate] & 1) == 0;
      if (value.is_null) return value;
      if (spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast) words++;
      if (spec.type == ValueType::kDecimal) {
        std::copy(words, words + 4, value.decimal.words);
        value.decimal.form = words[4];
      } else {
        value.integer = words[0];
        if (spec.type == ValueType::kFloat) value.real = load_double(words[0]);
      }
      return value;
  }
  if (spec.type == ValueType::kFloat) {
    value.real = float_sum(words, spec.kind == AggregateKind::kAvg);
  } else if (spec.type == ValueType::kInteger) {
    Int256::of(load128(words + 1)).store(value.decimal.words);
    value.decimal.form = kDecimalUnitOne;
  } else {
    value.decimal.form = ScaleCounts::form_of(words + kScaleWords);
    if (class_of(value.decimal.form) == 0) std::copy(words + 1, words + 5, value.decimal.words);
  }
  return value;
}

}  // namespace trending
