// Closed windows: their results are taken from the engine when they are due and written with the next
// checkpoint, in the same transaction as the state, so that a restart neither loses nor repeats one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/window.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// One closed window's best groups, in rank order, waiting to be written.
struct ClosedWindow {
  struct Row {
    int64_t score;
    uint32_t key_offset;
    uint32_t key_size;
    uint32_t result_offset;  // in words
    int64_t rank;            // once all rows are there
  };
  Window window;
  bool is_final;
  std::vector<Row> rows;
  std::vector<std::byte> keys;
  std::vector<int64_t> results;

  const int64_t* result(const Row& row) const { return results.data() + row.result_offset; }
  size_t bytes() const { return rows.size() * sizeof(Row) + keys.size() + results.size() * sizeof(int64_t); }
};

// Takes the results of all windows that closed or were corrected since the last call. Call it in a
// transaction (ties may need catalogs) whenever a final one is pending, before the next event is applied, and
// before a checkpoint.
void history_take(FollowedTrend* trend);

// Now and then, outside a transaction: takes the result of a window soon after it closed, for the ranks that
// readers see as previous ones; withdraws them when the window after it has closed without data.
void history_poll(FollowedTrend* trend, TimestampTz now);

// The trend's state begins anew.
void history_reset(FollowedTrend* trend);

// Whether windows wait to be taken or written.
bool history_is_due(const FollowedTrend* trend);

// Whether so much was taken that it should be written before more is.
bool history_is_large(const FollowedTrend* trend);

// Writes what was taken into the trend's history table; needs a transaction and SPI. An error that lies with
// the table (dropped column, a trigger of its owner) is kept to this trend: these windows are missing from
// history and its status says so. After one that passes by itself (a lock held by others) they are put by
// (waiting.h). False: that cannot be done because a filling redoes history; nothing may be stored of the
// trend then, so that a crash fills it anew.
bool history_write(FollowedTrend* trend);

// The transaction that wrote has committed: forgets what it wrote.
void history_written(FollowedTrend* trend);

// At the worker's start, and when a trend is filled: learns which windows in the table are not marked final,
// and the previous ranks. Needs a transaction and SPI.
void history_restore(FollowedTrend* trend);

// A trend is filled anew: windows in the table are written again or go if they end after `after` and are not
// final, or end after `final_after`.
void history_redo(FollowedTrend* trend, Time after, Time final_after);

// The end of the last window in the table, or of the last final one (that may still wait to be written);
// kNoTime: none, or it cannot be read. Needs a transaction and SPI.
Time history_last_end(FollowedTrend* trend, bool only_final = false);

}  // namespace trending
