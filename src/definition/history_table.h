// The table <trend>_history: one row per closed window and group.
//
// Columns: window_start and window_end where the select list lacks them, the trend's own columns with rank,
// and `final` (no event can change the window any more). The worker writes it, as its owner.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The name of a window column in a trend's history: the select list's alias, else the plain name.
const char* history_window_column(const Definition& definition, ColumnRole role);

// Whether the select list has a column of this role.
bool has_column(const Definition& definition, ColumnRole role);

// Creates the table and its indexes beside the trend's foreign table, as the caller, and makes it go with it.
// Needs SPI. Returns its OID; an error if the name is taken.
Oid history_table_create(Oid relation, const Definition& definition);

// The same for <trend>_late: one row per refused event, as the worker keeps it.
//   event_time  NULL when the row has none;  commit_lsn  the commit that brought it
//   reason      late, too far ahead, null time, failed;  recomputed  taken in by trending.recompute
Oid late_table_create(Oid relation);

// "name type [COLLATE ...], ..." of a trend's columns, every type qualified.
void append_column_list(StringInfo out, const Definition& definition);

}  // namespace trending
