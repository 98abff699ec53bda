// SPDX-License-Identifier: PostgreSQL
// Errors about a definition point into the user's query, as those of the server's own parser do.
#pragma once

#include "postgres/server.h"

namespace trending {

// Between begin and end, errors with a cursor position are reported as positions within `text` (an internal
// query of the statement that the client sent), as for the bodies of SQL functions. Lives on the stack; an
// error in between takes it off by itself.
struct QueryText {
  const char* text;   // NULL: of a view, without places
  const char* trend;  // NULL, or the trend's name, added as context
  int location;       // given to errors that have no position of their own; -1: none
  ErrorContextCallback callback;
};

void query_text_begin(QueryText* query);
void query_text_end(QueryText* query);

// For use inside ereport: the cursor position of a parse location (byte offset within the text; -1 unknown).
int query_position(const QueryText& query, int location);

// Settings under which a definition's text means and looks the same everywhere: search_path pg_catalog, ISO
// dates, UTC and so on. Returns what canonical_settings_end takes; an error in between restores the settings,
// too.
int canonical_settings_begin();
void canonical_settings_end(int nest_level);

}  // namespace trending
