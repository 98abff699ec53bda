// SPDX-License-Identifier: PostgreSQL
// The bytes of values in states: kCombined, and kMin, kMax, kFirst, kLast of kBytes where rows are never
// retracted (else the values lie in the table of values, see value_store.h).
//
// A cell has bytes of its own and so has a total. What an event makes of them is worked out before anything
// is changed, since it takes memory and the host, both of which may fail.
#pragma once

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/batch.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/memory/heap_buffer.h"
#include "engine/memory/status.h"

namespace trending {

struct ValueStoreState;

class BytesStore {
 public:
  BytesStore() = default;
  void open(Arena* arena, const StateLayout* layout, const Hooks& hooks) {
    arena_ = arena;
    layout_ = layout;
    hooks_ = hooks;
  }

  // The bytes that a state is to have, by aggregate; 0: those that it has.
  struct Prepared {
    Offset bytes[kMaxAggregates] = {};
  };

  // ---- events
  // Works out what an event makes of some aggregates (bits) of a state. kFailed: the host could not combine.
  // `prepared` may be of an event that was not counted in the end.
  Status prepare(const int64_t* state, const BatchRecord& record, uint32_t which, Prepared* prepared);
  void fold(int64_t* state, const BatchRecord& record, Prepared* prepared) const;
  void forget(Prepared* prepared) const;

  // ---- some aggregates (bits) of a state
  // Takes in what another has. False, and as it was, when that lacks memory or the host fails.
  bool merge(int64_t* state, const int64_t* other, uint32_t which);
  void clear(int64_t* state, uint32_t which) const;
  KeyView find(const int64_t* state, uint16_t aggregate) const {
    return bytes_at(*arena_, static_cast<Offset>(state[place_of(aggregate)]));
  }
  static KeyView bytes_at(const Arena& arena, Offset blob) {
    if (blob == 0) return {};
    const auto* found = arena.at<Blob>(blob);
    return {reinterpret_cast<const std::byte*>(found + 1), static_cast<uint32_t>(found->size)};
  }

  // ---- checkpoints
  // Appends the bytes of all aggregates to a buffer of which *size is used.
  bool encode(const int64_t* state, HeapBuffer* buffer, size_t* size) const;
  // Gives a state whose bytes are null those that were encoded; *used is what they took. Either all or none,
  // and then the status is kCorrupt or kOutOfMemory.
  Status decode(const std::byte* bytes, size_t size, int64_t* state, size_t* used) const;

  // ---- results of windows that are no totals
  // Works on words that say where bytes are in this process (local_bytes). False as in merge(). What is made
  // stays valid until another result is made.
  bool merge_into_result(int64_t* result, const int64_t* state, uint32_t which);

 private:
  struct Blob {
    uint64_t size;
  };

  template <typename Visit>
  void for_each(uint32_t which, Visit&& visit) const {
    for (uint16_t i = 0; i < layout_->aggregate_count; i++) {
      if ((layout_->owned_bytes >> i & which >> i & 1) != 0) visit(i);
    }
  }
  int place_of(uint16_t aggregate) const {
    return layout_->word_of[aggregate] + bytes_word(layout_->aggregates[aggregate]);
  }
  TimedBytes extreme(const int64_t* state, uint16_t aggregate) const {
    return {state[layout_->word_of[aggregate]], find(state, aggregate)};
  }
  bool is_better(uint16_t aggregate, const TimedBytes& a, const TimedBytes& b) const {
    return b.bytes.data == nullptr || compare_extremes(hooks_, *layout_, aggregate, a, b) < 0;
  }
  KeyView combine(uint16_t aggregate, KeyView a, KeyView b) const {
    return hooks_.combine(hooks_.context, aggregate, a, b);
  }
  KeyView combine_times(uint16_t aggregate, KeyView one, uint64_t times);
  Status prepare_one(const int64_t* state, uint16_t aggregate, const int64_t* argument, KeyView bytes,
                     uint64_t times, Offset* made);
  Offset store(KeyView bytes) const;
  void release(Offset blob) const;
  void replace(int64_t* state, uint16_t aggregate, Offset blob) const;

  Arena* arena_ = nullptr;
  const StateLayout* layout_ = nullptr;
  Hooks hooks_;
  HeapBuffer sum_;
  HeapBuffer power_;
  HeapBuffer results_[kMaxAggregates];
};

// The bytes of a group's total, whether it owns them or they lie in the table of values. For readers, too.
KeyView total_bytes(Arena* arena, const StateLayout& layout, ValueStoreState* values, const int64_t* total,
                    uint16_t aggregate);

// Makes a result of words whose bytes bytes_of(aggregate) gives: room for it, and the result itself.
size_t packed_bytes(const StateLayout& layout, FunctionRef<KeyView(uint16_t)> bytes_of);
void pack_result(const StateLayout& layout, const int64_t* words, FunctionRef<KeyView(uint16_t)> bytes_of,
                 int64_t* result);

}  // namespace trending
