// SPDX-License-Identifier: PostgreSQL
// Rows that are decoded while a trend is filled.
//
// Filling counts what is in the source when it reads it, of all windows that were not final. A row of a
// transaction that it saw has been counted by it, then; or it belongs only to windows that were final, and is
// late. The same holds for what comes between two fillings. So each row either counts or is late, is counted
// as late once, and kept once where late rows are kept.
//
// While a trend waits to be filled it is not known which of its rows the filling will see. Those that belong
// only to windows which were final are late in any case; others that may turn out to be are gathered, and
// judged when the trend has been filled.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "bgworker/results/late_table.h"
#include "decoder/row_reader.h"
#include "bgworker/trend/snapshot_filter.h"
#include "engine/aggregates/batch.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A row that may turn out to be late, or may have been too far ahead only when it came.
struct LateCandidate {
  size_t transaction;  // before how many others in FollowedTrend::recorded it came
  bool is_ahead;
  std::vector<std::string> keys;  // of the groups that it is in
  RefusedRow event;
};

// A trend's part: FollowedTrend::passed.
struct PassedOver {
  std::deque<LateCandidate> candidates;  // rows that came with the recorded transactions
  Time recorded_latest = kNoTime;        // event of those
  uint64 recorded_late = 0;              // rows of them that are late in any case
  Time counted_since = kNoTime;          // windows that end up to here were left out by the last filling
  TimestampTz read_at = 0;               // when that read the source
  SnapshotFilter back_filter;            // of the last portion of backfill
  Time back_from = kNoTime;              // history_since before that
  std::vector<TransactionId> seen;       // decoded during backfill, and perhaps not visible yet
};

// Whether the trend's state takes the transactions of this number.
bool takes(const FollowedTrend* trend, TransactionId xid);

// Windows that end up to here have been left out by the filling that saw this transaction, or will be by the
// next one.
Time passed_until(const FollowedTrend* trend, TransactionId xid);

// Whether a row that is decoded for a trend which does not take it is late.
bool is_passed_over(FollowedTrend* trend, TransactionId xid, const RowEvent& event);

// Counts the late ones among the events of a transaction that a trend does not take.
void count_passed_over(FollowedTrend* trend, TransactionId xid, const BatchRecord* begin,
                       const BatchRecord* end);
// The same for a single row, by the first of its events.
void count_passed_over(FollowedTrend* trend, TransactionId xid, const RowEvent& event);

// A transaction has been recorded, with events up to `latest`: how many of its rows are late is to be known
// also after a crash.
void note_recorded(FollowedTrend* trend, Time latest);

// A transaction is about to be given to a trend whose history is being filled back, or was a moment ago.
void meet_while_backfilling(FollowedTrend* trend, TransactionId xid);
// Whether all of those is visible to a snapshot that is taken now.
bool is_all_visible(FollowedTrend* trend);

// Keeps a row at hand if it is refused, in a trend that keeps late rows; or notes that it may be. `event` is the
// first of those that are told of together (RowEvent::is_first): the row is late if it is to one of its groups.
void keep_refused(FollowedTrend* trend, ReorderBufferTXN* txn, RowOutcome outcome, const RowEvent& event,
                  TupleDesc descriptor, HeapTuple row);

// The trend has been filled, and is about to be given the recorded transaction of this number, or has been
// given all: settles what came with it.
void settle_candidates(FollowedTrend* trend, size_t transaction, TransactionId xid);

// What was recorded is forgotten, for the trend is refilled after it.
void pass_over_recorded(FollowedTrend* trend);

}  // namespace trending
