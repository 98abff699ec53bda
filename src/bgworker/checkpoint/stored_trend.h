// SPDX-License-Identifier: PostgreSQL
// What the checkpoint tables hold of one trend. Reading it back: checkpoint_restore (worker.h).
#pragma once

#include <cstddef>
#include <map>
#include <string>  // before the server's headers, whoever includes what next

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// What is stored of a pane, to decide between another delta and writing it whole.
struct StoredPane {
  int32 segments = 0;
  size_t whole_bytes = 0;
  size_t delta_bytes = 0;
  uint64 sum = 0;  // of its rows' checksums, spread
};

// What is stored of a table of its source.
struct StoredTable {
  bool listed;
  Time latest;
  XLogRecPtr surveyed;
  Oid filenode;

  friend bool operator==(const StoredTable&, const StoredTable&) = default;
};

// A trend's part: FollowedTrend::stored.
struct StoredTrend {
  bool exists = false;         // the checkpoint tables have a state of it
  bool included = false;       // the checkpoint that is being written holds it
  bool rows_included = false;  // or at least what is written to its owner's tables
  int64 row_checksum = 0;      // of its row in trend_state
  uint64 panes_sum = 0;        // of all stored panes
  std::map<Time, StoredPane> panes;
  std::map<Oid, StoredTable> tables;  // by OID
  std::map<Time, Time> ahead;         // times of rows refused as too far ahead, first to last
};

// The checksum of a row of pane_state.
int64 segment_checksum(int32 trend_id, Time pane_start, int32 segment, const void* cells, size_t size);

// Stores everything but the panes; needs SPI.
void write_trend_row(FollowedTrend* trend);

// Deletes what is stored of a trend; needs SPI.
void delete_stored_trend(FollowedTrend* trend);

// What the tables have of it is not to be relied upon: it is written whole next time.
void forget_stored_trend(FollowedTrend* trend);

}  // namespace trending
