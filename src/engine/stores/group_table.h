// SPDX-License-Identifier: PostgreSQL
// The groups of a trend, found by key.
//
// An extendible hash table (Fagin et al., TODS 1979): the top bits of the hash choose a table of at most 4094
// slots through a directory, and a table that fills up is split in two. So growing costs one split of some
// tens of microseconds at a time, never a rehash of everything. Inside a table: linear probing over (hash,
// number) pairs, with backward-shift deletion, so there are no tombstones and a look-up reads the slots alone
// until the hash agrees.
#pragma once

#include "engine/aggregates/key.h"
#include "engine/memory/arena.h"
#include "engine/memory/status.h"
#include "engine/stores/segments.h"

namespace trending {

// A key and its total. `words` words of state follow.
struct Group {
  static constexpr uint32_t kInlineKey = 24;

  uint32_t key_size;
  uint32_t hash;
  uint32_t newest_cell;  // of the newest pane that has this group; kNone in a group just made
  uint32_t newest_pane;  // that pane's slot
  uint32_t place;        // in the ranking; see ranking.h
  uint32_t epoch;        // the total is zero unless this equals TrendHeader::epoch
  union {
    std::byte inline_key[kInlineKey];  // key_size <= kInlineKey
    Offset long_key;                   // otherwise
    uint32_t next_free;                // while the group is free
  };

  int64_t* total() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* total() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Group) == 48);

// Groups are numbered below this (31 bits, and not kNone without its dirty bit).
inline constexpr uint32_t kMaxGroups = (1u << 31) - 2;

struct GroupTableState {
  SegmentsState groups;
  uint32_t count = 0;        // groups in use
  uint32_t next_unused = 0;  // numbers never used yet start here
  uint32_t first_free = kNone;
  // Extendible hashing: 1 << depth buckets, several neighbours of which may share one table.
  Offset directory = 0;  // Offset[1 << depth]
  uint32_t depth = 0;
  uint32_t table_count = 0;
  uint32_t table_slots = 0;  // of every table
};

class GroupTable {
 public:
  GroupTable() = default;
  GroupTable(Arena* arena, GroupTableState* state, uint32_t state_words)
      : arena_(arena), state_(state), stride_(padded_to_lines(48u + state_words * 8u, 24)) {}

  // Allocates the first table. Called once, when the trend is made.
  Status create();

  uint32_t count() const { return state_->count; }
  // Whether there is memory for a number: of a group, or of one that has gone. kNone has none.
  bool exists(uint32_t id) const { return id < state_->next_unused; }

  Group* group(uint32_t id) const {
    const Offset segment = segment_offset(*arena_, state_->groups, id >> kShift);
    return reinterpret_cast<Group*>(arena_->at(segment) + static_cast<size_t>(id & kMask) * stride_);
  }
  KeyView key(const Group* group) const {
    if (group->key_size <= Group::kInlineKey) return {group->inline_key, group->key_size};
    return {arena_->at(group->long_key), group->key_size};
  }

  // The number of the group with this key, or kNone.
  uint32_t find(KeyView wanted, uint32_t hash) const;
  // Adds a group that is not there, with a total of zero. The state is unchanged unless the status is kOk.
  Status insert(KeyView key, uint32_t hash, uint32_t* id);
  void remove(uint32_t id);
  // Gives back what an empty table grew to in its time.
  void shrink();

  // For many look-ups at once: starts loading the slots that find() will read; then, when they are there, the
  // probable group, which is returned (or kNone).
  void prefetch(uint32_t hash) const { __builtin_prefetch(&table_of(hash)->slots[home(hash)]); }
  uint32_t prefetch_group(uint32_t hash) const {
    const Table* table = table_of(hash);
    uint32_t i = home(hash);
    while (table->slots[i].id != kNone && table->slots[i].hash != hash) {
      if (++i == state_->table_slots) i = 0;
    }
    const uint32_t id = table->slots[i].id;
    if (id != kNone) {
      const auto* first = reinterpret_cast<const std::byte*>(group(id));
      __builtin_prefetch(first);
      if (stride_ > 64) __builtin_prefetch(first + 64);
    }
    return id;
  }
  // Whether a group that was probable still is and has this key.
  bool is_group_of(const Group* group, KeyView wanted) const {
    return group->key_size == wanted.size && key(group) == wanted;
  }

  // visit(id, Group*) for every group in use, in the order of their numbers.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (uint32_t id = 0; id < state_->next_unused;) {
      const uint32_t segment_end = (id & ~kMask) + segment_capacity(id >> kShift, kShift);
      const uint32_t end = std::min(segment_end, state_->next_unused);
      std::byte* address = reinterpret_cast<std::byte*>(group(id));
      for (; id < end; id++, address += stride_) {
        Group* candidate = reinterpret_cast<Group*>(address);
        if (candidate->key_size != kFreeGroup) visit(id, candidate);
      }
      if (id == segment_end) id = ((id - 1) | kMask) + 1;
    }
  }

 private:
  struct Slot {
    uint32_t hash;
    uint32_t id;  // kNone when empty
  };
  struct Table {
    uint32_t depth;  // how many bits of the hash its entries share
    uint32_t used;
    uint64_t unused;
    Slot slots[1];  // GroupTableState::table_slots of them
  };

  static constexpr uint32_t kShift = 12;  // groups in a segment
  static constexpr uint32_t kMask = (1u << kShift) - 1;
  static constexpr uint32_t kFreeGroup = UINT32_MAX;  // as key_size
  // With its header of two slots' size a full table fills 32 kB.
  static constexpr uint32_t kMaxSlots = 4094;
  static constexpr uint32_t kMinSlots = 62;
  static constexpr uint32_t kMaxDepth = 16;

  static size_t table_bytes(uint32_t slots) { return (slots + 2) * sizeof(Slot); }
  bool is_full(const Table* table) const { return table->used * 16 >= state_->table_slots * 13; }

  // Where a hash belongs in its table. The number of slots is kept with the state and not in the tables:
  // their first cache lines, all equally aligned, would compete for the same few places in the cache.
  uint32_t home(uint32_t hash) const {
    return static_cast<uint32_t>((hash & 0xffff) * uint64_t{state_->table_slots} >> 16);
  }
  uint32_t directory_index(uint32_t hash) const {
    return static_cast<uint32_t>((static_cast<uint64_t>(hash) << state_->depth) >> 32);
  }
  Table* table_of(uint32_t hash) const {
    return arena_->at<Table>(arena_->at<Offset>(state_->directory)[directory_index(hash)]);
  }
  Offset make_table(uint32_t slots, uint32_t depth);
  void put(Table* table, uint32_t hash, uint32_t id);
  Status make_room(uint32_t hash);
  Status enlarge(uint32_t hash);
  Status split(uint32_t hash);
  Status take_number(uint32_t* id);

  Arena* arena_ = nullptr;
  GroupTableState* state_ = nullptr;
  uint32_t stride_ = 0;
};

}  // namespace trending
