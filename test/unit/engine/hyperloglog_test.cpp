// SPDX-License-Identifier: PostgreSQL
// Sketches: how good the estimate is, that order and merging do not matter, storage.

#include "engine/aggregates/hyperloglog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace trending::test {
namespace {

uint64_t hash(uint64_t value) {
  return hash_for_sketch(&value, sizeof(value));
}

std::vector<std::byte> stored(const HyperLogLog& sketch) {
  std::vector<std::byte> bytes(sketch::serialized_bytes(sketch.data()));
  sketch::serialize(sketch.data(), bytes.data());
  return bytes;
}

TEST(HyperLogLog, EstimatesWithinItsError) {
  double squares = 0;
  int measured = 0;
  for (uint64_t run = 0; run < 20; run++) {
    HyperLogLog sketch;
    uint64_t next = 10;
    for (uint64_t n = 1; n <= 1'000'000; n++) {
      ASSERT_TRUE(sketch.add(hash(run << 32 | n)));
      if (n != next) continue;
      const double error = static_cast<double>(sketch.estimate()) / static_cast<double>(n) - 1;
      if (n <= 6000) {
        EXPECT_NEAR(error, 0, 1e-3) << n;  // nearly exact while sparse
      } else {
        EXPECT_NEAR(error, 0, 0.0041 * 5) << n;
        squares += error * error;
        measured++;
      }
      next = n * 3 / 2;
    }
  }
  EXPECT_LT(std::sqrt(squares / measured), 0.0055);
  EXPECT_EQ(HyperLogLog().estimate(), 0u);
}

TEST(HyperLogLog, DependsOnTheSetAlone) {
  for (const uint64_t count : {3u, 100u, 5000u, 7000u, 200000u}) {
    HyperLogLog forwards;
    HyperLogLog backwards;
    HyperLogLog parts[7];
    HyperLogLog merged;
    for (uint64_t n = 0; n < count; n++) {
      ASSERT_TRUE(forwards.add(hash(n)));
      ASSERT_TRUE(backwards.add(hash(count - 1 - n)));
      ASSERT_TRUE(parts[n * n % 7].add(hash(n)));
      ASSERT_TRUE(parts[n % 3].add(hash(n / 2)));
    }
    for (const HyperLogLog& part : parts) {
      if (part.data() == nullptr) continue;
      ASSERT_TRUE(merged.merge(part.data()));
      ASSERT_TRUE(merged.merge(part.data()));
    }
    EXPECT_EQ(stored(forwards), stored(backwards)) << count;
    EXPECT_EQ(stored(forwards), stored(merged)) << count;
    EXPECT_EQ(forwards.estimate(), merged.estimate());
    ASSERT_TRUE(backwards.add(hash(1)));
    EXPECT_EQ(stored(forwards), stored(backwards)) << count;
  }
}

TEST(HyperLogLog, IsStored) {
  for (const uint64_t count : {1u, 3u, 4u, 6000u, 6144u, 6145u, 50000u}) {
    HyperLogLog sketch;
    for (uint64_t n = 0; n < count; n++) ASSERT_TRUE(sketch.add(hash(n)));
    std::vector<std::byte> bytes = stored(sketch);
    const size_t size = sketch::deserialized_bytes(bytes.data(), bytes.size());
    ASSERT_GT(size, 0u);
    std::vector<uint64_t> copy((size + 7) / 8);
    sketch::deserialize(bytes.data(), bytes.size(), copy.data());
    EXPECT_EQ(sketch::bytes(copy.data()), size);
    EXPECT_EQ(sketch::estimate(copy.data()), sketch.estimate());
    HyperLogLog again;
    ASSERT_TRUE(again.merge(copy.data()));
    EXPECT_EQ(stored(again), bytes);

    EXPECT_EQ(sketch::deserialized_bytes(bytes.data(), bytes.size() - 1), 0u);
    bytes[0] = std::byte{0xff};
    EXPECT_EQ(sketch::deserialized_bytes(bytes.data(), bytes.size()), 0u);
  }
  HyperLogLog sketch;
  ASSERT_TRUE(sketch.add(1));
  sketch.clear();
  EXPECT_EQ(sketch.estimate(), 0u);
}

}  // namespace
}  // namespace trending::test
