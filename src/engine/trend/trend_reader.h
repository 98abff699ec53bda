// SPDX-License-Identifier: PostgreSQL
// Reading a trend, from any process.
//
// The caller holds the trend's lock shared from refresh() to the last use of anything returned: rows and keys
// point into the shared state. Nothing here allocates but top(), which says when.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/aggregates/key.h"
#include "engine/aggregates/options.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/ranking/partitions.h"
#include "engine/ranking/ranking.h"
#include "engine/sessions/session_store.h"
#include "engine/stores/group_table.h"
#include "engine/trend/trend_state.h"

namespace trending {

// A group of the current window, valid while the lock is held.
struct Row {
  uint32_t group = 0;  // the engine's number of it
  int64_t score = 0;   // more is better; equal scores are ordered by compare_rank() or `rank`, then the key
  KeyView key;
  const int64_t* total = nullptr;  // for copy_result()
  uint32_t partition = 0;          // its number, where ranks are within partitions
  KeyView rank;                    // the bytes of its rank key, where ranks are the host's
  Window window;                   // the current one; with session windows the group's own
};

using RowSink = FunctionRef<void(const Row&)>;

class TrendReader {
 public:
  // Prepares reading from an arena that holds a trend. hooks.compare_keys may be null here and in top() then
  // means "the caller orders ties", see there.
  Status open(Arena* arena, Hooks hooks = {});
  // Makes this process see the state as it is under the lock just taken.
  Status refresh();

  // ---- what the trend says of itself
  const TrendOptions& options() const { return header_->options; }
  const StateLayout& layout() const { return header_->layout; }
  Window window() const {
    return header_->window;
  }                                              // kNoTime before the first event and with session windows
  Time clock() const { return header_->clock; }  // kNoTime before the first event
  Time watermark() const { return header_->watermark; }     // kNoTime before the first event
  uint64_t version() const { return header_->version; }     // grows with every visible change
  uint64_t live_groups() const { return ranking_.live(); }  // in the current window
  // With rows in any pane that is kept (or still to be freed), and their number in all of these panes.
  uint64_t kept_groups() const { return groups_.count(); }
  uint64_t kept_panes() const { return header_->panes.order_end - header_->panes.live_begin; }
  uint64_t kept_cells() const { return header_->panes.cells; }
  const Counters& counters() const { return header_->counters; }
  uint64_t bytes_used() const { return arena_->bytes_used(); }

  // Copies a row's result, as many bytes as result_bytes(row) says, from which value_of() reads every
  // aggregate; the copy may be used after the lock was released.
  size_t result_bytes(const Row& row) const;
  void copy_result(const Row& row, int64_t* result) const;
  // One whose value is not bytes.
  AggregateValue value(const Row& row, uint16_t aggregate) const {
    return value_of(header_->layout, row.total, aggregate);
  }

  // ---- rows of the current window
  // The group with this key, if it is in the current window.
  bool find(KeyView key, Row* row) const;

  // Gives the best k groups to the sink, in no particular order, and returns how many it gave.
  // With compare_keys: exactly min(k, live_groups()) groups, the right ones.
  // Without: these, and all others that tie with the last of them by score and could be among the best k; the
  // caller orders by score, compare_rank() and key, and cuts at k.
  // When k is at most kRankedFloor this looks at some two thousand groups, however many there are. Large k
  // take up to 16 bytes a group of the process's heap; when there is no memory, *status says so and nothing
  // is given.
  uint64_t top(uint64_t k, RowSink sink, Status* status = nullptr) const;

  // ---- the same where ranks are within partitions: top() is for the others only
  bool is_partitioned() const { return header_->options.partitioned; }
  uint64_t partition_count() const { return header_->partitions.count; }  // with or without live groups
  // The partition with this key (as Hooks::partition_of gives it), or kNone if it has no live group.
  uint32_t find_partition(KeyView key) const;
  uint64_t live_in(uint32_t partition) const { return partitions_.live(partition); }
  // The best k groups of one partition; as top().
  uint64_t top_in(uint32_t partition, uint64_t k, RowSink sink, Status* status = nullptr) const;
  // The best k of every partition: top_in() for each, in no particular order. Looks at the partitions and at
  // some two thousand groups of each at most, if k is small.
  uint64_t top_of_each(uint64_t k, RowSink sink, Status* status = nullptr) const;

  // The rank of a live group (in its partition), from 1: how many have a better score, or an equal one and a
  // better key by compare_keys, plus one. Cheap for the best groups, a scan for the others.
  uint64_t rank_of(const Row& row) const;
  // The same without comparing keys: other groups with the same value that may be before or after it are
  // given to `ties` and not counted; the caller compares their keys, perhaps after releasing the lock.
  uint64_t rank_of(const Row& row, RowSink ties) const;

  // Every group of the current window, in no particular order.
  void for_each_live(RowSink sink) const;

 private:
  Row row_of(const Candidate& candidate) const;
  Ranking ranking_in(uint32_t partition) const {
    Ranking ranking = ranking_;
    partitions_.select(partition, &ranking);
    return ranking;
  }
  Ranking ranking_of(const Row& row) const { return is_partitioned() ? ranking_in(row.partition) : ranking_; }
  uint64_t give_top(const Ranking& ranking, uint64_t k, RowSink sink, Status* status) const;
  template <typename ForEach>
  uint64_t give_best(const ForEach& for_each, uint64_t count, uint64_t k, RowSink sink, Status* status) const;
  template <typename ForEach>
  uint64_t give_ties(const ForEach& for_each, int64_t score, uint64_t count, uint64_t k, RowSink sink,
                     Status* status) const;
  template <typename Visit>
  uint64_t visit_rivals(const Ranking& ranking, const Row& row, Visit&& visit) const;

  Arena* arena_ = nullptr;
  Hooks hooks_;
  TrendState* header_ = nullptr;
  GroupTable groups_;
  Ranking ranking_;
  Partitions partitions_;
  SessionStore sessions_;
};

}  // namespace trending
