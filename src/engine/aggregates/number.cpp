// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/number.h"

namespace trending {

namespace {

constexpr int kWide = 5;  // words of an intermediate product

struct Magnitude {
  uint64_t words[kWide] = {};
};

Magnitude magnitude_of(const Int256& value) {
  const Int256 positive = value.is_negative() ? value.negated() : value;
  Magnitude result;
  for (int i = 0; i < 4; i++) result.words[i] = positive.words[i];
  return result;
}

Magnitude multiply(const Magnitude& value, uint64_t factor) {
  Magnitude result;
  Uint128 carry = 0;
  for (int i = 0; i < kWide; i++) {
    carry += static_cast<Uint128>(value.words[i]) * factor;
    result.words[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return result;
}

// Divides in place; whether there is a remainder.
bool divide(Magnitude* value, uint64_t divisor) {
  uint64_t remainder = 0;
  for (int i = kWide - 1; i >= 0; i--) {
    const Uint128 part = static_cast<Uint128>(remainder) << 64 | value->words[i];
    value->words[i] = static_cast<uint64_t>(part / divisor);
    remainder = static_cast<uint64_t>(part % divisor);
  }
  return remainder != 0;
}

}  // namespace

double nearest_quotient(const Int256& numerator, uint64_t denominator) {
  if (numerator.is_zero()) return 0;
  constexpr int64_t kExact = int64_t{1} << 53;
  const auto low = static_cast<int64_t>(numerator.words[0]);
  if (numerator == Int256::of(low) && low <= kExact && low >= -kExact && denominator <= kExact) {
    return static_cast<double>(low) / static_cast<double>(denominator);
  }
  // With another word below, the quotient has more than 64 significant bits: those, with the last one set
  // when anything follows, round as the exact quotient does.
  const Magnitude positive = magnitude_of(numerator);
  Magnitude quotient;
  for (int i = 0; i < 4; i++) quotient.words[i + 1] = positive.words[i];
  int top = kWide - 1;
  Magnitude shifted = quotient;
  int shift = 64;
  if (quotient.words[1] != 0 && quotient.words[2] == 0 && quotient.words[3] == 0 && quotient.words[4] == 0) {
    // A short numerator: two more words, so that a large denominator leaves enough of it.
    shifted = Magnitude{};
    shifted.words[3] = quotient.words[1];
    shift = 192;
  }
  bool inexact = divide(&shifted, denominator);
  while (top > 0 && shifted.words[top] == 0) top--;
  const int leading = std::countl_zero(shifted.words[top]);
  uint64_t bits = shifted.words[top] << leading;
  if (leading > 0 && top > 0) {
    bits |= shifted.words[top - 1] >> (64 - leading);
    inexact = inexact || shifted.words[top - 1] << leading != 0;
  } else if (top > 0) {
    inexact = inexact || shifted.words[top - 1] != 0;
  }
  for (int i = 0; i + 1 < top; i++) inexact = inexact || shifted.words[i] != 0;
  const double result = std::ldexp(static_cast<double>(bits | (inexact ? 1 : 0)), 64 * top - leading - shift);
  return numerator.is_negative() ? -result : result;
}

int compare_quotients(const Int256& a, uint64_t a_denominator, const Int256& b, uint64_t b_denominator) {
  if (a_denominator == b_denominator) return compare(a, b);
  if (a.is_negative() != b.is_negative()) return a.is_negative() ? -1 : 1;
  const Magnitude left = multiply(magnitude_of(a), b_denominator);
  const Magnitude right = multiply(magnitude_of(b), a_denominator);
  for (int i = kWide - 1; i >= 0; i--) {
    if (left.words[i] == right.words[i]) continue;
    return (left.words[i] < right.words[i]) != a.is_negative() ? -1 : 1;
  }
  return 0;
}

}  // namespace trending
