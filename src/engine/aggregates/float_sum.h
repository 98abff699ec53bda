// SPDX-License-Identifier: PostgreSQL
// The sum of any number of doubles, retracted rows included, that does not depend on their order: an
// expansion of three doubles whose exact sum it is (Shewchuk, "Adaptive Precision Floating-Point Arithmetic",
// 1997), and multiples of 2^1022, so that nothing overflows on the way.
//
// It is exact as long as it fits three doubles: 159 binary digits, which may lie in three places far apart.
// Beyond, digits are lost that are below one part in 2^158 of the sum, and it is no longer exact.
#pragma once

#include <cmath>
#include <cstdint>

namespace trending {

// a + b as their rounded sum and what rounding left, exactly.
inline double two_sum(double a, double b, double* rest) {
  const double sum = a + b;
  const double part = sum - a;
  *rest = (a - (sum - part)) + (b - part);
  return sum;
}

struct FloatSum {
  // The greatest magnitude of parts[0]: half of the unit of `steps`.
  static constexpr double kHalfStep = 0x1p1021;

  double parts[3] = {};
  int64_t steps = 0;  // multiples of 2^1022
  bool is_exact = true;

  // A finite value.
  void add(double value) {
    if (std::fabs(value) > kHalfStep) return add_large(value);
    double rest = 0;
    const double sum = two_sum(parts[0], value, &rest);
    if (std::fabs(sum) > kHalfStep) return add_large(value);
    parts[0] = sum;
    if (rest == 0) return;
    parts[1] = two_sum(parts[1], rest, &rest);
    if (rest == 0) return;
    parts[2] = two_sum(parts[2], rest, &rest);
    if (rest != 0) tidy(rest);
  }
  void add_product(double value, int64_t weight) {
    if (weight == 1) return add(value);
    if (weight == -1) return add(-value);
    multiply_and_add(value, weight);
  }
  void add(const FloatSum& other, bool negative) {
    for (const double part : other.parts) {
      if (part != 0) add(negative ? -part : part);
    }
    steps += negative ? -other.steps : other.steps;
    is_exact = is_exact && other.is_exact;
  }

  // The double nearest to the sum, or to its quotient by a number of rows; infinite if it is beyond all
  // doubles.
  double value() const {
    if (steps == 0 && parts[2] == 0) return parts[0] + parts[1];
    return scaled_value(1);
  }
  double average(int64_t count) const {
    if (steps == 0) return value() / static_cast<double>(count);
    return scaled_value(static_cast<double>(count));
  }

 private:
  void add_large(double value);
  void multiply_and_add(double value, int64_t weight);
  void tidy(double rest);
  double scaled_value(double divisor) const;
};

}  // namespace trending
