// SPDX-License-Identifier: PostgreSQL
// Reading the rows that are in a trend's source, as events. Needs a transaction with an active snapshot.
#pragma once

#include "decoder/row_reader.h"
#include "engine/memory/function_ref.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

enum class ScanOrder { kAny, kForward, kBackward };  // of event time

// By whether they came after the trend's start (trending.trend_start).
enum class SourceRows { kAll, kEarlier, kLater };

// Which rows to read. Those before `from` and after `until` may be left out (kNoTime: none).
struct SourceRange {
  Time from = kNoTime;
  Time until = kNoTime;
  SourceRows rows = SourceRows::kAll;
  bool counts_ahead = false;  // rows that are too far ahead go into the trend's counter
};

// Calls visit(event) for every row that is an event, until it returns false. Rows whose expressions fail are
// left out, and those that are too far ahead are noted (trend->ahead). SPI is connected during visits.
void scan_source(FollowedTrend* trend, const SourceRange& range, ScanOrder order,
                 FunctionRef<bool(const RowEvent&)> visit);

// The latest event time not after `until` (kNoTime: none that is too far ahead). kNoTime: no rows.
Time latest_in_source(FollowedTrend* trend, SourceRows rows, Time until = kNoTime);

// Whether an index gives the rows of a range of time. Needs a transaction.
bool has_time_index(const Definition& definition);

// SELECT of the rows of a table, named so, that windows which can still change would count.
char* source_rows_query(const FollowedTrend* trend, const char* table);

// Whether event times of the rows can be had at all: commit times are kept only by a server that was told to.
bool knows_event_times(const Definition& definition);

}  // namespace trending
