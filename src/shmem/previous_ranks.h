// SPDX-License-Identifier: PostgreSQL
// The ranks of the latest closed window of a trend, as trending_top10 shows them beside the current ones.
//
// The worker publishes a list whenever a window's result is taken for history; readers copy it under the
// trend's lock. It is bounded, so that publishing and copying cost some microseconds whatever the trend
// keeps.
#pragma once

#include <cstdint>

#include "engine/aggregates/key.h"
#include "shmem/blocks.h"
#include "shmem/trend_access.h"

namespace trending {

// Bounds of a list: groups, and bytes of their keys. What does not fit has no previous rank.
constexpr uint32 kMaxPreviousRanks = 1000;
constexpr uint32 kMaxPreviousKeyBytes = 64 * 1024;

// A key and its rank, to make a list of. Ascending by rank.
struct RankedKey {
  KeyView key;
  int64 rank;
};

// One block without pointers: header, entries by hash, bytes of the keys.
struct PreviousRanks {
  struct Entry {
    uint32 hash;
    uint32 key_offset;  // behind the entries
    uint32 key_size;
    uint32 rank;
  };
  uint32 bytes;  // of all
  uint32 count;

  Entry* entries() { return reinterpret_cast<Entry*>(this + 1); }
  const Entry* entries() const { return reinterpret_cast<const Entry*>(this + 1); }
  const std::byte* keys() const { return reinterpret_cast<const std::byte*>(entries() + count); }
};

// A list in CurrentMemoryContext of the first keys that fit.
PreviousRanks* previous_ranks_make(const RankedKey* keys, uint64 count);

// The rank of a key; 0: it is not in the list. `ranks` may be null.
int64 previous_rank_of(const PreviousRanks* ranks, KeyView key);

// Worker: shows a list to readers in place of the one before, null for none. Takes the trend's lock. Without
// memory for it there is none.
void previous_ranks_publish(TrendShared* shared, AreaBlocks* blocks, const PreviousRanks* ranks);

// Reader, between trend_read_begin and trend_read_end: a copy, null when there is none or no memory for it.
PreviousRanks* previous_ranks_copy(const TrendRead* read, MemoryContext context);

}  // namespace trending
