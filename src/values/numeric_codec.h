// SPDX-License-Identifier: PostgreSQL
// numeric, PostgreSQL's decimal of any length, to and from the engine's Decimal of 256 bits.
//
// The bytes of a numeric are read and made directly: this runs for every row, and the server's own way to
// them is through text. Their layout is as old as 9.1 (numeric.c, "NumericShort", "NumericLong") and is what
// tables on disk hold, so it cannot change without a dump; random values are compared with what the server
// makes of them in test (sql/trend_numbers.sql).
#pragma once

#include "engine/aggregates/aggregate.h"
#include "postgres/server.h"

namespace trending {

// False if the value does not fit: 10^28 or more in magnitude, or more than 38 fractional digits. `value` may
// be toasted.
bool numeric_to_decimal(Datum value, Decimal* decimal);

// The same value with the same display scale; palloc'd.
Datum decimal_to_numeric(const Decimal& decimal);

// A numeric's value without its display scale, appended: equal values, and only those, have equal bytes.
void append_numeric_image(StringInfo buffer, Datum value);

}  // namespace trending
