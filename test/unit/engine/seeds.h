// SPDX-License-Identifier: PostgreSQL
// Seeds of random tests, always the same ones. SEED=n runs that seed only, as a failure prints it, RUNS=n
// more of them; SEED=random begins at a fresh one.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
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
  const char* given = std::getenv("SEED");
  const bool is_fresh = given != nullptr && std::strcmp(given, "random") == 0;
  const uint64_t first = is_fresh ? std::random_device()() : from_environment("SEED", 1);
  runs = from_environment("RUNS", given != nullptr && !is_fresh ? 1 : runs);
  std::cout << "SEED=" << first << ", runs: " << runs << std::endl;
  for (uint64_t seed = first; seed < first + runs; seed++) {
    SCOPED_TRACE("SEED=" + std::to_string(seed));
    run(seed);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace trending::test
