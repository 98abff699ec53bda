// Reading the rows that are in a trend's source, as events. Needs a transaction with an active snapshot.
#pragma once

#include "decoder/row_reader.h"
#include "engine/function_ref.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

enum class ScanOrder { kAny, kForward, kBackward };  // of event time

// Calls visit(event) for every row that is an event, until it returns false. Rows before `from` may be left
// out (kNoTime: none). Rows whose expressions fail are left out. SPI is connected during visits.
void scan_source(FollowedTrend* trend, Time from, ScanOrder order, FunctionRef<bool(const RowEvent&)> visit);

// The event clock that the rows give: the greatest time that is not too far ahead. kNoTime: no rows.
Time clock_of_source(FollowedTrend* trend);

// SELECT of the rows of a table, named so, that windows which can still change would count.
char* source_rows_query(const FollowedTrend* trend, const char* table);

// Whether event times of the rows can be had at all: commit times are kept only by a server that was told to.
bool knows_event_times(const Definition& definition);

}  // namespace trending
