// SPDX-License-Identifier: PostgreSQL
// The worker's one door to queries over a table of a source.
//
// To plan such a query is to evaluate what the table's owner attached to it (postgres/as_table_owner.h). That
// has a time: what takes longer than kPatienceMs is cancelled, and what goes on after that ends the worker,
// since nothing else can: with the next look for interrupts, or from within the timer's handler where none is
// taken. Either sets the trend aside; the former end when it has happened twice (trend/blame.h). What holds up the
// end of the worker is ended likewise, within two ticks.
#pragma once

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Once, when the worker starts.
void source_cursor_start();

// Opens a cursor for a query over `table`, planned as the table's owner. With SPI connected. Raises an error
// when somebody holds a lock that planning would wait for.
Portal source_cursor_open(FollowedTrend* trend, Oid table, const char* query);

}  // namespace trending
