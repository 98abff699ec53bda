// SPDX-License-Identifier: PostgreSQL
// The partitions of a trend that ranks within them: found by key, each with a ranking of its own.
//
// A partition is there as long as a group of it exists, in whatever pane, and is numbered as groups are, in a
// table of the same kind. Its ranking belongs to an epoch as a group's total does: that of another epoch is
// empty, so that a new window need not visit every partition.
//
// A partition costs 144 bytes and 12 in the hash table, and its ranking 16 bytes a group, at least 64.
#pragma once

#include "engine/aggregates/key.h"
#include "engine/memory/arena.h"
#include "engine/ranking/ranking.h"
#include "engine/stores/group_table.h"

namespace trending {

// A partition: stands where a group has its total, in a table of its own.
struct PartitionState {
  RankingState ranking;
  uint64_t groups = 0;  // that exist, live or not
};

class Partitions {
 public:
  Partitions() = default;
  Partitions(Arena* arena, const TrendHeader* header, GroupTableState* state)
      : table_(arena, state, kWords), header_(header) {}

  // Called once, when the trend is made.
  Status create() { return table_.create(); }

  uint32_t find(KeyView key) const { return table_.find(key, hash_key(key, header_->options.hash_seed)); }

  // A group of this partition begins or ends to exist. `ranking` is any of the trend's.
  Status add_group(KeyView key, uint32_t* number);
  void remove_group(uint32_t number, Ranking ranking);

  // The live groups of a partition.
  uint64_t live(uint32_t number) const { return is_current(number) ? state(number)->ranking.live : 0; }

  // Makes `ranking` that of a partition, emptied when it is of a former epoch (writer).
  void select_for_change(uint32_t number, Ranking* ranking) {
    ranking->select(number, &state(number)->ranking);
    if (is_current(number)) return;
    ranking->clear();
    table_.group(number)->epoch = header_->epoch;
  }
  // The same for reading, of a partition that has live groups.
  void select(uint32_t number, Ranking* ranking) const { ranking->select(number, &state(number)->ranking); }

  // visit(number) for every partition with live groups.
  template <typename Visit>
  void for_each_live(Visit&& visit) const {
    table_.for_each([&](uint32_t number, Group*) {
      if (live(number) > 0) visit(number);
    });
  }

  void forget_epochs() {
    table_.for_each([](uint32_t, Group* partition) { partition->epoch = 0; });
  }

 private:
  static constexpr uint32_t kWords = sizeof(PartitionState) / 8;

  PartitionState* state(uint32_t number) const {
    return reinterpret_cast<PartitionState*>(table_.group(number)->total());
  }
  bool is_current(uint32_t number) const { return table_.group(number)->epoch == header_->epoch; }

  GroupTable table_;
  const TrendHeader* header_ = nullptr;
};

}  // namespace trending
