// SPDX-License-Identifier: PostgreSQL
// The rows of a source as events, where tables are joined to it.
//
// What is gathered of such a source, recorded and judged is what a row is without the joined tables: its time, and its
// tuple as the key (decoder/row_reader.h). Here that becomes events of groups, in the one place where events are
// applied (apply.h), together with what the transaction did to the dimensions: both count by how the transaction left
// them.
//
// The event clock follows the source: rows that meet no partner move it, too. So neither the clock nor what is late
// depends on a dimension.
#pragma once

#include "engine/aggregates/batch.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Applies the changes of dimensions that were gathered, and makes events of these rows, in worker->joined, from which
// the caller takes them.
BatchSlice joined_events(FollowedTrend* trend, const BatchSlice& rows);

// The events of these rows as the dimensions are now, without keeping anything of them. For the state `made` of a
// portion of history, in the trend's place in worker->joined.
BatchSlice joined_events_once(FollowedTrend* trend, const BatchSlice& rows);

// Whether it keeps more than it may, since all trends together do. And gives back the memory of one that was stopped.
bool joined_is_too_large(const FollowedTrend* trend);
void joined_release(FollowedTrend* trend);

// The set of dimensions of a definition that was loaded.
void joined_create(FollowedTrend* trend);

// A row of a dimension as it was read for a filling.
void joined_add_row(FollowedTrend* trend, int dimension, KeyView key, MinimalTuple row);

}  // namespace trending
