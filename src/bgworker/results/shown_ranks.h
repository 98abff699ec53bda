// SPDX-License-Identifier: PostgreSQL
// The ranks of the window that closed last, which readers see as previous ones (shmem/previous_ranks.h).
#pragma once

#include "engine/time/window.h"

namespace trending {

struct FollowedTrend;
struct OwnedTable;

// A trend's part: FollowedTrend::ranks.
struct ShownRanks {
  bool shown = false;
  Window of;  // whose ranks they are
};

// Shows the ranks of the last of the windows that were harvested, unless those of a later one are shown
// already.
void ranks_show_harvested(FollowedTrend* trend);

// After a restart: from the history table.
void ranks_show_stored(FollowedTrend* trend, OwnedTable* table);

void ranks_withdraw(FollowedTrend* trend);

// Withdraws them when the window after theirs has closed without data.
void ranks_poll(FollowedTrend* trend);

}  // namespace trending
