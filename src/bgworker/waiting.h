// Closed windows and late rows whose tables cannot be written for now: a lock held by others, an owner's
// trigger that fails or does not end. One trend's trouble must not keep the database from its checkpoints, so
// they are put by in tables of ours, in the same transaction as the state, and written when their tables let
// us.
//
// Everything here needs a transaction and SPI, and runs as the worker.
#pragma once

#include "bgworker/history.h"
#include "bgworker/late.h"
#include "postgres/server.h"

namespace trending {

// When to try again: after a second at first, then in ever longer intervals up to a minute.
struct Retry {
  TimestampTz at = 0;
  int64 pause = 0;

  bool is_put_off() const { return at != 0 && GetCurrentTimestamp() < at; }
  void put_off();
  void reset() { *this = Retry{}; }
};

// Puts by the windows that a trend has taken, and its late rows.
void waiting_keep_windows(FollowedTrend* trend);
void waiting_keep_late(FollowedTrend* trend);

// Loads some of the windows, those that closed first, into trend->retried; the late rows into
// trend->retried_late. False: none wait.
bool waiting_load_windows(FollowedTrend* trend);
bool waiting_load_late(FollowedTrend* trend);

// What was loaded has been written: forgets it.
void waiting_drop_windows(FollowedTrend* trend);
void waiting_drop_late(FollowedTrend* trend);

// Forgets all that waits for a trend's history.
void waiting_discard_windows(FollowedTrend* trend);

}  // namespace trending
