// SPDX-License-Identifier: PostgreSQL
// Rows that the worker itself writes: which of them have to be decoded.
//
// The worker's transactions carry the origin DoNotReplicateId, and as a rule the plugin leaves them out at
// once, so that a checkpoint costs nothing when it comes back in the WAL. But a trend may have another
// trend's history, late rows or alerts as its source, and then these rows count like anybody's. While there
// is such a trend the worker's transactions are decoded, without the changes of our own tables, which make up
// nearly all of them.
//
// Exact when it begins. It begins at the position P at which the worker learns of the trend, between two
// records. A transaction of the worker's has ended before the worker reads any record of it, so each one
// whose WAL begins before P has been committed and is seen by the snapshot that the trend is filled from; its
// xid is not counted again, whether all, some or none of its changes are decoded. Every later one is decoded
// whole.
//
// Exact after a crash. What a checkpoint writes commits after the position L that it stores, so it is decoded
// again from L, like everybody's transactions after L; the trend's stored state is that of L and has not
// counted it. Which trends are followed, and what they write, is restored before the first record is decoded.
#pragma once

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A trend was loaded, restored or altered: remembers the tables of its owner that the worker writes for it.
// They are never forgotten, for what was written before an alteration may be decoded after it.
void own_rows_learn(const FollowedTrend* trend);

// The set of trends, or what is known of tables, has changed.
void own_rows_forget();

// A table was met in the WAL, under a historic snapshot. If it is one of our own its changes are left out
// from now on, until own_rows_forget().
void own_rows_meet(Relation relation);

// Whether the record at hand, of a transaction of the worker's, is to be decoded.
bool own_rows_wanted(XLogReaderState* reader);

}  // namespace trending
