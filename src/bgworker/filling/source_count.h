// SPDX-License-Identifier: PostgreSQL
// Counting the rows of a source when a trend is filled (filling.h says when), and when history is filled back
// (backfill.h). Everything here needs a transaction with an active snapshot, which decides what is counted.
#pragma once

#include "engine/time/time.h"
#include "engine/time/window.h"

namespace trending {

struct FollowedTrend;

// Counts what windows need that can still change, and what history lacks. Learns how far back that is
// complete.
void source_count(FollowedTrend* trend);

}  // namespace trending
