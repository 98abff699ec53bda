// SPDX-License-Identifier: PostgreSQL
// Keys as bytes: a trend's GROUP BY values packed so that equal keys, and only those, have equal bytes.
//
// The engine sees a key as an opaque byte string and compares it with memcmp. That is right because only
// image-equal types are accepted as keys (see key_type.h): equal values have equal images.
//
// Layout: a bitmap of ceil(n / 8) bytes (bit set = NULL), then every column that is not NULL, in order:
//   fixed length   attlen raw bytes
//   varlena        the detoasted value with the shortest header its type allows: one byte up to 126 bytes of
//                  payload, else the four-byte header. Always the same choice for the same value.
// Nothing is aligned.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aggregates/key.h"
#include "postgres/server.h"

namespace trending {

// Most key columns of one trend (the same as of an index).
constexpr int kMaxKeyColumns = INDEX_MAX_KEYS;

// One GROUP BY column. `expr` is planned (constant-folded), its Vars have varno 1 over the source's row type.
struct KeyColumn {
  const char* name;  // the output column's name, or the expression's own where it is not in the select list
  Expr* expr;
  Oid type;
  int32 typmod;
  Oid collation;
  int16 length;  // pg_type.typlen
  bool by_value;
  char align;
  char storage;     // pg_type.typstorage: 'p' forbids the one-byte header
  bool descending;  // order in ties
  bool nulls_first;
  FmgrInfo compare;  // B-tree comparison (support function 1) of the type's default operator class
};

// Everything needed to encode, decode and compare the keys of one trend.
struct KeyCodec {
  int count;
  KeyColumn* columns;  // [count], in the order of GROUP BY
  int* order;          // [count], column indexes in the order in which ties are broken
};

// An encoded key, somewhere else in memory: what the engine calls a KeyView.
using KeyBytes = KeyView;

// Packs a key into `buffer` (reset first). `values` may be toasted. False, with `buffer` empty, if the key
// would be longer than the engine's kMaxKeySize. Detoasting allocates in CurrentMemoryContext.
bool key_encode(const KeyCodec& codec, const Datum* values, const bool* isnull, StringInfo buffer);

// Appends one value that is not NULL as a key has it. False if it is too long; nothing is appended then.
bool key_append_value(const KeyColumn& column, Datum value, StringInfo buffer);

// Unpacks a key. Values passed by reference are palloc'd copies in CurrentMemoryContext.
void key_decode(const KeyCodec& codec, KeyBytes key, Datum* values, bool* isnull);

// The same for one value, as key_append_value wrote it.
Datum key_copy_value(const KeyColumn& column, const std::byte* at);
// Compares two such values by their type, whatever the column's direction. Frees what it allocates.
int key_compare_values(const KeyColumn& column, const std::byte* left, const std::byte* right);

// The total order that breaks ties: the definition's ORDER BY on keys, then the remaining keys ascending.
// < 0, 0 or > 0; 0 only for equal keys. Calls the types' comparison functions: needs a transaction for
// collations and enums, and may ereport. Frees what it allocates.
int key_compare(const KeyCodec& codec, KeyBytes left, KeyBytes right);
// The same by some of the columns.
int key_compare_columns(const KeyCodec& codec, const int* columns, int count, KeyBytes left, KeyBytes right);

// The key of these columns alone, as key_encode would pack their values. Into `buffer` (reset first).
void key_extract(const KeyCodec& codec, KeyBytes key, const int* columns, int count, StringInfo buffer);

}  // namespace trending
