// SPDX-License-Identifier: PostgreSQL
// Zipf-distributed ranks, exactly and in constant time, by rejection-inversion:
// W. Hörmann, G. Derflinger, "Rejection-inversion to generate variates from monotone discrete distributions",
// ACM Transactions on Modeling and Computer Simulation 6 (1996), 169-184.
#pragma once

#include <cstdint>

#include "random.h"

namespace trending::loadgen {

// Draws rank k of 1..count with probability proportional to k^-exponent. Exponent 0 is the uniform
// distribution.
class Zipf {
 public:
  Zipf(uint64_t count, double exponent);

  uint64_t operator()(Random& random) const;

 private:
  // The density's hull h(x) = x^-exponent, its antiderivative H with H(1) = 0, and the inverse of that.
  double hull(double x) const;
  double integral(double x) const;
  double inverse(double y) const;

  uint64_t count_;
  double exponent_;
  double integral_low_;   // H(1.5) - h(1): where the first rank's share begins
  double integral_high_;  // H(count + 0.5)
  double squeeze_;        // candidates this near below their rank are accepted without evaluating the hull
};

}  // namespace trending::loadgen
