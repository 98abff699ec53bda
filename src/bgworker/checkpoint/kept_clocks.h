// SPDX-License-Identifier: PostgreSQL
// Where the clocks of a trend stood of which no state can be stored, for it is being filled: after a crash
// its filling goes on from there, so that what was final stays so and what was late stays late. In
// trending.trend_clock, written by checkpoints.
#pragma once

#include "bgworker/trend/trend_fill.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A trend's part: FollowedTrend::kept.
struct KeptClocks {
  ClockBefore clocks;  // that are stored
  bool known = false;
};

// As they are now, or were when its state was last that of its source.
ClockBefore clocks_of(const FollowedTrend* trend);

// The state that is about to be filled goes on with what was counted.
void take_counters(FollowedTrend* trend);

// In a transaction with SPI. Loads what is stored; where nothing is known of the clocks, it is taken.
void kept_clocks_load(FollowedTrend* trend);

// In that of a checkpoint: stores them, or forgets what is stored, for a state is.
void kept_clocks_write(FollowedTrend* trend);
void kept_clocks_forget(FollowedTrend* trend);

}  // namespace trending
