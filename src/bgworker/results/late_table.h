// SPDX-License-Identifier: PostgreSQL
// Refused events of trends that keep them (late_events => 'keep'): gathered while decoding, written to
// <trend>_late with the next checkpoint, in the same transaction as the state, so each row is there exactly
// once.
#pragma once

#include <string>
#include <vector>

#include "bgworker/results/backlog.h"
#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

struct RefusedRow {
  Time time;  // kNoTime: it has none
  XLogRecPtr commit_lsn;
  const char* reason;  // a constant
  std::string row;     // JSON
};

// A trend's part: FollowedTrend::late.
struct RefusedRows {
  Backlog<RefusedRow> rows;
  size_t bytes = 0;         // of those to be written with the next checkpoint
  size_t looked_at = 0;     // `bytes` when it was last asked how much its owner's trends keep
  bool owner_full = false;  // they keep all they may until the next checkpoint
};

// A row as it is kept; null: it is too long, which is reported. Called while decoding.
char* late_table_row(FollowedTrend* trend, TupleDesc descriptor, HeapTuple row);
// Keeps it, unless there are too many, which is reported.
void late_table_add(FollowedTrend* trend, Time time, XLogRecPtr commit_lsn, const char* reason,
                    const char* row);
// Both.
void late_table_keep(FollowedTrend* trend, Time time, ReorderBufferTXN* txn, const char* reason,
                     TupleDesc descriptor, HeapTuple row);

// Whether rows are to be written.
bool late_table_is_due(const FollowedTrend* trend);

// Writes what was kept; needs a transaction and SPI. Errors as in history_write.
void late_table_write(FollowedTrend* trend);

// The transaction that wrote has committed.
void late_table_written(FollowedTrend* trend);

}  // namespace trending
