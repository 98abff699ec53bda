// SPDX-License-Identifier: PostgreSQL
// Replaying small transactions without the server's replay.
//
// To replay a committed transaction, the server starts a transaction, sets up the historic snapshot, merges
// the changes of subtransactions, opens each change's relation, and aborts again at the end: most of what a
// transaction of one row costs. A transaction needs none of that if it has no subtransactions, saw no change
// of a catalog from its first change to its commit, and changed only tables of which the sink knows already,
// by their files, how to read their rows.
//
// The way in is the server's own way out: the last thing that it asks before it replays a transaction is
// whether the plugin filters the origin of the commit record, and at a yes it forgets the transaction. All
// changes are in memory then, the snapshot builder has seen the commit, and nothing else has happened. So the
// callback looks whether the record at hand is a commit, replays the changes itself, and says yes.
//
// Why it is exact: what the server would look up under the transaction's historic snapshot (relation by file,
// row type, partitions) was looked up so by an earlier transaction, and is dropped at the first invalidation.
// A catalog change that commits between a transaction's snapshot and its commit puts a new snapshot among the
// transaction's changes, which is_replayable() sees; one that commits before has executed its invalidations.
#pragma once

#include <cstddef>

#include "decoder/change_sink.h"
#include "postgres/server.h"

namespace trending {

// Whether the record being decoded commits a top-level transaction that was not prepared.
inline bool is_plain_commit(XLogReaderState* reader) {
  return XLogRecGetRmid(reader) == RM_XACT_ID &&
         (XLogRecGetInfo(reader) & XLOG_XACT_OPMASK) == XLOG_XACT_COMMIT;
}

// When the transaction whose commit record is being decoded committed: what pg_xact_commit_timestamp says.
TimestampTz commit_time_of_record(XLogReaderState* reader);

// visit(ReorderBufferChange*) for each change in order, while it returns true; whether it always did. (The
// server's macros for its lists are not C++.)
template <typename Visit>
bool for_all_changes(ReorderBufferTXN* txn, Visit&& visit) {
  const dlist_node* end = &txn->changes.head;
  for (dlist_node* node = txn->changes.head.next; node != end; node = node->next) {
    char* change = reinterpret_cast<char*>(node) - offsetof(ReorderBufferChange, node);
    if (!visit(reinterpret_cast<ReorderBufferChange*>(change))) return false;
  }
  return true;
}

// Hands the transaction whose commit is being decoded to sink->replay. False: the server has to replay it.
bool replay_directly(LogicalDecodingContext* context, const ChangeSink* sink);

}  // namespace trending
