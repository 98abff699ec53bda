// SPDX-License-Identifier: PostgreSQL
// The event clocks of silent sources follow the wall clock, so that their windows close.
//
// Wall time is not in the WAL, and what is decided by it must not depend on when the WAL is decoded. So a
// step does not take effect when it is due: it is written to the WAL as a message, and takes effect where
// that is decoded. Decoding the same WAL again, after a crash say, takes the same steps between the same
// commits.
//
// Only steps that somebody could notice are written (a window begins, closes, or can no longer be corrected),
// at most one message a second, and marked as unimportant: it makes no checkpoint of the server.
#pragma once

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

// A trend's part: FollowedTrend::idle_clock.
struct IdleClock {
  Time base = kNoTime;   // the event clock at the last event
  TimestampTz wall = 0;  // when that was
  bool moved = false;    // since the last checkpoint, without an event
};

// Writes the steps that are due. Call it when all WAL has been decoded, outside a transaction.
void idle_clocks_poll(TimestampTz now);

// Notes the steps of a decoded message. For the sink.
void idle_clocks_note(const char* message, Size size);

// Takes the steps that were noted. Call it after every record, outside a transaction.
void idle_clocks_step();

}  // namespace trending
