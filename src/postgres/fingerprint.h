// SPDX-License-Identifier: PostgreSQL
// What tells two definitions apart: a SHA-256 digest of all that decides what they mean.
#pragma once

#include <cstdint>
#include <cstring>

#include "postgres/server.h"

namespace trending {

struct Fingerprint {
  uint8_t bytes[PG_SHA256_DIGEST_LENGTH];

  bool operator==(const Fingerprint& other) const { return memcmp(bytes, other.bytes, sizeof(bytes)) == 0; }
};

inline Fingerprint fingerprint_of(const void* data, size_t size) {
  Fingerprint result = {};
  pg_cryptohash_ctx* context = pg_cryptohash_create(PG_SHA256);
  bool good = context != nullptr && pg_cryptohash_init(context) >= 0 &&
              pg_cryptohash_update(context, static_cast<const uint8*>(data), size) >= 0 &&
              pg_cryptohash_final(context, result.bytes, sizeof(result.bytes)) >= 0;
  if (context != nullptr) pg_cryptohash_free(context);
  if (!good) elog(ERROR, "could not make a digest");
  return result;
}

// In hexadecimal, palloc'd.
inline char* fingerprint_text(const Fingerprint& fingerprint) {
  constexpr size_t kSize = sizeof(fingerprint.bytes);
  auto* text = static_cast<char*>(palloc(2 * kSize + 1));
  hex_encode(reinterpret_cast<const char*>(fingerprint.bytes), kSize, text);
  text[2 * kSize] = '\0';
  return text;
}

}  // namespace trending
