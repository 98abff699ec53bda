// SPDX-License-Identifier: PostgreSQL
// Which relations can be followed.
#pragma once

#include "definition/definition.h"
#include "definition/query_text.h"
#include "postgres/server.h"

namespace trending {

// Raises an error unless the relation of a FROM item is an ordinary or partitioned, permanent user table all
// of whose rows are logically logged. `only`: the user wrote ONLY. `location`: of its name in the text. `part` is
// what it would be of a trend: "the source of", or "joined in".
void source_check(Oid relation, bool only, const QueryText& text, int location,
                  const char* part = "the source of");

// Refuses a table whose row security applies to the current user: the worker sees every row.
void source_check_row_security(Oid relation, const QueryText& text, int location);

// The columns that the definition reads of its source, and of a dimension.
AttrNumber* read_columns(const Definition& definition, int* count);
AttrNumber* read_columns(const Dimension& dimension, int* count);

// Why the trend's owner may not have a trend on these tables any more, as far as rights go; NULL: he may.
const char* source_rights_lost(const Definition& definition);

}  // namespace trending
