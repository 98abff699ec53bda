// SPDX-License-Identifier: PostgreSQL
// The groups of a trend with their totals over the current window, and which of them are ranked where: what
// the writers of panes (panes/) and of sessions (sessions/) have in common.
//
// With a condition, or ranks that are the host's, groups that a change touches are listed, and judged and
// ranked at its end, once each however often they were touched.
#pragma once

#include <cstdint>

#include "engine/aggregates/key.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/memory/heap_buffer.h"
#include "engine/ranking/partitions.h"
#include "engine/ranking/ranking.h"
#include "engine/stores/bytes_store.h"
#include "engine/stores/group_table.h"
#include "engine/stores/sketch_store.h"
#include "engine/stores/value_store.h"
#include "engine/time/window.h"

namespace trending {

// Their shared state.
struct RankedState : TrendHeader {
  GroupTableState groups;
  RankingState ranking;        // of all groups; with partitions only its `live` is used
  GroupTableState partitions;  // by partition key
  ValueStoreState values;
};

class RankedGroups {
 public:
  const Windows& windows() const { return windows_; }

  // Those of TrendWriter (trend/trend_writer.h).
  bool is_late(Time t) const {
    return windows_.in_range(t) && windows_.pane_of(t).start < header_->late_before;
  }
  void count_elsewhere(const Window& ends) { elsewhere_ = ends; }
  bool counts_elsewhere() const { return elsewhere_.end != kNoTime; }
  void report_crossings(bool wanted) { reports_crossings_ = wanted; }

 protected:
  void open(Arena* arena, RankedState* state, const Hooks& hooks, const Calendar& calendar);
  // Called once, when the trend is made.
  Status create();

  Status add_group(KeyView key, uint32_t hash, uint32_t* id);
  void remove_group(uint32_t id);

  // A group's first change in an epoch.
  void renew_total(Group* group);
  // Applies a change to a group's total and tells the ranking: at once, or where the host is asked when all
  // changes are in.
  template <typename Change>
  void change_total(uint32_t id, Group* group, Change&& change);
  // Tells the ranking that a group's total has changed.
  void rank(uint32_t id, Group* group, bool was_live, bool is_live);

  bool is_key(KeyView key) const { return hooks_.is_key == nullptr || hooks_.is_key(hooks_.context, key); }
  bool holds(KeyView key, const int64_t* result) const {
    return !header_->options.has_condition || hooks_.condition(hooks_.context, key, result);
  }
  void report_crossed(KeyView key, const int64_t* result, const Window& window) const {
    if (reports_crossings_ && hooks_.crossed != nullptr) hooks_.crossed(hooks_.context, key, result, window);
  }

  // Asks the host for the rank key of a group whose total has changed.
  void rank_by_host(Group* group, KeyView key, const int64_t* result, const Window& window);

  void settle_changed();
  // The window has moved on beneath the ranked groups.
  void note_window_moved();
  const int64_t* result_of(const int64_t* total) const;
  const int64_t* pack(const int64_t* words, FunctionRef<KeyView(uint16_t)> bytes_of) const;
  void clear_stored(int64_t* state, uint32_t which);

  Arena* arena_ = nullptr;
  Hooks hooks_;
  RankedState* header_ = nullptr;
  Windows windows_;
  GroupTable groups_;
  Ranking ranking_;
  Partitions partitions_;
  SketchStore sketches_;
  mutable BytesStore bytes_;
  Window elsewhere_;  // ends of windows whose rows are counted elsewhere
  // Groups that wait for the end of the change, linked by GroupExtra::next_changed.
  uint32_t first_changed_ = kNone;
  bool overlaps_before_ = false;  // rolling to a new epoch whose window overlaps the one before

 private:
  void rank_in_partition(uint32_t id, Group* group, bool was_live, bool is_live);
  void note_changed(uint32_t id, Group* group);
  void unrank_changed();
  void settle_group(uint32_t id);

  bool reports_crossings_ = true;
  mutable HeapBuffer packed_;  // a result with bytes
};

template <typename Change>
void RankedGroups::change_total(uint32_t id, Group* group, Change&& change) {
  int64_t* total = group->total();
  if (group->epoch != header_->epoch) renew_total(group);
  const bool was_live = total[0] > 0;
  change(total);
  if (asks_host(header_->options)) {
    note_changed(id, group);
  } else {
    rank(id, group, was_live, total[0] > 0);
  }
}

inline void RankedGroups::rank(uint32_t id, Group* group, bool was_live, bool is_live) {
  if (header_->options.partitioned) return rank_in_partition(id, group, was_live, is_live);
  if (was_live && is_live) {
    ranking_.change(id, group, ranking_.score(group));
  } else if (is_live) {
    ranking_.enter(id, group, ranking_.score(group));
  } else if (was_live) {
    ranking_.leave(id, group);
  }
}

}  // namespace trending
