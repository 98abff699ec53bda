// SPDX-License-Identifier: PostgreSQL
// Memory that is short, for tests of failing allocations.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/blocks.h"
#include "engine/memory/arena.h"

namespace trending::test {

// Leaves an arena almost without free memory, whatever it has, so that the next allocations fail, or the ones
// after them.
class Squeeze {
 public:
  Squeeze(Arena* arena, SharedBlocks* blocks, uint64_t random) : arena_(arena), blocks_(blocks) {
    blocks_->fail_after(1);
    for (size_t bytes = 8192; bytes >= 16; bytes = bytes > 128 ? bytes - bytes / 8 / 16 * 16 : bytes - 16) {
      while (const Offset offset = arena_->allocate(bytes)) held_.push_back({offset, bytes});
    }
    // A few of them are free again.
    for (; random % 4 != 0 && !held_.empty(); random /= 4) {
      std::swap(held_[(random >> 8) % held_.size()], held_.back());
      arena_->release(held_.back().first, held_.back().second);
      held_.pop_back();
    }
    blocks_->fail_after(1 + (random >> 32) % 3);
  }
  ~Squeeze() {
    blocks_->fail_after(0);
    for (const auto& [offset, bytes] : held_) arena_->release(offset, bytes);
  }
  Squeeze(const Squeeze&) = delete;
  Squeeze& operator=(const Squeeze&) = delete;

 private:
  Arena* arena_;
  SharedBlocks* blocks_;
  std::vector<std::pair<Offset, size_t>> held_;
};

}  // namespace trending::test
