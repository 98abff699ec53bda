// Which types may be keys.
#pragma once

#include "definition/key_codec.h"
#include "postgres/server.h"

namespace trending {

// Whether values of a type that are equal also have equal bytes, as PostgreSQL itself decides it before it
// deduplicates a B-tree (_bt_allequalimage). Also false where that answer needs a length limit (character
// without one: 'a' equals 'a ').
bool type_is_image_equal(Oid type, int32 typmod, Oid collation);

// The cast that makes a type usable as a key ("::text"), or NULL if none is worth suggesting.
const char* image_equal_cast(Oid type);

// Whether values of the type may take part in a definition: built-in types, and the enums and domains of
// users (no code of theirs runs for those).
bool type_is_safe(Oid type);

// Fills type, length, comparison etc. of a key column. The type must be image-equal.
void key_column_set_type(KeyColumn* column, Oid type, int32 typmod, Oid collation);

}  // namespace trending
