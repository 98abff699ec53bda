// SPDX-License-Identifier: PostgreSQL
// A permutation of 0..size-1 that needs no memory: an affine map with a factor coprime to the size.
#pragma once

#include <cstdint>
#include <numeric>

#include "random.h"

namespace trending::loadgen {

class Permutation {
 public:
  Permutation(uint64_t size, uint64_t seed) : size_(size), shift_(Random(seed, 0).below(size)) {
    Random random(seed, 1);
    do {
      factor_ = 1 + random.below(size);
    } while (std::gcd(factor_, size) != 1);
  }

  uint64_t operator()(uint64_t index) const {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(index) * factor_ + shift_) % size_);
  }

 private:
  uint64_t size_;
  uint64_t shift_;
  uint64_t factor_;
};

}  // namespace trending::loadgen
