// SPDX-License-Identifier: PostgreSQL
#include "shmem/previous_ranks.h"

#include <algorithm>
#include <cstring>

namespace trending {

namespace {

uint32 hash_of(KeyView key) {
  return hash_bytes(reinterpret_cast<const unsigned char*>(key.data), static_cast<int>(key.size));
}

}  // namespace

PreviousRanks* previous_ranks_make(const RankedKey* keys, uint64 count) {
  uint32 fitting = 0;
  uint32 key_bytes = 0;
  while (fitting < count && fitting < kMaxPreviousRanks &&
         keys[fitting].key.size <= kMaxPreviousKeyBytes - key_bytes) {
    key_bytes += keys[fitting++].key.size;
  }
  Size bytes = sizeof(PreviousRanks) + fitting * sizeof(PreviousRanks::Entry) + key_bytes;
  auto* ranks = static_cast<PreviousRanks*>(palloc(bytes));
  ranks->bytes = static_cast<uint32>(bytes);
  ranks->count = fitting;
  PreviousRanks::Entry* entries = ranks->entries();
  auto* end = reinterpret_cast<char*>(entries + fitting);
  uint32 offset = 0;
  for (uint32 i = 0; i < fitting; i++) {
    const KeyView& key = keys[i].key;
    entries[i] = {hash_of(key), offset, key.size, static_cast<uint32>(keys[i].rank)};
    if (key.size > 0) memcpy(end + offset, key.data, key.size);
    offset += key.size;
  }
  std::sort(entries, entries + fitting,
            [](const PreviousRanks::Entry& a, const PreviousRanks::Entry& b) { return a.hash < b.hash; });
  return ranks;
}

int64 previous_rank_of(const PreviousRanks* ranks, KeyView key) {
  if (ranks == nullptr) return 0;
  const PreviousRanks::Entry* end = ranks->entries() + ranks->count;
  const PreviousRanks::Entry* entry =
      std::lower_bound(ranks->entries(), end, hash_of(key),
                       [](const PreviousRanks::Entry& e, uint32 hash) { return e.hash < hash; });
  for (uint32 hash = hash_of(key); entry != end && entry->hash == hash; entry++) {
    if (entry->key_size != key.size) continue;
    if (key.size == 0 || memcmp(ranks->keys() + entry->key_offset, key.data, key.size) == 0) {
      return entry->rank;
    }
  }
  return 0;
}

namespace {

void release_ranks(AreaBlocks* blocks, uint64_t handle) {
  BlockSource source = block_source(blocks);
  auto* ranks = static_cast<const PreviousRanks*>(source.resolve(source.context, handle));
  source.release(source.context, handle, ranks->bytes);
}

}  // namespace

void previous_ranks_publish(TrendShared* shared, AreaBlocks* blocks, const PreviousRanks* ranks) {
  BlockSource source = block_source(blocks);
  uint64_t handle = 0;
  void* address = nullptr;
  if (ranks != nullptr && source.allocate(source.context, ranks->bytes, &handle, &address)) {
    memcpy(address, ranks, ranks->bytes);
  } else {
    handle = 0;
  }
  hold_trend(shared);
  uint64_t old = shared->previous_ranks;
  shared->previous_ranks = handle;
  release_trend(shared);
  if (old != 0) release_ranks(blocks, old);
}

PreviousRanks* previous_ranks_copy(const TrendRead* read, MemoryContext context) {
  uint64_t handle = trend_shared(read)->previous_ranks;
  if (handle == 0) return nullptr;
  auto* shown = static_cast<const PreviousRanks*>(dsa_get_address(trend_area(read), handle));
  auto* copy =
      static_cast<PreviousRanks*>(MemoryContextAllocExtended(context, shown->bytes, MCXT_ALLOC_NO_OOM));
  if (copy != nullptr) memcpy(copy, shown, shown->bytes);
  return copy;
}

}  // namespace trending
