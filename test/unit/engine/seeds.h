// SPDX-License-Identifier: PostgreSQL
// Seeds of random tests. Every one of them prints its first seed and, where it fails, the seed of the run;
// TRENDING_SEED=n repeats the run with that seed, TRENDING_RUNS=n makes more of them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace trending::test {

inline uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

// Calls run(seed) for consecutive seeds, `runs` of them unless the environment says otherwise, until one
// fails.
template <typename Run>
void for_each_seed(uint64_t runs, Run&& run) {
  const bool is_given = std::getenv("TRENDING_SEED") != nullptr;
  const uint64_t first = from_environment("TRENDING_SEED", std::random_device()());
  runs = from_environment("TRENDING_RUNS", is_given ? 1 : runs);
  std::cout << "TRENDING_SEED=" << first << ", runs: " << runs << std::endl;
  for (uint64_t seed = first; seed < first + runs; seed++) {
    SCOPED_TRACE("TRENDING_SEED=" + std::to_string(seed));
    run(seed);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace trending::test
