// SPDX-License-Identifier: PostgreSQL
// Totals of groups as they will be without the cells of a pane that is about to leave the window: those of
// them that have to be rebuilt, for which many cells must be read.
//
// Lives on the writer's heap. It is filled before the lock is taken, from what only the writer changes;
// groups that change between then and the pane's leaving are touched, and their totals rebuilt when it
// leaves.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/memory/heap_buffer.h"
#include "engine/stores/segments.h"

namespace trending {

class PreparedTotals {
 public:
  bool is_active() const { return pane_ != kNone; }
  bool is_for(uint32_t pane) const { return pane_ == pane; }

  // Begins again for a pane; `words` of a total, the numbers of groups being below `group_bound`. False when
  // there is no memory; then nothing is prepared.
  bool begin(uint32_t pane, uint32_t words, uint32_t group_bound) {
    clear();
    const size_t bytes = (size_t{group_bound} + 7) / 8;
    if (!touched_.reserve(bytes)) return false;
    std::memset(touched_.data(), 0, bytes);
    group_bound_ = group_bound;
    stride_ = (words + 1) * 8;
    pane_ = pane;
    return true;
  }
  void clear() {
    if (!is_active()) return;
    pane_ = kNone;
    size_ = next_ = 0;
    totals_.clear();
    touched_.clear();
  }

  // Adds the total of the group of the pane's index-th cell, in ascending order. False when there is no
  // memory: that group's total is not prepared.
  bool add(uint64_t index, const int64_t* total) {
    if (!totals_.reserve(size_ + stride_)) return false;
    std::memcpy(totals_.data() + size_, &index, 8);
    std::memcpy(totals_.data() + size_ + 8, total, stride_ - 8);
    size_ += stride_;
    return true;
  }

  // A group has changed.
  void touch(uint32_t id) {
    if (id < group_bound_) touched_.data()[id / 8] |= std::byte{1} << (id % 8);
  }

  // The total prepared for the index-th cell, of this group, or null. To be asked for in ascending order.
  const int64_t* take(uint64_t index, uint32_t id) {
    while (next_ < size_ && index_at(next_) < index) next_ += stride_;
    if (next_ == size_ || index_at(next_) != index || is_touched(id)) return nullptr;
    return reinterpret_cast<const int64_t*>(totals_.data() + next_ + 8);
  }

 private:
  uint64_t index_at(size_t place) const {
    uint64_t index = 0;
    std::memcpy(&index, totals_.data() + place, 8);
    return index;
  }
  bool is_touched(uint32_t id) const {
    return id >= group_bound_ || (touched_.data()[id / 8] >> (id % 8) & std::byte{1}) != std::byte{0};
  }

  uint32_t pane_ = kNone;
  uint32_t group_bound_ = 0;
  size_t stride_ = 0;
  HeapBuffer totals_;
  size_t size_ = 0;
  size_t next_ = 0;  // what take() looks at
  HeapBuffer touched_;
};

}  // namespace trending
