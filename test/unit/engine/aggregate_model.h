// SPDX-License-Identifier: PostgreSQL
// Aggregates as their definitions say: every value from all the rows of its group and window, one by one.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/aggregates/decayed.h"
#include "engine/aggregates/hyperloglog.h"
#include "engine/aggregates/number.h"
#include "engine/model.h"

namespace trending::test {

// A row's argument for one aggregate. Every kind reads what it needs.
struct Argument {
  bool is_null = false;
  Time at = 0;
  int64_t integer =
      0;             // kInteger; the numerator of kDecimal in units of 10^-38 times 10^30; kDistinct's value
  double real = 0;   // kFloat, kDecayed
  int64_t form = 0;  // kDecimal
};

struct ModelRow {
  Time time = 0;
  std::string key;
  std::vector<Argument> arguments;
};

constexpr Int128 power_of_ten(int n) {
  return n == 0 ? 1 : 10 * power_of_ten(n - 1);
}

inline Decimal decimal_of(const Argument& argument) {
  Decimal value;
  value.form = argument.form;
  if ((argument.form & kDecimalSpecial) == 0) {
    Int256 scaled = Int256::of(static_cast<Int128>(argument.integer) * power_of_ten(18));
    scaled.times(power_of_ten(12)).store(value.words);
  }
  return value;
}

// A value of type kBytes, or the state of one event: never empty, some of them alike in the order of values.
inline std::string value_bytes(const Argument& argument) {
  std::string bytes = std::to_string(argument.integer % 1000);
  if (argument.integer % 7 == 0)
    bytes.append(static_cast<size_t>(50 + std::abs(argument.integer % 11) * 13), '+');
  return bytes;
}
// The host's order of values: by length first, and without a look at the last byte.
inline int compare_host_values(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(0, a.size() - 1, b, 0, b.size() - 1);
}
// What the host combines: the least and the greatest of the events' values, and how many there are.
inline std::string combined_of(const std::vector<Argument>& arguments) {
  int64_t state[3] = {INT64_MAX, INT64_MIN, 0};
  for (const Argument& argument : arguments) {
    state[0] = std::min(state[0], argument.integer);
    state[1] = std::max(state[1], argument.integer);
    state[2]++;
  }
  std::string bytes(reinterpret_cast<const char*>(state), sizeof(state));
  // States differ in length.
  return bytes.append(static_cast<size_t>(state[2] % 5), 'x');
}
inline std::string combine_states(const std::string& a, const std::string& b) {
  int64_t left[3];
  int64_t right[3];
  std::memcpy(left, a.data(), sizeof(left));
  std::memcpy(right, b.data(), sizeof(right));
  left[0] = std::min(left[0], right[0]);
  left[1] = std::max(left[1], right[1]);
  left[2] += right[2];
  std::string bytes(reinterpret_cast<const char*>(left), sizeof(left));
  return bytes.append(static_cast<size_t>(left[2] % 5), 'x');
}

inline std::string bytes_of(const Argument& argument) {
  return std::string(static_cast<size_t>(static_cast<uint64_t>(argument.integer) % 40), 'v') +
         std::to_string(argument.integer);
}

// Appends an argument as the host gives it.
inline void put_argument(const AggregateSpec& spec, const Argument& argument, std::vector<int64_t>* words,
                         std::string* tail) {
  if (argument.is_null) {
    words->insert(words->end(), argument_words(spec), 0);
    return;
  }
  const auto put_value = [&] {
    if (spec.type == ValueType::kInteger) words->push_back(argument.integer);
    if (spec.type == ValueType::kBytes) {
      words->push_back(static_cast<int64_t>(value_bytes(argument).size()));
      tail->append(value_bytes(argument));
    }
    if (spec.type == ValueType::kFloat) words->push_back(std::bit_cast<int64_t>(argument.real));
    if (spec.type != ValueType::kDecimal) return;
    const Decimal value = decimal_of(argument);
    words->insert(words->end(), value.words, value.words + 4);
    words->push_back(value.form);
  };
  const std::string bytes = bytes_of(argument);
  switch (spec.kind) {
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
      words->push_back(argument.at);
      [[fallthrough]];
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
    case AggregateKind::kMin:
    case AggregateKind::kMax:
      put_value();
      break;
    case AggregateKind::kDistinct:
      words->push_back(static_cast<int64_t>(bytes.size()));
      tail->append(bytes);
      break;
    case AggregateKind::kCombined:
      words->push_back(static_cast<int64_t>(combined_of({argument}).size()));
      tail->append(combined_of({argument}));
      break;
    case AggregateKind::kApproxDistinct:
      words->push_back(static_cast<int64_t>(hash_for_sketch(bytes.data(), bytes.size())));
      break;
    case AggregateKind::kDecayed:
      words->push_back(argument.at);
      words->push_back(std::bit_cast<int64_t>(argument.real));
      break;
    default:
      break;
  }
}

// An aggregate's value: what comparing needs, the number as a fraction of small parts.
struct ModelValue {
  bool is_null = false;
  int number_class = 0;  // −1: −∞, 1: ∞, 2: NaN
  Int128 numerator = 0;  // integers and decimals (their `integer`)
  Int128 denominator = 1;
  long double real = 0;  // kFloat and kDecayed
  int64_t scale = 0;
  std::string bytes;  // kBytes and kCombined

