// SPDX-License-Identifier: PostgreSQL
// What is stored, and when to store again. The worker's part: Worker::checkpoint.
#pragma once

#include <map>

#include "postgres/server.h"

namespace trending {

struct CheckpointProgress {
  bool restoring = false;                   // starting with a stored checkpoint that is valid
  std::map<int32, int64> states;            // of that checkpoint: the checksums of rows in trend_state
  bool tables_suspect = false;              // what is stored cannot be read or written: empty the tables
  bool trends_forgotten = true;             // some may be stored that are not followed
  bool due = false;                         // soon, whatever the interval
  XLogRecPtr position = InvalidXLogRecPtr;  // of the last checkpoint
  TimestampTz ended_at = 0;                 // likewise
};

}  // namespace trending
