// SPDX-License-Identifier: PostgreSQL
// FloatSum against a fixed-point number that holds any sum of doubles exactly, ScaleCounts against a map.
#include <bit>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

#include "engine/aggregates/float_sum.h"
#include "engine/aggregates/number.h"
#include "engine/aggregates/scale_counts.h"
#include "seeds.h"

namespace trending {
namespace {

// Two's complement in units of 2^-1074; room for 2^80 times the greatest double.
class Fixed {
 public:
  void add(double value, int64_t weight) {
    int exponent = 0;
    const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(std::fabs(value), &exponent), 53));
    int shift = exponent - 53 + 1074;
    int64_t digits = mantissa;
    if (shift < 0) {
      digits >>= -shift;  // subnormal: these bits are zero
      shift = 0;
    }
    Int128 product = static_cast<Int128>(digits) * weight;
    if (value < 0) product = -product;
    add_shifted(product, shift);
  }

  // The nearest double, ties to even.
  double value() const {
    Fixed positive = *this;
    const bool negative = words_[kWords - 1] >> 63 != 0;
    if (negative) positive.negate();
    int top = kWords * 64 - 1;
    while (top >= 0 && !positive.bit(top)) top--;
    if (top < 0) return 0;
    const int low = std::max(top - 52, 0);
    uint64_t digits = 0;
    for (int i = top; i >= low; i--) digits = digits << 1 | (positive.bit(i) ? 1 : 0);
    bool below = false;
    for (int i = 0; i < low - 1; i++) below = below || positive.bit(i);
    if (low > 0 && positive.bit(low - 1) && (below || (digits & 1) != 0)) digits++;
    const double result = std::ldexp(static_cast<double>(digits), low - 1074);
    return negative ? -result : result;
  }

  // log2 of the magnitude, about.
  int magnitude() const {
    Fixed positive = *this;
    if (words_[kWords - 1] >> 63 != 0) positive.negate();
    int top = kWords * 64 - 1;
    while (top >= 0 && !positive.bit(top)) top--;
    return top - 1074;
  }
  void subtract(const FloatSum& sum) {
    for (const double part : sum.parts) add(part, -1);
    add(0x1p1022, -sum.steps);
  }

 private:
  static constexpr int kWords = 36;

