// SPDX-License-Identifier: PostgreSQL
// How long after their commit transactions become visible in the trends: a histogram that the worker keeps and
// everybody may read. The worker alone writes it, so nothing is locked and readers may be one transaction off.
#pragma once

#include "postgres/server.h"

namespace trending {

constexpr int kLatencyBounds = 15;
// Upper bounds of the buckets, in microseconds; one more bucket has what took longer.
constexpr int64 kLatencyBoundUs[kLatencyBounds] = {500,     1000,    2500,    5000,     10000,
                                                   25000,   50000,   100000,  250000,   500000,
                                                   1000000, 2500000, 5000000, 10000000, 60000000};

struct CommitLatency {
  pg_atomic_uint64 buckets[kLatencyBounds + 1];  // [atomic] worker: transactions
  pg_atomic_uint64 sum_us;                       // [atomic] worker
  pg_atomic_uint64 last_us;                      // [atomic] worker: of the last one
};

void commit_latency_init(CommitLatency* latency);

// In the worker, when readers can see a transaction that was committed at this time. Commits from before this
// process are left out: they may have been visible once before.
void commit_latency_note(TimestampTz committed_at);

}  // namespace trending
