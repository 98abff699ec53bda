// SPDX-License-Identifier: PostgreSQL
// Filling a trend from the rows that are in its source; README.md says how.
#pragma once

namespace trending {

struct FollowedTrend;

// Starts filling a trend at the present position.
void filling_start(FollowedTrend* trend);
// Goes on with trends that await writers, and drops filters that are no longer needed.
void filling_poll();

}  // namespace trending
