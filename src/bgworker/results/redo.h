// SPDX-License-Identifier: PostgreSQL
// What refilling a trend has to undo in its history, kept until the history table lets us.
//
// Needs a transaction and SPI.
#pragma once

#include "engine/time/time.h"

namespace trending {

struct FollowedTrend;

// Windows go that end after `after` and are not final, and those that end after `final_after`.
struct Redo {
  bool wanted = false;
  bool done = false;  // by the transaction that is being written
  Time after = kNoTime;
  Time final_after = kNoTime;
};

// Keeps what trend->history->redo has left to do, loads it, forgets it.
void redo_keep(const FollowedTrend* trend);
void redo_load(FollowedTrend* trend);
void redo_drop(const FollowedTrend* trend);
// Whether there is none, or one that can be read.
bool redo_is_good(const FollowedTrend* trend);

}  // namespace trending