  // The server's order.
  friend int order_of(const ModelValue& a, const ModelValue& b) {
    if (a.number_class != b.number_class) return a.number_class < b.number_class ? -1 : 1;
    if (a.number_class != 0) return 0;
    const Int128 left = a.numerator * b.denominator;
    const Int128 right = b.numerator * a.denominator;
    if (left != right) return left < right ? -1 : 1;
    if (!a.bytes.empty() && compare_host_values(a.bytes, b.bytes) != 0) {
      return compare_host_values(a.bytes, b.bytes);
    }
    if (a.bytes != b.bytes) return a.bytes < b.bytes ? -1 : 1;
    return a.real < b.real ? -1 : a.real > b.real ? 1 : 0;
  }
};

inline ModelValue number_of(ValueType type, const Argument& argument) {
  ModelValue value;
  if (type == ValueType::kInteger) value.numerator = argument.integer;
  if (type == ValueType::kBytes) value.bytes = value_bytes(argument);
  if (type == ValueType::kFloat) {
    value.number_class = std::isnan(argument.real)   ? 2
                         : std::isinf(argument.real) ? (argument.real > 0 ? 1 : -1)
                                                     : 0;
    if (value.number_class == 0) value.real = argument.real;
  }
  if (type == ValueType::kDecimal) {
    const int64_t special = argument.form & kDecimalSpecial;
    value.number_class = special == kDecimalNaN ? 2 : special == kDecimalInfinity ? 1 : special != 0 ? -1 : 0;
    if (special == 0) value.numerator = argument.integer;
    value.scale = argument.form & kDecimalScale;
  }
  return value;
}

inline ModelValue model_sum(const AggregateSpec& spec, const std::vector<Argument>& arguments) {
  ModelValue sum;
  sum.is_null = arguments.empty();
  bool specials[4] = {};
  for (const Argument& argument : arguments) {
    const ModelValue value = number_of(spec.type, argument);
    if (value.number_class != 0) specials[value.number_class + 1] = true;
    sum.numerator += value.numerator;
    sum.real += value.real;
    sum.scale = std::max(sum.scale, value.scale);
  }
  if (specials[3] || (specials[0] && specials[2])) {
    sum.number_class = 2;
  } else if (specials[0] || specials[2]) {
    sum.number_class = specials[0] ? -1 : 1;
  }
  if (spec.kind == AggregateKind::kAvg && !arguments.empty()) {
    if (spec.type == ValueType::kFloat) {
      sum.real = static_cast<double>(sum.real) / static_cast<double>(arguments.size());
    } else {
      sum.denominator = static_cast<Int128>(arguments.size());
    }
  }
  return sum;
}

inline ModelValue model_extreme(const AggregateSpec& spec, const std::vector<Argument>& arguments) {
  ModelValue best;
  best.is_null = true;
  Time best_at = 0;
  const bool timed = spec.kind == AggregateKind::kFirst || spec.kind == AggregateKind::kLast;
  const bool greatest = spec.kind == AggregateKind::kMax || spec.kind == AggregateKind::kLast;
  for (const Argument& argument : arguments) {
    const ModelValue value = number_of(spec.type, argument);
    int order = best.is_null ? 1 : 0;
    if (order == 0 && timed && argument.at != best_at) order = (argument.at > best_at) == greatest ? 1 : -1;
    if (order == 0) order = greatest ? order_of(value, best) : order_of(best, value);
    // Among equal numbers of different scales the order is that of the scales.
    if (order == 0) order = greatest ? value.scale > best.scale : value.scale < best.scale;
    if (order <= 0) continue;
    best = value;
    best_at = argument.at;
  }
  return best;
}

inline ModelValue model_value(const AggregateSpec& spec, size_t index, const std::vector<ModelRow>& rows) {
  std::vector<Argument> arguments;
  for (const ModelRow& row : rows) {
    if (!row.arguments[index].is_null) arguments.push_back(row.arguments[index]);
  }
  ModelValue value;
  switch (spec.kind) {
    case AggregateKind::kRowCount:
      value.numerator = static_cast<Int128>(rows.size());
      return value;
    case AggregateKind::kCount:
      value.numerator = static_cast<Int128>(arguments.size());
      return value;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return model_sum(spec, arguments);
    case AggregateKind::kDistinct: {
      std::set<std::string> values;
      for (const Argument& argument : arguments) values.insert(bytes_of(argument));
      value.numerator = static_cast<Int128>(values.size());
      return value;
    }
    case AggregateKind::kApproxDistinct: {
      HyperLogLog sketch;
      for (const Argument& argument : arguments) {
        const std::string bytes = bytes_of(argument);
        EXPECT_TRUE(sketch.add(hash_for_sketch(bytes.data(), bytes.size())));
      }
      value.numerator = static_cast<Int128>(sketch.estimate());
      return value;
    }
    case AggregateKind::kCombined:
      value.is_null = arguments.empty();
      if (!arguments.empty()) value.bytes = combined_of(arguments);
      return value;
    case AggregateKind::kDecayed: {
      value.is_null = arguments.empty();
      for (const Argument& argument : arguments) {  // as of 2000-01-01; times are small in these tests
        value.real += argument.real * std::exp2(static_cast<long double>(argument.at) / spec.half_life);
      }
      return value;
    }
    default:
      return model_extreme(spec, arguments);
  }
}

}  // namespace trending::test
