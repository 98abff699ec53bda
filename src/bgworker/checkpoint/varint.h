// SPDX-License-Identifier: PostgreSQL
// Unsigned integers of variable length (LEB128), small ones in one byte.
#pragma once

#include <cstdint>

#include "postgres/server.h"

namespace trending {

inline void varint_append(StringInfo out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) appendStringInfoCharMacro(out, static_cast<char>(value | 0x80));
  appendStringInfoCharMacro(out, static_cast<char>(value));
}

// Reads one integer and moves on; false when the data ends within it or it is too long.
inline bool varint_read(const char** position, const char* end, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && *position < end; shift += 7) {
    auto byte = static_cast<uint8_t>(*(*position)++);
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

}  // namespace trending
