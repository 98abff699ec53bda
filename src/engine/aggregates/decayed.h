// SPDX-License-Identifier: PostgreSQL
// Sums whose addends halve with every half-life (forward decay, Cormode et al., ICDE 2009): an addend is kept
// with the weight it has relative to a landmark, which does not depend on when the sum is asked for.
// Landmarks are whole numbers of half-lives since 2000-01-01, so that moving one divides by a power of two,
// exactly.
#pragma once

#include <algorithm>
#include <cmath>

#include "engine/aggregates/number.h"
#include "engine/time/time.h"

namespace trending {

struct DecayedSum {
  LongDouble sum;  // as of the landmark
  int64_t landmark = 0;

  void add(Time at, double value, int64_t weight, int64_t half_life) {
    const int64_t own = floor_div(at, half_life);
    if (own > landmark) move_to(own);
    const double age = static_cast<double>(at - own * half_life) / static_cast<double>(half_life);
    sum.add_product(value * std::exp2(age) * power_of_half(landmark - own), weight);
  }
  void add(const DecayedSum& other) {
    if (other.landmark > landmark) move_to(other.landmark);
    const double factor = power_of_half(landmark - other.landmark);
    sum.add(other.sum.sum * factor, other.sum.rest * factor);
  }
  void move_to(int64_t later) {
    const double factor = power_of_half(later - landmark);
    sum.sum *= factor;
    sum.rest *= factor;
    landmark = later;
  }

  static double power_of_half(int64_t exponent) {
    return exponent == 0 ? 1.0 : std::ldexp(1.0, -static_cast<int>(std::min<int64_t>(exponent, 2000)));
  }
};

// What AggregateValue says of a kDecayed aggregate (real, integer), as of another time.
inline double decayed_value(double real, int64_t landmark, int64_t half_life, Time now) {
  const int64_t whole = floor_div(now, half_life);
  const double age = static_cast<double>(now - whole * half_life) / static_cast<double>(half_life);
  const int64_t passed = std::clamp<int64_t>(whole - landmark, -5000, 5000);
  return std::ldexp(real * std::exp2(-age), -static_cast<int>(passed));
}

}  // namespace trending
