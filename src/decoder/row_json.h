// SPDX-License-Identifier: PostgreSQL
// A decoded row as a JSON object.
#pragma once

#include "engine/memory/function_ref.h"
#include "postgres/server.h"

namespace trending {

// Appends {"column":value, ...} of the columns that are wanted. Toasted values that an update left alone are
// not in the WAL and are left out.
void append_row_json(StringInfo out, TupleDesc descriptor, HeapTuple tuple,
                     FunctionRef<bool(const char*)> has_column);

}  // namespace trending
