// SPDX-License-Identifier: PostgreSQL
// What the files of this folder remember of one trend while it is loaded and filled.
#pragma once

#include <vector>

#include "postgres/server.h"

namespace trending {

// A trend's part: FollowedTrend::filling.
struct Filling {
  std::vector<VirtualTransactionId> writers;  // that must end before the source is read
  TimestampTz awaits_since = 0;               // for writers
  TimestampTz told_at = 0;                    // when the status was last told whom it waits for
  TimestampTz next_look = 0;  // its source was locked: not to be looked at before (source_watch.cpp)
  bool paused = false;        // its history was locked, or there was no memory
  int64 memory_pause_us = 0;  // how long it was left alone the last time (load.cpp)
};

}  // namespace trending
