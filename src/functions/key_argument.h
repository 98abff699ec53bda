// SPDX-License-Identifier: PostgreSQL
// Keys (and partitions) given as text.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// Parses an array of the columns' values, each as a literal of its type would be, and packs them. False if no
// key can be like this. `what` names the codec in the error for a wrong number of values: "key", "partition".
bool parse_key(const Definition& definition, const KeyCodec& codec, const char* what, ArrayType* parts,
               StringInfo buffer);

}  // namespace trending
