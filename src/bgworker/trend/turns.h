// SPDX-License-Identifier: PostgreSQL
// Turns at heavy work: filling a trend from its source, and writing to a table of its owner's.
//
// Nothing else is done meanwhile, so each holds up everybody's trends. Where other owners have trends, one owner
// has kBurst * trending.row_timeout for such work at once, and a kShare-th of the worker's time for long. What he
// wants beyond that is done when his turn comes; until then his trend is not followed, or his rows are deferred.
#pragma once

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Whether somebody else than this trend's owner has trends that run. Its definition is known.
bool turns_are_shared(const FollowedTrend* trend);

// When the next turn of this trend's owner comes; 0: at once.
TimestampTz turn_due(const FollowedTrend* trend);
// Work for him has taken so long, in microseconds.
void turn_took(Oid owner, int64 took_us);

// What to tell meanwhile.
const char* turn_reason();

}  // namespace trending
