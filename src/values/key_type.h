// SPDX-License-Identifier: PostgreSQL
// Which types may be keys.
#pragma once

#include "postgres/server.h"
#include "values/key_codec.h"

namespace trending {

// Whether values of a type that are equal also have equal bytes, as PostgreSQL itself decides it before it
// deduplicates a B-tree (_bt_allequalimage).
bool type_is_image_equal(Oid type, Oid collation);

// What to group by instead of a type that cannot be a key, as a hint; NULL if nothing simple would do.
const char* key_type_hint(Oid type);

// Whether values of the type may take part in a definition: built-in types, and the enums and domains of
// users (no code of theirs runs for those).
bool type_is_safe(Oid type);

// Fills type, length, comparison etc. of a key column. The type must be image-equal.
void key_column_set_type(KeyColumn* column, Oid type, int32 typmod, Oid collation);

// Whether a function is built in or written in C: only a superuser can have made it.
bool function_is_native(Oid function);

// Whether the functions of a type, and of what its values are made of, are all built in or written in C. Not
// so for domains, whose checks are a user's; for composite types, whose columns may be of domains; and for
// what is made of these.
bool type_is_native(Oid type);

}  // namespace trending
