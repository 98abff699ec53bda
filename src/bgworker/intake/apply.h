// SPDX-License-Identifier: PostgreSQL
// From a committed batch to the engine: what the events of a transaction do to the trends that read them.
#pragma once

#include "engine/aggregates/batch.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Applies a transaction's events, which the worker's batch holds, to all trends, or records them for those
// that await their filling. Empties the batch. What a few events will touch in every trend is loaded first,
// so that the cache misses of all overlap; equal events of many become one where several trends take them.
void apply_batch(const ReorderBufferTXN* txn);

// Applies events, those of the transaction that committed there, under the trend's lock.
void apply_to_trend(FollowedTrend* trend, const BatchSlice& slice, TimestampTz commit_time, XLogRecPtr lsn);

}  // namespace trending
