// SPDX-License-Identifier: PostgreSQL
// What is stored is input: rows of our tables carry a checksum over all that they say, so that damage, of
// whatever kind, is noticed when they are read. CRC-32C, which the server has in hardware.
#pragma once

#include <cstddef>

#include "postgres/server.h"

namespace trending {

// The form of everything that is stored. To be raised when any of it changes; rows of another one are taken
// for damaged.
constexpr int32 kStoredFormat = 1;

// Begins with the format and the table, so that a row fits nowhere else.
class Checksum {
 public:
  explicit Checksum(const char* table) {
    INIT_CRC32C(crc_);
    add(int64{kStoredFormat});
    add(table, strlen(table));
  }

  Checksum& add(const void* data, size_t size) {
    const auto length = static_cast<int64>(size);
    COMP_CRC32C(crc_, &length, sizeof(length));
    if (size > 0) COMP_CRC32C(crc_, data, size);
    return *this;
  }
  Checksum& add(int64 number) {
    COMP_CRC32C(crc_, &number, sizeof(number));
    return *this;
  }
  int64 value() const {
    pg_crc32c crc = crc_;
    FIN_CRC32C(crc);
    return crc;
  }

 private:
  pg_crc32c crc_;
};

// A checksum as an addend: sums of these tell which rows there are.
inline uint64 spread(int64 checksum) {
  uint64 mixed = static_cast<uint64>(checksum) + 0x9e3779b97f4a7c15u;  // splitmix64 (Steele, Vigna)
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
  return mixed ^ mixed >> 31;
}

}  // namespace trending
