// SPDX-License-Identifier: PostgreSQL
// Where decoded changes go: a table of functions, so that the output plugin does not know who listens.
//
// In the worker the listener counts events (bgworker/); for a slot read by somebody else it writes JSON lines
// (decoder/json_sink). All calls come in commit order, one transaction after the other, and only for
// transactions that committed. They run inside the decoding transaction, under a historic snapshot: catalogs
// may be read, user tables may not, and nothing may be written.
#pragma once

#include "postgres/server.h"

namespace trending {

struct ChangeSink {
  void* context;
  // Replays a whole committed transaction at once, outside of any transaction of this process and without a
  // snapshot (see direct_replay.h), or returns false having done nothing. Null: the server replays
  // everything.
  bool (*replay)(void* context, ReorderBufferTXN* txn);
  void (*begin)(void* context, ReorderBufferTXN* txn);
  void (*change)(void* context, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change);
  void (*truncate)(void* context, ReorderBufferTXN* txn, int count, Relation relations[]);
  void (*commit)(void* context, ReorderBufferTXN* txn, XLogRecPtr commit_lsn);
  // Whether a record of a transaction of the worker's own is to be decoded; asked for each of them. Null:
  // none.
  bool (*wants_own)(void* context, XLogReaderState* reader);
  // A message of the worker (plugin_message.h); outside any transaction. Null: not wanted.
  void (*message)(const char* message, Size size);
};

// The sink of the worker in whose process the plugin runs; null in every other process.
extern const ChangeSink* worker_sink;

}  // namespace trending
