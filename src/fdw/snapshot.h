// SPDX-License-Identifier: PostgreSQL
// A copy of (part of) a trend as it was at one commit boundary.
//
// snapshot_best, snapshot_all and snapshot_keys take the trend's lock shared, copy rows as bytes and release
// it; everything else, ties and decoding above all, works on the copy without any lock.
#pragma once

#include <cstdint>

#include "definition/definition.h"
#include "definition/group_row.h"
#include "engine/trend/trend_reader.h"
#include "postgres/server.h"
#include "shmem/previous_ranks.h"

namespace trending {

// A copied group: the words of its result (none when only its key matters), the bytes of its key and of its
// rank key follow.
struct CopiedGroup {
  int64_t rank;  // from 1; 0: not known
  uint32_t key_size;
  uint32_t words;
  uint32_t rank_size;
  Window window;

  int64_t* result() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* result() const { return reinterpret_cast<const int64_t*>(this + 1); }
  KeyBytes key() const { return {reinterpret_cast<const std::byte*>(result() + words), key_size}; }
  KeyBytes rank_key() const { return {key().data + key_size, rank_size}; }
};

// Its place in the order.
struct RankedGroup {
  int64_t score;
  uint64_t prefix;  // of the key: a smaller one ranks better among equal scores (see snapshot_order.cpp)
  CopiedGroup* group;
  uint32_t partition;  // the engine's number of its partition; 0 where all groups are ranked together
};

struct TrendSnapshot {
  MemoryContext context;          // of everything
  const PreviousRanks* previous;  // ranks in the latest closed window, if they were asked for and are there
  Window window;                  // of all groups; kNoTime with session windows, where each has its own
  Time clock;
  uint64_t version;
  uint64_t live_groups;
  StateLayout layout;
  GroupRow* expressions;  // made for the first row that has one
  GroupRow* ranking;      // likewise: of the first term of ORDER BY
  uint64_t count;         // rows; `groups` holds them unless only the number was asked for
  RankedGroup* groups;
  uint64_t groups_read;  // how many were copied, ties that did not make it included
};

// How many groups and partitions a trend has, for planning: false if that is not known. Never waits, never
// fails.
bool estimate_groups(const Definition& definition, double* groups, double* partitions);

// The best k groups, in order, ranked; with the ranks of the latest closed window if asked for.
TrendSnapshot* snapshot_best(const Definition& definition, uint64_t k, MemoryContext context,
                             bool with_previous = false);

// Where ranks are within partitions: the groups ranked first to last in these partitions (keys as
// key_encode(Definition::partition) gives them), or in every one when `partitions` is null. By partition, in
// the order of partition_compare, then by rank.
TrendSnapshot* snapshot_partitions(const Definition& definition, const KeyBytes* partitions, int count,
                                   uint64_t first, uint64_t last, MemoryContext context,
                                   bool with_previous = false);

enum class Detail {
  kCount,   // only how many there are
  kGroups,  // in no particular order
  kRanked,  // in order, ranked; with partitions by partition
};
TrendSnapshot* snapshot_all(const Definition& definition, Detail detail, MemoryContext context);

// The groups with these (different) keys, as far as they are in the current window; in the order of their
// keys in `keys`, ranked if asked for.
TrendSnapshot* snapshot_keys(const Definition& definition, const KeyBytes* keys, int count, bool ranked,
                             MemoryContext context);

// Row `index` as column values; columns that are not wanted become NULL. Values passed by reference are made
// in CurrentMemoryContext. `wanted` null: all columns.
void snapshot_row(const Definition& definition, TrendSnapshot* snapshot, uint64_t index, const bool* wanted,
                  Datum* values, bool* isnull);

// The value of the first term of ORDER BY, in CurrentMemoryContext, and its type.
Datum snapshot_rank_value(const Definition& definition, TrendSnapshot* snapshot, uint64_t index, Oid* type,
                          bool* isnull);

// -- snapshot_order.cpp
uint64_t key_prefix(const KeyCodec& codec, KeyBytes key);
// < 0 if left ranks better.
int compare_ranked(const Definition& definition, const StateLayout& layout, const RankedGroup& left,
                   const RankedGroup& right);
// Brings the best `keep` of `count` groups to the front, in order.
void order_groups(const Definition& definition, const StateLayout& layout, RankedGroup* groups,
                  uint64_t count, uint64_t keep);

}  // namespace trending
