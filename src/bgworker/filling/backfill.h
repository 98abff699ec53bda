// SPDX-License-Identifier: PostgreSQL
// History of the windows that had closed before a trend was made, filled back behind the live trend
// (backfill => true).
#pragma once

#include <string>  // before the server's headers, whoever includes what next

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// How much of its source a portion takes. A trend's part: FollowedTrend::pace.
struct BackfillPace {
  int64 span = 0;              // event time of the next portion; 0: not known yet
  int64 took_us = 0;           // the last one
  TimestampTz not_before = 0;  // the next one
};

// Reads the trend's row in trending.trend_start, made now where there is none (a restored dump). Needs a
// transaction.
void backfill_load(FollowedTrend* trend);

// The trend is being filled, in this transaction: windows that end after `since` (kNoTime: all) will be in
// history. `continues`: so are those before it, as far back as they were.
void backfill_note(FollowedTrend* trend, Time since, bool continues);

// Now and then, between records and outside a transaction: fills back a portion of some trend.
void backfill_poll(TimestampTz now);

}  // namespace trending
