// SPDX-License-Identifier: PostgreSQL
// How far a trend has come to count what is in its source, and whether it is to do so again. The filling
// itself is above (filling/), the reasons for another one are met where changes are decoded (intake/).
#pragma once

#include <string>  // before the server's headers, whoever includes what next

#include "bgworker/trend/snapshot_filter.h"
#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

enum class FillState : uint8_t {
  kLoading,   // the definition could not be read yet (its table is locked)
  kAwaiting,  // for transactions that were writing to the source when the trend began
  kRunning,
  kStopped,
};

// Where the clocks stood: refilling does not set them back. And how many rows were refused by then for
// what filling does not look at.
struct ClockBefore {
  Time clock = kNoTime;
  Time watermark = kNoTime;
  Time final_until = kNoTime;
  int64 late = 0;
  int64 null_time = 0;
  int64 failed = 0;
  int64 unretracted = 0;

  friend bool operator==(const ClockBefore&, const ClockBefore&) = default;
};

// A trend's part: FollowedTrend::fill.
struct TrendFill {
  SnapshotFilter filter;       // tells which transactions the last filling has counted
  bool wanted = false;         // the source was truncated, say: refill
  bool outdated = false;       // likewise; the transaction that is being decoded is not applied any more
  const char* why = "";        // a sentence, or empty: the trend is new
  TimestampTz not_before = 0;  // its history was locked, or there was no memory
  TimestampTz ended_at = 0;    // the last filling
  int64 took_us = 0;           // likewise
  bool is_new = false;    // made by the transaction decoded just now: nothing of its source has been missed
  bool is_whole = false;  // the engine state is that of the source, or was until a reason to refill it
  ClockBefore before;     // of such a state, for the filling that replaces it
};

// Where a trend started, and how far back its history is complete: its row in trending.trend_start.
// A trend's part: FollowedTrend::start.
struct TrendStart {
  std::string
      later;  // the arguments of trending_internal.is_later() that tell rows which came after the trend was made
  Time history_since = kNoTime;
  bool has_history_since = false;
  bool backfilling = false;
};

}  // namespace trending
