// SPDX-License-Identifier: PostgreSQL
// A worker that cannot keep up because of one owner's trends.
//
// Each of them may be cheap; a thousand of them on one busy table are not. A timer that fires while the worker is
// awake samples for which trend it works. When the worker has been behind for trending.overload_timeout and was
// falling further behind, one owner's trends took most of that time, and others have trends, too, then the
// costliest of that owner's are put aside (blame.h): as many as it takes to gain on the writers again.
#pragma once

#include "postgres/server.h"

namespace trending {

// Makes the timer ready; once in the worker.
void overload_start();

// A transaction is about to be replayed; costs next to nothing while the timer runs. The worker is about to sleep: the
// timer, which would wake it, is not set again until the next transaction.
void overload_awake();
void overload_asleep();

extern volatile bool overload_due;
void overload_look_closely(TimestampTz committed_at);

// Looks whether the worker is behind, once a second at most. A transaction that was committed at this time is being
// decoded. Between rows.
inline void overload_look(TimestampTz committed_at) {
  if (unlikely(overload_due)) overload_look_closely(committed_at);
}

// All that was flushed has been decoded.
void overload_caught_up();

}  // namespace trending
