// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/float_sum.h"

#include <algorithm>

namespace trending {

namespace {

// Makes each of the parts what rounding left of the sum of those from it on: until then, so that no digit is
// in two of them. Every pass brings digits up; a few are enough.
void distil(double* parts, int count) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = count - 2; i >= 0; i--) {
      double rest = 0;
      const double sum = two_sum(parts[i], parts[i + 1], &rest);
      changed = changed || sum != parts[i];
      parts[i] = sum;
      parts[i + 1] = rest;
    }
  }
}

// The double nearest to the sum of distilled parts. The first two round to the first one; where they lie in
// the middle between two doubles, the third one decides.
double round_parts(const double* parts) {
  if (parts[2] == 0 || (parts[1] < 0) != (parts[2] < 0)) return parts[0];
  const double twice = parts[1] * 2;
  const double next = parts[0] + twice;
  return next - parts[0] == twice ? next : parts[0];
}

// Takes multiples of 2^1022 out of a value.
int64_t split(double* value) {
  if (std::fabs(*value) <= FloatSum::kHalfStep) return 0;
  const double steps = std::nearbyint(*value * 0x1p-1022);
  *value = (*value * 0.5 - steps * 0x1p1021) * 2;
  return static_cast<int64_t>(steps);
}

}  // namespace

void FloatSum::add_large(double value) {
  steps += split(&value) + split(&parts[0]);
  double rest = 0;
  parts[0] = two_sum(parts[0], value, &rest);
  steps += split(&parts[0]);
  if (rest != 0) add(rest);
}

// By binary digits of the weight where a product of doubles would not be exact.
void FloatSum::multiply_and_add(double value, int64_t weight) {
  const double magnitude = std::fabs(value);
  const auto factor = static_cast<double>(weight);
  if (magnitude > 0x1p-900 && magnitude < 0x1p900 && std::fabs(factor) < 0x1p53) {
    const double product = value * factor;
    add(product);
    const double rest = std::fma(value, factor, -product);
    if (rest != 0) add(rest);
    return;
  }
  double term = weight < 0 ? -value : value;
  int64_t term_steps = 0;
  for (uint64_t rest = weight < 0 ? -static_cast<uint64_t>(weight) : static_cast<uint64_t>(weight); rest != 0;
       rest >>= 1) {
    const int64_t more = split(&term);
    term_steps += more;
    if ((rest & 1) != 0) {
      add(term);
      steps += term_steps;
    }
    term *= 2;
    term_steps *= 2;
  }
}

// Makes room for what is left, or loses the digits that need a fourth double.
void FloatSum::tidy(double rest) {
  double all[4] = {parts[0], parts[1], parts[2], rest};
  distil(all, 4);
  steps += split(&all[0]);
  std::copy(all, all + 3, parts);
  is_exact = is_exact && all[3] == 0;
}

double FloatSum::scaled_value(double divisor) const {
  double all[3] = {parts[0], parts[1], parts[2]};
  distil(all, 3);
  if (steps == 0) return round_parts(all) / divisor;
  // What scaling takes from the last digits of small parts is far below those of the sum.
  constexpr double kScale = 0x1p-60;
  double scaled[4] = {static_cast<double>(steps) * (0x1p1022 * kScale), all[0] * kScale, all[1] * kScale,
                      all[2] * kScale};
  distil(scaled, 4);
  return round_parts(scaled) / divisor / kScale;
}

}  // namespace trending
