// SPDX-License-Identifier: PostgreSQL
// Values of min, max, first and last whose types are no numbers of the engine: kept as bytes, those that the
// key codec makes of them, and ordered by the type's own comparison.
//
// Only comparisons that are built in are used: they run in the worker, under the trend's lock. Types without
// one (json, point) are ordered by their bytes, which matters to first and last alone, among rows of the same
// time. trending.first and trending.last do the same when they run as SQL aggregates.
#pragma once

#include "postgres/server.h"
#include "values/key_codec.h"

namespace trending {

struct BytesType {
  KeyColumn column;  // what the key codec needs to know of the type
  bool has_order;
};

// False for a type whose values cannot be kept so (cstring and its like).
bool bytes_type(Oid type, Oid collation, BytesType* result);

// Appends a value's bytes. False if they are more than the engine keeps; nothing is appended then. Detoasting
// allocates in CurrentMemoryContext.
bool bytes_append(const BytesType& type, Datum value, StringInfo buffer);

// The value again; a palloc'd copy if it is passed by reference.
Datum bytes_datum(const BytesType& type, KeyBytes bytes);

// The order of two values, 0 for those that are equal by their type or have no order. Frees what it
// allocates. Raises no error but what would end the worker anywhere (memory, cancelling).
int bytes_compare(const BytesType& type, KeyBytes left, KeyBytes right);

// The comparison function of a type's default order if that is built in, else InvalidOid.
Oid built_in_comparison(Oid type);

}  // namespace trending
