// SPDX-License-Identifier: PostgreSQL
// Closed windows: their results are harvested from the engine when they are due and written with the next
// checkpoint, in the same transaction as the state, so that a restart neither loses nor repeats one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "bgworker/results/backlog.h"
#include "bgworker/results/closed_window.h"
#include "bgworker/results/redo.h"
#include "engine/time/window.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A trend's part: FollowedTrend::history.
struct TrendHistory {
  Backlog<ClosedWindow> windows;                   // results of closed windows
  std::map<std::pair<Time, Time>, size_t> places;  // where in windows.items one is, by end and start
  Redo redo;
  std::set<Time> unfinal_ends;  // ends of windows in the table that may still be corrected
  bool unfinal_known = true;    // false: the table could not be read yet
  Time oldest_end = kEndTime;   // of a window in the table: what retention deletes first
  TimestampTz last_expiry = 0;
  Time next_close = kNoTime;     // the end of the next window to close, as far as history_poll has looked
  TimestampTz last_harvest = 0;  // when history_poll harvested
};

// Harvests the results of all windows that closed or were corrected since the last call. Call it in a
// transaction (ties may need catalogs) whenever a final one is pending, before the next event is applied, and
// before a checkpoint.
void history_harvest(FollowedTrend* trend);

// Now and then, outside a transaction: harvests the result of a window soon after it closed, for the ranks
// that readers see as previous ones; withdraws them when the window after it has closed without data.
void history_poll(FollowedTrend* trend, TimestampTz now);

// The trend's state begins again.
void history_reset(FollowedTrend* trend);

// Whether windows are to be harvested or written.
bool history_is_due(const FollowedTrend* trend);

// Whether so much was harvested that it should be written before more is.
bool history_is_large(const FollowedTrend* trend);

// Writes what was harvested into the trend's history table; needs a transaction and SPI. An error that lies
// with the table (dropped column, a trigger of its owner) is kept to this trend: these windows are missing
// from history and its status says so. After one that passes by itself (a lock held by others) they are
// deferred (backlog.h), as is what a filling has left to undo.
void history_write(FollowedTrend* trend);

// The transaction that wrote has committed: forgets what it wrote.
void history_written(FollowedTrend* trend);

// At the worker's start, and when a trend is filled: learns which windows in the table are not marked final,
// and the previous ranks. Needs a transaction and SPI.
void history_restore(FollowedTrend* trend);

// Before a trend is refilled: defers what was harvested, in a transaction of its own, so that it need not be
// kept in memory and cannot be met twice. history_written() after its commit.
void history_defer(FollowedTrend* trend);

// A trend is refilled: windows in the table, and deferred ones, are written again or deleted if they end
// after `after` and are not final, or end after `final_after`. Needs a transaction, the one that fills. After
// history_restore.
void history_redo(FollowedTrend* trend, Time after, Time final_after);

// The end of the last window in the table or deferred, or of the last final one; kNoTime: none, or it cannot
// be read. Raises an error if the table is locked by others. Needs a transaction and SPI. After
// history_restore.
Time history_last_end(FollowedTrend* trend, bool only_final = false);

}  // namespace trending
