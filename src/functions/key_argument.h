// SPDX-License-Identifier: PostgreSQL
// Keys (and partitions) given by their values.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The values as text, whatever types they were given as: drivers send numbers as numbers.
struct KeyTexts {
  int count;
  const char** values;  // null: NULL
};

KeyTexts texts_of_array(ArrayType* array);
// Of the arguments from `first` on, each of which is a value. They are one array, which must not be NULL, where
// VARIADIC says so or the function is declared with a type.
KeyTexts texts_of_arguments(FunctionCallInfo fcinfo, int first);

// Parses the columns' values, each as a literal of its type would be, and packs them. False if no key can be
// like this. `what` names the codec in the error for a wrong number of values: "key", "partition".
bool parse_key(const Definition& definition, const KeyCodec& codec, const char* what, const KeyTexts& parts,
               StringInfo buffer);

}  // namespace trending
