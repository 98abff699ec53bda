// SPDX-License-Identifier: PostgreSQL
// What engine calls report instead of throwing.
#pragma once

#include <cstdint>

namespace trending {

enum class Status : uint8_t {
  kOk,
  kOutOfMemory,    // the arena's limit or the block source is exhausted; the state is as it was, or says what
                   // it refused
  kTooManyGroups,  // max_groups reached: new groups were refused and counted, the others are exact
  kOutOfRange,     // a time whose windows do not fit the server's timestamp range
  kInvalidOptions,  // a window or an aggregate that cannot be
  kFailed,          // the host could not do its part; the state is as it was
  kCorrupt,         // opened over something that is no trend state of this version
};

}  // namespace trending
