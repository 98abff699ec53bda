// SPDX-License-Identifier: PostgreSQL
#include "zipf.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

// Pearson's statistic of a sample against the exact probabilities; cells are merged until each expects
// enough.
struct Fit {
  double statistic = 0;
  double degrees = -1;
};

Fit fit(uint64_t count, double exponent, uint64_t draws) {
  const Zipf zipf(count, exponent);
  std::vector<double> observed(count + 1);
  for (uint64_t i = 0; i < draws; ++i) {
    Random random(7, i);
    const uint64_t rank = zipf(random);
    EXPECT_GE(rank, 1U);
    EXPECT_LE(rank, count);
    ++observed[rank];
  }
  double sum = 0;
  for (uint64_t rank = 1; rank <= count; ++rank) sum += std::pow(static_cast<double>(rank), -exponent);
  Fit result;
  double expected_cell = 0;
  double observed_cell = 0;
  for (uint64_t rank = 1; rank <= count; ++rank) {
    expected_cell += static_cast<double>(draws) * std::pow(static_cast<double>(rank), -exponent) / sum;
    observed_cell += observed[rank];
    if (expected_cell < 20 && rank < count) continue;
    if (expected_cell > 0) {
      result.statistic += (observed_cell - expected_cell) * (observed_cell - expected_cell) / expected_cell;
      result.degrees += 1;
    }
    expected_cell = observed_cell = 0;
  }
  return result;
}

class ZipfFit : public testing::TestWithParam<std::pair<uint64_t, double>> {};

// The seed is fixed, so this cannot fail by chance; five standard deviations would leave little to chance
// anyway.
TEST_P(ZipfFit, FollowsTheDistribution) {
  const auto [count, exponent] = GetParam();
  const Fit result = fit(count, exponent, 400000);
  EXPECT_LT(result.statistic, result.degrees + 5 * std::sqrt(2 * result.degrees) + 1)
      << "degrees of freedom: " << result.degrees;
}

INSTANTIATE_TEST_SUITE_P(CountsAndExponents, ZipfFit,
                         testing::Values(std::pair{2UL, 1.0}, std::pair{10UL, 0.0}, std::pair{1000UL, 0.5},
                                         std::pair{1000UL, 0.9}, std::pair{1000UL, 1.0},
                                         std::pair{1000UL, 1.0 + 1e-10}, std::pair{1000UL, 1.3},
                                         std::pair{50000UL, 2.0}, std::pair{100UL, 5.0}));

TEST(Zipf, OneRankIsAlwaysTheFirst) {
  for (const double exponent : {0.0, 1.0, 10.0}) {
    const Zipf zipf(1, exponent);
    for (uint64_t i = 0; i < 1000; ++i) {
      Random random(1, i);
      EXPECT_EQ(zipf(random), 1U);
    }
  }
}

TEST(Zipf, HugeCountsStayInBounds) {
  const uint64_t count = uint64_t{1} << 52;
  for (const double exponent : {0.0, 0.5, 1.0, 10.0}) {
    const Zipf zipf(count, exponent);
    for (uint64_t i = 0; i < 10000; ++i) {
      Random random(1, i);
      const uint64_t rank = zipf(random);
      ASSERT_GE(rank, 1U);
      ASSERT_LE(rank, count);
    }
  }
}

}  // namespace
}  // namespace trending::loadgen
