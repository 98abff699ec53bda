// SPDX-License-Identifier: PostgreSQL
// The sketches of states with kApproxDistinct: word 0 of such an aggregate is the offset of its sketch in the
// arena (0: none), word 1, in totals only, the estimate, so that readers need no sketch.
//
// A cell has a sketch and so has a total; each belongs to its state alone. It begins with 24 bytes, grows
// with its values to some 32 kB, and ends as 64 kB of registers.
#pragma once

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/batch.h"
#include "engine/aggregates/hyperloglog.h"
#include "engine/memory/arena.h"
#include "engine/memory/heap_buffer.h"

namespace trending {

class SketchStore {
 public:
  SketchStore() = default;
  SketchStore(Arena* arena, const StateLayout* layout) : arena_(arena), layout_(layout) {}

  // Makes room for an event's values in some aggregates (bits) of a state; false when memory is short. add()
  // then cannot fail.
  bool prepare(int64_t* state, const BatchRecord& record, uint32_t which) const;
  void add(int64_t* state, const BatchRecord& record, uint32_t which) const;

  // Some aggregates (bits) of a state: takes in all that another has; releases the memory. A merge that
  // lacks memory leaves the sketch without what did not fit and returns false.
  bool merge(int64_t* state, const int64_t* other, uint32_t which) const;
  void clear(int64_t* state, uint32_t which) const;

  // For results and checkpoints.
  const void* find(const int64_t* state, uint16_t aggregate) const {
    const auto offset = static_cast<Offset>(state[layout_->word_of[aggregate]]);
    return offset == 0 ? nullptr : arena_->at(offset);
  }
  bool encode(const int64_t* state, HeapBuffer* buffer, size_t* size) const;
  // Gives a state whose sketches are null those that were encoded. Either all or none, and then the status is
  // kCorrupt or kOutOfMemory.
  Status decode(const std::byte* bytes, size_t size, int64_t* state) const;

 private:
  template <typename Visit>
  void for_each(uint32_t which, Visit&& visit) const {
    for (uint16_t i = 0; i < layout_->aggregate_count; i++) {
      if (layout_->aggregates[i].kind == AggregateKind::kApproxDistinct && (which >> i & 1) != 0) visit(i);
    }
  }
  bool grow(int64_t* word) const;
  void release(int64_t* word) const;

  Arena* arena_ = nullptr;
  const StateLayout* layout_ = nullptr;
};

}  // namespace trending
