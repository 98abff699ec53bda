// A decoded row as a JSON object.
#pragma once

#include "postgres/server.h"

namespace trending {

// Appends {"column":value, ...}. Toasted values that an update left alone are not in the WAL and are left
// out.
void append_row_json(StringInfo out, TupleDesc descriptor, HeapTuple tuple);

}  // namespace trending
