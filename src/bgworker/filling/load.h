// SPDX-License-Identifier: PostgreSQL
// What a trend needs before it is filled, or restored from a checkpoint: its definition and an empty state.
#pragma once

namespace trending {

struct FollowedTrend;

// Loads definition and row reader; on failure the trend stays in kLoading or is stopped.
bool trend_load(FollowedTrend* trend);
// Makes an empty engine state, visible to readers as being filled. Replaces one that is there. False when
// there is no memory for it: the trend is stopped then, and tried again.
bool trend_reset_state(FollowedTrend* trend);

}  // namespace trending
