// SPDX-License-Identifier: PostgreSQL
// Whether a table of a trend's owner is still what we made: see owned_table.h.
#pragma once

#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

// Raise an error (object_not_in_prerequisite_state) that names what stands in the way. The table is locked.
// Whether it has rows that can be read at all, which reading asks for, too.
void owned_check_kind(Relation relation);
void owned_check_table(Relation relation);
// The attribute numbers of our columns. Only where the rows themselves are what matters (`of_rows`), not for what the
// worker needs to know of them, is it an error that rows may be without their window.
AttrNumber* owned_check_columns(Relation relation, const TableShape& shape, bool of_rows);
// What an index would run beyond functions in C, or enforce; null: nothing. To be asked before anything of
// the index is evaluated.
const char* owned_index_trouble(Relation index);
[[noreturn]] void owned_refuse_index(Relation relation, Relation index, const char* trouble);

}  // namespace trending
