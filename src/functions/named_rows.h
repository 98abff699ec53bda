// SPDX-License-Identifier: PostgreSQL
// Rows that a statement of ours reads by a name. They are copied beforehand, from shared memory or through
// the one door to tables of a trend's owner (postgres/owned_table.h), so that the statement names no table of
// a user's but the source, and is planned without anything that the owners of trend and history attached to
// these.
#pragma once

#include "definition/definition.h"
#include "engine/memory/function_ref.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

struct NamedRows {
  const char* name;
  TupleDesc columns;
  Tuplestorestate* rows;
};

// Empty; belongs to the current resource owner and memory context.
NamedRows named_rows_create(const char* name, TupleDesc columns);
void named_rows_end(const NamedRows& rows);
// Until SPI_finish() statements see them.
void named_rows_register(const NamedRows& rows);
// Visits them in the order in which they were put.
void named_rows_visit(const NamedRows& rows, FunctionRef<void(TupleTableSlot*)> visit);
// Puts the result of a statement into them, which has to be of their type.
void named_rows_fill(const NamedRows& rows, const char* query);

// The columns of a trend, those of its history, as its definition has them: their owner may have altered the
// foreign table's names and types.
TupleDesc trend_row_type(const Definition& definition);
TupleDesc history_row_type(const Definition& definition);

// Copies the trend, as it was at one commit boundary.
void copy_trend(const Definition& definition, const NamedRows& to);

// Windows of a trend's history by their end, in [from, to].
struct HistoryRange {
  Time from;
  Time to;
};
// Copies these rows of history as far as they are wanted (window bounds are given). Whether the caller may
// read them is asked by check_history_rights().
void copy_history(const Definition& definition, const NamedRows& to, const HistoryRange& range,
                  FunctionRef<bool(const Window&)> wanted);

// Whether the current user may read all rows of a trend's history.
bool may_read_history(const Definition& definition);
// Raises an error unless he may.
void check_history_rights(const Definition& definition);

// Runs a body that reads through the door; an error that lies with the table is raised.
void read_history(const Definition& definition, FunctionRef<void(OwnedTable*)> body);

}  // namespace trending
