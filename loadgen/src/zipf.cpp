// SPDX-License-Identifier: PostgreSQL
#include "zipf.h"

#include <algorithm>
#include <cmath>

namespace trending::loadgen {

namespace {

// (e^x - 1) / x and log(1 + x) / x, continued to 1 at x = 0, so that exponents near and at 1 need no case of
// their own.
double expm1_over(double x) {
  return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2;
}
double log1p_over(double x) {
  return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2;
}

}  // namespace

Zipf::Zipf(uint64_t count, double exponent) : count_(count), exponent_(exponent) {
  integral_low_ = integral(1.5) - 1;
  integral_high_ = integral(static_cast<double>(count) + 0.5);
  squeeze_ = 2 - inverse(integral(2.5) - hull(2));
}

double Zipf::hull(double x) const {
  return std::exp(-exponent_ * std::log(x));
}

double Zipf::integral(double x) const {
  const double log_x = std::log(x);
  return log_x * expm1_over((1 - exponent_) * log_x);
}

double Zipf::inverse(double y) const {
  // Rounding may carry the argument below -1, where the logarithm has no value.
  const double t = std::max(y * (1 - exponent_), -1.0);
  return std::exp(y * log1p_over(t));
}

uint64_t Zipf::operator()(Random& random) const {
  for (;;) {
    const double u = integral_high_ + random.unit() * (integral_low_ - integral_high_);
    const double x = inverse(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(count_));
    if (rank - x <= squeeze_ || u >= integral(rank + 0.5) - hull(rank)) return static_cast<uint64_t>(rank);
  }
}

}  // namespace trending::loadgen
