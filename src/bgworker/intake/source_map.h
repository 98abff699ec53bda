// SPDX-License-Identifier: PostgreSQL
// Which trends follow a table that is met in the WAL. Looked up when the table is first met, and again after an
// invalidation.
#pragma once

#include "bgworker/intake/source_changes.h"
#include "decoder/row_reader.h"
#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// One trend that follows a table.
struct Follower {
  FollowedTrend* trend;
  SourceTable* table;
};

// The trends that follow a table and read its rows alike.
struct Followers {
  uint32_t shared_reader;  // its number: their slot in the batch
  RowReader* reader;
  RowMapping* mapping;
  bool keep_late;  // some have a table of late rows
  Time latest;     // event of the transaction, to be noted in `table` of each; kNoTime: none
  int count;
  Follower* trends;
};

// A trend that joins a table, and how the table holds the columns that it reads.
struct DimensionFollower {
  FollowedTrend* trend;
  int dimension;
  AttrNumber* key;      // per column of the key: the attribute
  AttrNumber* columns;  // per column that is read: the attribute
};

// A table seen in the WAL and who follows it (often nobody).
struct SourceEntry {
  Oid relation;  // hash key, must be first
  bool valid;    // cleared by invalidations, which may come while the entry is in use: never freed there
  bool direct;   // changes can be replayed without a transaction (decoder/direct_replay.h)
  RelFileLocator file;
  TupleDesc descriptor;  // of the rows in that file
  int count;
  Followers* followers;
  int dimension_count;  // trends that join it, each once for each time it does
  DimensionFollower* dimensions;
  MemoryContext memory;
  TransactionId left_out;  // the last transaction that changed it when nobody followed it
};

// The entry of the last change; null after an invalidation.
extern SourceEntry* last_source;

void source_map_create();
// The set of trends has changed, or what is known of tables: all is found again.
void source_map_forget();
// Whether a transaction that is being decoded changed a table while no trend followed it.
bool source_map_left_out(Oid relation, TransactionId xid);

// The entry of a table, under a historic snapshot.
SourceEntry* find_source(Relation relation);
inline SourceEntry* source_of(Relation relation) {
  if (last_source != nullptr && last_source->relation == RelationGetRelid(relation)) return last_source;
  return find_source(relation);
}
// The table of a change by its file, or null. Whether the entry still holds is for the caller to see.
SourceEntry* source_of_file(const ReorderBufferChange* change);

// An event of this time was read for the followers. Kept apart until somebody asks, for it would be a write
// for each row and trend.
void remember_latest(Followers* followers);
inline void note_event_time(Followers* followers, Time time) {
  if (time <= followers->latest) return;
  if (followers->latest == kNoTime) remember_latest(followers);
  followers->latest = time;
}
// Tells each trend's record of a table how late events from it are by now.
void source_map_note_latest();

}  // namespace trending