  bool bit(int i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  void negate() {
    Uint128 carry = 1;
    for (uint64_t& word : words_) {
      carry += static_cast<uint64_t>(~word);
      word = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
  }
  void add_shifted(Int128 value, int shift) {
    const bool negative = value < 0;
    if (negative) value = -value;
    if (negative) negate();
    const auto low = static_cast<uint64_t>(value);
    const auto high = static_cast<uint64_t>(value >> 64);
    const int offset = shift % 64;
    const uint64_t parts[3] = {low << offset, offset == 0 ? high : high << offset | low >> (64 - offset),
                               offset == 0 ? 0 : high >> (64 - offset)};
    Uint128 carry = 0;
    for (int i = shift / 64, p = 0; i < kWords; i++, p++) {
      carry += static_cast<Uint128>(words_[i]) + (p < 3 ? parts[p] : 0);
      words_[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    if (negative) negate();
  }

  uint64_t words_[kWords] = {};
};

FloatSum negated(const FloatSum& sum) {
  FloatSum result;
  result.add(sum, true);
  return result;
}

class Random {
 public:
  explicit Random(uint64_t seed) : generator_(seed) {}
  int64_t below(int64_t bound) { return static_cast<int64_t>(generator_() % static_cast<uint64_t>(bound)); }
  // Doubles of a kind: amounts, near each other, anywhere between two exponents, great and tiny.
  double value(int kind) {
    const double sign = below(2) == 0 ? 1 : -1;
    switch (kind) {
      case 0:
        return sign * static_cast<double>(below(1000000)) / 100;
      case 1:
        return sign * std::ldexp(static_cast<double>(generator_() >> 11), static_cast<int>(below(40)) - 70);
      case 2:
        return sign * std::ldexp(static_cast<double>(generator_() >> 11), static_cast<int>(below(100)) - 100);
      case 3: {
        constexpr double kFew[] = {1e308, 1.7976931348623157e308, 1e292, 1, 0.1, 5e-324, 1e-300, 0x1p1023};
        return sign * kFew[below(below(2) == 0 ? 2 : 8)];
      }
      default:
        return sign *
               std::ldexp(static_cast<double>(generator_() >> 11), static_cast<int>(below(2045)) - 1074);
    }
  }

 private:
  std::mt19937_64 generator_;
};

TEST(FloatSum, IsTheExactSumOfWhatIsLeft) {
  test::for_each_seed(150, [](uint64_t seed) {
    Random random(seed);
    const int kind = static_cast<int>(seed % 5);
    std::vector<double> rows;
    FloatSum sum;
    Fixed exact;
    int greatest = -2000;
    for (int step = 0; step < 400; step++) {
      const bool retracts = !rows.empty() && random.below(step < 200 ? 3 : 2) == 0;
      const int64_t weight = random.below(4) == 0 ? 1 + random.below(1000) : 1;
      if (retracts) {
        const auto which = static_cast<size_t>(random.below(static_cast<int64_t>(rows.size())));
        sum.add_product(rows[which], -1);
        exact.add(rows[which], -1);
        rows[which] = rows.back();
        rows.pop_back();
      } else {
        const double value = random.value(kind);
        sum.add_product(value, weight);
        exact.add(value, weight);
        for (int64_t i = 0; i < std::min<int64_t>(weight, 3); i++) rows.push_back(value);
        if (weight > 3) {
          sum.add_product(value, 3 - weight);
          exact.add(value, 3 - weight);
        }
      }
      greatest = std::max(greatest, exact.magnitude());
      if (sum.is_exact) {
        ASSERT_EQ(std::bit_cast<uint64_t>(sum.value() + 0.0), std::bit_cast<uint64_t>(exact.value() + 0.0))
            << sum.value() << " instead of " << exact.value() << ", kind " << kind;
      } else {
        Fixed difference = exact;
        difference.subtract(sum);
        // Sums on the way were at most a thousand times what they are after each step.
        ASSERT_LE(difference.magnitude(), greatest + 11 - 150);
      }
      ASSERT_TRUE(sum.is_exact || kind >= 2) << "kind " << kind;
    }
    FloatSum rest = sum;
    rest.add(negated(sum), false);
    ASSERT_EQ(rest.value(), 0);
  });
}

TEST(FloatSum, DoesNotDependOnTheOrder) {
  Random random(1);
  for (int kind = 0; kind < 3; kind++) {
    std::vector<double> rows(300);
    for (double& row : rows) row = random.value(kind);
    FloatSum forward;
    FloatSum parts[7];
    for (const double row : rows) forward.add(row);
    for (const double row : rows) parts[random.below(7)].add(row);
    FloatSum merged;
    for (const FloatSum& part : parts) merged.add(part, false);
    EXPECT_EQ(forward.value(), merged.value());
    EXPECT_EQ(forward.average(300), merged.average(300));
  }
}

TEST(FloatSum, GoesBeyondAllDoublesAndBack) {
  FloatSum sum;
  for (int i = 0; i < 1000; i++) sum.add(1.7e308);
  sum.add(5e-324);
  EXPECT_EQ(sum.value(), HUGE_VAL);
  EXPECT_EQ(sum.average(1000), 1.7e308);
  sum.add_product(1.7e308, -999);
  EXPECT_EQ(sum.value(), 1.7e308);
  sum.add_product(-1.7e308, 1000);
  EXPECT_EQ(sum.value(), -HUGE_VAL);
  sum.add_product(1.7e308, 999);
  EXPECT_EQ(sum.value(), 5e-324);
  // The greatest double, and what rounds to infinity.
  FloatSum edge;
  edge.add(std::numeric_limits<double>::max());
  edge.add(0x1p969);
  EXPECT_EQ(edge.value(), std::numeric_limits<double>::max());
  edge.add(0x1p969);
  EXPECT_EQ(edge.value(), HUGE_VAL);
}

// ---- scales

int64_t form_of(const std::map<int64_t, int64_t>& counts) {
  const auto has = [&](int64_t form) { return counts.count(form) != 0; };
  if (has(kDecimalNaN) || (has(kDecimalInfinity) && has(kDecimalNegativeInfinity))) return kDecimalNaN;
  if (has(kDecimalInfinity)) return kDecimalInfinity;
  if (has(kDecimalNegativeInfinity)) return kDecimalNegativeInfinity;
  return counts.empty() ? 0 : counts.rbegin()->first;
}

void change(std::map<int64_t, int64_t>* counts, int64_t form, int64_t by) {
  if (((*counts)[form] += by) == 0) counts->erase(form);
}

TEST(ScaleCounts, KnowsTheGreatestScaleThatIsLeft) {
  int64_t unknown = 0;
  int64_t compared = 0;
  test::for_each_seed(150, [&](uint64_t seed) {
    Random random(seed);
    const int64_t scales = 1 + random.below(seed % 2 == 0 ? 6 : 39);
    const int64_t large = seed % 3 == 0 ? 1'000'000'000 : 8;
    int64_t words[2][ScaleCounts::kWords] = {};
    std::map<int64_t, int64_t> counts[2];
    int64_t inputs[2] = {};
    for (int step = 0; step < 300; step++) {
      const auto which = static_cast<size_t>(random.below(2));
      int64_t form = random.below(scales);
      if (random.below(20) == 0) form = (1 + random.below(3)) << 16;
      if (random.below(20) == 0) form = 900;
      int64_t by = 1 + random.below(large);
      if (random.below(2) == 0 && !counts[which].empty()) {
        auto entry = counts[which].begin();
        std::advance(entry, random.below(static_cast<int64_t>(counts[which].size())));
        form = entry->first;
        by = random.below(2) == 0 ? -entry->second : -std::min(entry->second, by);
      }
      change(&counts[which], form, by);
      inputs[which] += by;
      ScaleCounts(words[which]).add(form, by, inputs[which]);

      int64_t merged[ScaleCounts::kWords];
      std::memcpy(merged, words[0], sizeof(merged));
      ScaleCounts both(merged);
      both.merge(words[1], false, inputs[0] + inputs[1]);
      auto all = counts[0];
      for (const auto& [kind, count] : counts[1]) change(&all, kind, count);
      const auto compare = [&](ScaleCounts found, const int64_t* at, const auto& expected) {
        compared++;
        if (found.is_unknown()) {
          unknown++;
          ASSERT_GE(ScaleCounts::form_of(at), form_of(expected));
        } else {
          ASSERT_EQ(ScaleCounts::form_of(at), form_of(expected)) << "step " << step;
        }
      };
      compare(ScaleCounts(words[which]), words[which], counts[which]);
      compare(both, merged, all);
      both.merge(words[1], true, inputs[0]);
      if (!ScaleCounts::has_forgotten(words[1])) compare(both, merged, counts[0]);
      // With few kinds nothing is ever forgotten.
      if (scales <= 2) {
        ASSERT_FALSE(ScaleCounts::has_forgotten(words[which]));
      }
    }
  });
  EXPECT_LT(unknown, compared / 20);
}

}  // namespace
}  // namespace trending
