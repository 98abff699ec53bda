// The queries by which trending.verify compares a trend, and its history, with its definition.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The trend as it was at the moment when both sides were fixed.
struct LiveSide {
  const char* rows;  // what its rows are called in the query
  Window window;     // the current one; kNoTime before the first event and with sessions
  Time clock;
  Time watermark;
};

// Columns: found_in, row.
char* live_difference_query(const Definition& definition, const LiveSide& live);

// Columns: found_in, row, and whether history has the row and it is final, so that nothing is about to change
// it. What is missing may be about to be written. Parameters:
// history_limit (bigint), the time up to which windows that end are in history, and the one up to which they
// are final (timestamptz).
char* history_difference_query(const Definition& definition, Time clock);

}  // namespace trending
