// SPDX-License-Identifier: PostgreSQL
// Changes of a source that are not changes of its rows: partitions that come and go with rows in them,
// TRUNCATE, columns dropped or retyped, tables made unlogged, rights withdrawn.
//
// The worker learns of them from the transaction that makes them: the catalog invalidations which it decodes
// with it. At its commit, under the historic snapshot of exactly that position, the tables that make up the
// source are listed and compared with those before. Where rows appeared or vanished that way, and windows
// which can still change have counted them or should, the trend is refilled, which is exact
// at any position and beside running writers. So the order of catalog changes and row changes in the WAL is
// kept.
#pragma once

#include <map>
#include <vector>

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A table whose rows are rows of a trend's source: the source itself, or a partition that is none again.
struct SourceTable {
  bool listed = false;  // part of the source at the position; else met in a transaction not yet committed
  TransactionId joined_by = InvalidTransactionId;
  Time latest = kNoTime;      // no event that was counted from it is later; kNoTime: none was
  Oid filenode = InvalidOid;  // as last seen: another one means that it was rewritten or truncated
  TransactionId seen_by = InvalidTransactionId;  // who showed it first, perhaps after a rewrite of his own
  // When it joined it had no rows of interest, by a look at what was committed up to here: a row that is
  // deleted before may have been among those that it brought along.
  XLogRecPtr surveyed = InvalidXLogRecPtr;
};

// A trend's part: FollowedTrend::tables.
struct SourceTables {
  std::map<Oid, SourceTable> all;      // by OID
  bool known = false;                  // those listed are what the source consists of at the position
  bool latest_known = false;           // SourceTable::latest was kept since the trend was filled
  bool recheck = false;                // the source was altered: see whether the definition still fits
  bool asked_to_retract = false;       // refilled to become so, since its source was last looked at
  std::vector<Oid> arrived, departed;  // tables that joined, perhaps with rows, and that left
};

// -- in the decoding callbacks
// A transaction begins; from here to its commit its invalidations are gathered.
void sources_begin(TransactionId xid);
// A relation's cache entry was invalidated; InvalidOid: all were.
void source_invalidated(Oid relation);
// A function or an aggregate was made, replaced or dropped: trends whose aggregates are others' look at
// theirs again.
void source_functions_changed();
// At the commit: stops trends whose source does not serve any more, and asks for others to be refilled.
void sources_commit(ReorderBufferTXN* txn);
// Rows of a table went by TRUNCATE.
void source_truncated(FollowedTrend* trend, Oid relation);
// The trend's record of a table that holds rows of its source. Valid until source_map_forget().
SourceTable* source_table(FollowedTrend* trend, Relation relation);
// The tables that make up the source at this position, if that is not known yet.
void source_learn(FollowedTrend* trend);
// The tables that the trend is about to be filled from, and their files: a later rewrite gives them others. Before
// the snapshot that it is filled with.
void source_note_files(FollowedTrend* trend);

// -- between records, in a transaction
// Stops trends whose owners may no longer read their source, and goes on with those that may again.
void sources_check_rights();
void source_check_rights(FollowedTrend* trend);

}  // namespace trending
