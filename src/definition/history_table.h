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

// DELETE of the windows that end before $1 (of window_bound_type), and of late rows kept before $1
// (timestamptz). Rows that somebody else has locked are left for the next time: the worker and
// trending.expire() never wait for each other.
char* history_expire_statement(const Definition& definition, const char* table);
char* late_expire_statement(const char* table);

// The same for <trend>_late: one row per refused event, as the worker keeps it.
//   event_time  NULL when the row has none;  commit_lsn  the commit that brought it
//   reason      late, too far ahead, null time, failed;  recomputed  taken in by trending.recompute
//   kept_at     when it was written here, what retention counts from
Oid late_table_create(Oid relation);

// The same for <trend>_alerts: one row per group and time that its condition (HAVING) came true.
//   window bounds, the trend's columns without rank;  crossed_at  the event clock then
//   commit_lsn  the commit that did it, or where WAL stood when time alone did;  alerted_at  when it was
//   written
Oid alerts_table_create(Oid relation, const Definition& definition);
// DELETE of the alerts written before $1 (timestamptz).
char* alerts_expire_statement(const char* table);

// "name type [COLLATE ...], ..." of a trend's columns, every type qualified.
void append_column_list(StringInfo out, const Definition& definition);

}  // namespace trending
