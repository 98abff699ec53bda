// SPDX-License-Identifier: PostgreSQL
// Trends that are set aside: stopped until somebody says that they may go on, whatever becomes of the worker.
//
// Either because they took more than their share of the worker (values/evaluation.h), or because workers
// died while they worked for them: two at the same place in the WAL, or while loading or filling the same
// trend, or kMost within kMemoryUs at whatever places. What a worker dies of is an error that nobody caught;
// one that is told to end is nobody's, nor is a signal that ends all of the server, which forgets what is
// noted here.
//
// The notes are in the directory's entry of the database (DatabaseShared::blamed).
#pragma once

#include "bgworker/process/working.h"
#include "shmem/directory.h"

namespace trending {

struct FollowedTrend;

// The worker ends with this error.
void blame_death(int sqlstate);

// An expression of this owner's could not be cancelled: ends the worker. In a signal's handler. The trend is set
// aside at once. An owner to whom that happens twice within kBanUs has no trend loaded that computes anything, so
// long after the last time: else every trend of his, and every call of trending.resume(), would cost the others a
// worker.
[[noreturn]] void blame_overrun(Oid owner);

// Trends of this owner's have been set aside because the worker could not keep up (overload.h). Counts as the above.
void blame_overload(Oid owner);

// Whether an owner is banned so; what to tell of a trend.
bool blame_bans(Oid owner, char (&reason)[kMessageSize]);

// Stops a trend, until it is resumed or another worker starts.
void trend_put_aside(FollowedTrend* trend, const char* reason);
// Stops a trend and sets it aside.
void trend_set_aside(FollowedTrend* trend, const char* reason);

// Whether a trend is set aside; its reason.
bool blame_sets_aside(int32 trend_id, char (&reason)[kMessageSize]);

// Starts trends again for which somebody has called trending.resume(). Between records.
void blame_follow();

}  // namespace trending
