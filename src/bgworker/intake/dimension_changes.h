// SPDX-License-Identifier: PostgreSQL
// What transactions do to joined tables, gathered until they commit; joined_rows.h applies it. And what is not a change
// of rows: TRUNCATE, partitions that come and go, tables that are rewritten. These refill the trend, which is exact at
// any position.
//
// A change needs the key of the row that it is of, and nothing else of the old version: the replica identity has to
// have the columns of the key, as it does where a table is joined by its primary key.
#pragma once

#include "bgworker/intake/source_map.h"
#include "bgworker/trend/joined_rows.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// -- in the decoding callbacks
// Gathers a change of a table for a trend that joins it.
void collect_dimension(const DimensionFollower& follower, TupleDesc descriptor, ReorderBufferChange* change);
void dimension_truncated(FollowedTrend* trend);
// Whether any trend has some to be applied. dimension_changes_end(): all have been.
bool dimension_changes_any();
void dimension_changes_end();
// Forgets those that a trend's dimensions were read with. Before they are applied or recorded.
void dimension_changes_settle(FollowedTrend* trend, TransactionId xid);
void dimension_changes_clear(FollowedTrend* trend);

// Whether the trend joins a table, or one of the tables that it is a part of.
bool is_dimension(const JoinedRows& joined, Oid relation, List* ancestors);
// By the catalogs that are seen: notes the tables that the dimensions consist of; asks for the trend to be refilled
// where they are not what they were.
void dimensions_note_tables(FollowedTrend* trend);
void dimensions_compare_tables(FollowedTrend* trend);

// A value of the key as Dimension::key has it.
Datum dimension_key_value(Oid type, Datum value);

}  // namespace trending
