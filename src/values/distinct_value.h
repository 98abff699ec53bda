// SPDX-License-Identifier: PostgreSQL
// Values counted by count(DISTINCT x) and trending.approx_count_distinct(x), as bytes: equal values, and only
// those, have equal bytes. Unlike keys they need not be turned back, so types whose equal values can look
// different (1.0 and 1.00) have a form here, too.
#pragma once

#include "postgres/server.h"
#include "values/key_codec.h"

namespace trending {

enum class DistinctForm : uint8_t {
  kNone,    // the type cannot be counted so
  kImage,   // the bytes of the value: types that are allowed as keys
  kFloat4,  // -0 as 0, every NaN as the same
  kFloat8,
  kNumeric,      // without its display scale
  kBlankPadded,  // character(n): without trailing blanks
};

struct DistinctType {
  DistinctForm form;
  KeyColumn column;  // what the key codec needs to know of the type
};

// The form of a type under a collation; kNone if it has none.
DistinctType distinct_type(Oid type, Oid collation);

// Appends a value's bytes. False if it is too long for the engine; nothing is appended then.
bool distinct_append(const DistinctType& type, Datum value, StringInfo buffer);

// Of such bytes; the same in every process and on every machine of one byte order.
uint64 distinct_hash(const char* bytes, int size);

}  // namespace trending
