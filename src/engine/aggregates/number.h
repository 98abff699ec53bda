// SPDX-License-Identifier: PostgreSQL
// Arithmetic that sums need beyond the machine's: 256-bit integers, doubles with twice the precision, doubles
// in the server's order.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "engine/aggregates/aggregate.h"

namespace trending {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

inline Int128 load128(const int64_t* words) {
  return static_cast<Int128>(static_cast<Uint128>(static_cast<uint64_t>(words[1])) << 64 |
                             static_cast<uint64_t>(words[0]));
}
inline double load_double(int64_t word) {
  return std::bit_cast<double>(word);
}

// Two's complement, the low word first; the sum of any number of arguments below 10^66 units that fits 64
// bits does not overflow.
struct Int256 {
  uint64_t words[4] = {};

  static Int256 of(Int128 value) {
    const auto sign = static_cast<uint64_t>(value < 0 ? -1 : 0);
    return {{static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64), sign, sign}};
  }
  static Int256 load(const int64_t* from) {
    Int256 value;
    for (int i = 0; i < 4; i++) value.words[i] = static_cast<uint64_t>(from[i]);
    return value;
  }
  void store(int64_t* to) const {
    for (int i = 0; i < 4; i++) to[i] = static_cast<int64_t>(words[i]);
  }

  bool is_negative() const { return words[3] >> 63 != 0; }
  bool is_zero() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }

  Int256& operator+=(const Int256& other) {
    Uint128 carry = 0;
    for (int i = 0; i < 4; i++) {
      carry += static_cast<Uint128>(words[i]) + other.words[i];
      words[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    return *this;
  }
  Int256& operator-=(const Int256& other) { return *this += other.negated(); }
  Int256 negated() const {
    Int256 result;
    Uint128 carry = 1;
    for (int i = 0; i < 4; i++) {
      carry += static_cast<uint64_t>(~words[i]);
      result.words[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    return result;
  }
  // Modulo 2^256.
  Int256 times(int64_t factor) const {
    const uint64_t magnitude = factor < 0 ? -static_cast<uint64_t>(factor) : static_cast<uint64_t>(factor);
    Int256 result;
    Uint128 carry = 0;
    for (int i = 0; i < 4; i++) {
      carry += static_cast<Uint128>(words[i]) * magnitude;
      result.words[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    return factor < 0 ? result.negated() : result;
  }

  friend bool operator==(const Int256&, const Int256&) = default;
  friend int compare(const Int256& a, const Int256& b) {
    if (a.is_negative() != b.is_negative()) return a.is_negative() ? -1 : 1;
    for (int i = 3; i >= 0; i--) {
      if (a.words[i] != b.words[i]) return a.words[i] < b.words[i] ? -1 : 1;
    }
    return 0;
  }
};

// The double nearest to numerator / denominator, rounded to even: never decreases as the quotient grows.
double nearest_quotient(const Int256& numerator, uint64_t denominator);
// How a.numerator / a.denominator compares with b's, exactly.
int compare_quotients(const Int256& a, uint64_t a_denominator, const Int256& b, uint64_t b_denominator);

// A double as an integer of the same order: −0 equals 0, NaN comes after infinity. Never the least or the
// greatest int64, which stand for null.
inline int64_t ordered_bits(double value) {
  if (value == 0) return 0;
  if (std::isnan(value)) return 0x7ff8'0000'0000'0000;
  const auto bits = std::bit_cast<int64_t>(value);
  return bits ^ ((bits >> 63) & INT64_MAX);
}

// sum + rest, the rest below half of the sum's last digit (Knuth's and Dekker's error-free additions). An
// overflow leaves an infinite sum and no rest.
struct LongDouble {
  double sum = 0;
  double rest = 0;

  void add(double value, double value_rest = 0) {
    const double total = sum + value;
    if (!std::isfinite(total)) {
      *this = {total, 0};
      return;
    }
    const double part = total - sum;
    const double error = (sum - (total - part)) + (value - part) + rest + value_rest;
    sum = total + error;
    rest = error - (sum - total);
  }
  // value · weight, exactly as long as the weight is below 2^53.
  void add_product(double value, int64_t weight) {
    if (weight == 1) return add(value);
    if (weight == -1) return add(-value);
    const auto factor = static_cast<double>(weight);
    const double product = value * factor;
    add(product, std::isfinite(product) ? std::fma(value, factor, -product) : 0);
  }
};

}  // namespace trending
