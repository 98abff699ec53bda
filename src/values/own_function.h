// SPDX-License-Identifier: PostgreSQL
// The functions that the extension itself brings, by OID.
#pragma once

#include "postgres/server.h"

namespace trending {

// The name of a function that belongs to the extension; NULL for any other.
const char* own_function_name(Oid function);

inline bool is_own_function(Oid function, const char* name) {
  const char* found = own_function_name(function);
  return found != nullptr && strcmp(found, name) == 0;
}

}  // namespace trending
