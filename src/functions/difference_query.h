// SPDX-License-Identifier: PostgreSQL
// The queries by which trending.verify compares a trend, and its history, with its definition.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// Both run over the source and rows that have names (functions/named_rows.h), as the source's owner: nothing
// in them depends on who asks, and no cast, operator or function of a user's is looked for.

// The trend as it was at the moment when both sides were fixed.
struct LiveSide {
  const char* rows;  // what its rows are called in the query
  Window window;     // the current one; kNoTime before the first event and with sessions
  Time clock;
  Time watermark;
  Time since;  // see counted_since()
};

// Columns: found_in, row.
char* live_difference_query(const Definition& definition, const LiveSide& live);

// History, as it was read.
struct HistorySide {
  const char* rows;
  Time clock;
  Time until;         // windows that end up to here are in history,
  Time final_before;  // up to here final
  Time watermark;     // nothing that ends later is: as it was when history had been read
  Time counted_since;
  bool is_complete_since_known;
  Time complete_since;  // windows that end later must be there
};

// Columns: found_in, row, and whether history has the row and it is final, so that nothing is about to change
// it. What is missing may be about to be written.
char* history_difference_query(const Definition& definition, const HistorySide& history);

}  // namespace trending
