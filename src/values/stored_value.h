// SPDX-License-Identifier: PostgreSQL
// Whether bytes that come from a table of ours, rather than from a value, are a key or a value of a trend.
//
// They have passed a checksum by then, so this is about rows that somebody made up: no function of a type is
// to be given what it cannot bear. Checked are sizes, and the contents of those types that may be keys, of
// numeric and of arrays of types of a fixed length. For other types (jsonb, ranges, composites) their size
// and the checksum must do.
#pragma once

#include "engine/aggregates/aggregate.h"
#include "values/definition_aggregate.h"
#include "values/key_codec.h"

namespace trending {

// A key as key_encode() makes it. Needs a transaction, as do the others.
bool stored_key_is_valid(const KeyCodec& codec, KeyBytes key);

// A value as key_append_value() makes it, and nothing else.
bool stored_value_is_valid(const KeyColumn& column, KeyBytes value);

// The bytes of an aggregate of the definition that keeps bytes.
bool stored_bytes_are_valid(const DefinitionAggregate& aggregate, KeyBytes bytes);

// The bytes in a result, of which is_result() (state_check.h) holds.
bool stored_result_is_valid(const DefinitionAggregate* aggregates, const StateLayout& layout,
                            const int64_t* result);

}  // namespace trending
