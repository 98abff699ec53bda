// SPDX-License-Identifier: PostgreSQL
// The shared state of a trend: plain structs in its arena, linked by offsets and small numbers. Each part is
// declared beside the code that works on it.
//
// Locking: everything here is written by the trend's writer alone, with the trend's lock held exclusively,
// and read by others with it held shared. The writer reads without a lock.
//
//   hash slot ──> group ──> newest cell ──> older cell ──> …     (cells of a group, panes descending)
//                  key        pane 9          pane 7
//                  total over the current window, place in the ranking
//   pane ──> chunk ──> chunk ──> …                               (cells of a pane, in the order of arrival)
//
// An event in time order touches the hash slot, the group and its newest cell: three cache lines.
#pragma once

#include <type_traits>

#include "engine/ranking/ranked_groups.h"
#include "engine/sessions/session_store.h"
#include "engine/stores/pane_store.h"

namespace trending {

// The root of the arena.
struct TrendState : RankedState {
  PaneStoreState panes;        // of groups
  SessionStoreState sessions;  // instead of panes, in a trend with session windows
};

static_assert(std::is_trivially_copyable_v<TrendState>);

}  // namespace trending
