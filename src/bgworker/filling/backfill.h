// SPDX-License-Identifier: PostgreSQL
// History of the windows that had closed before a trend was made, filled back behind the live trend
// (backfill => true).
#pragma once

#include <string>  // before the server's headers, whoever includes what next

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Reads the trend's row in trending.trend_start, made now where there is none (a restored dump). Needs a
// transaction.
void backfill_load(FollowedTrend* trend);

// The trend is being filled, in this transaction: windows that end after `since` (kNoTime: all) will be in
// history. `continues`: so are those before it, as far back as they were.
void backfill_note(FollowedTrend* trend, Time since, bool continues);

// Now and then, between records and outside a transaction: fills back a portion of some trend.
void backfill_poll(TimestampTz now);

}  // namespace trending
