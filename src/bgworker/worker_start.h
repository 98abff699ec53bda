// SPDX-License-Identifier: PostgreSQL
// The start of a worker: its connection, its settings, and a replication slot to decode from.
#pragma once

#include "postgres/server.h"

namespace trending {

struct WorkerStart {
  XLogRecPtr position;  // to decode from
  bool is_fresh;        // the slot is a new one, so that no stored state connects to it
  char slot[NAMEDATALEN];
};

// Connects. Does not return where this database has no extension, or one of another version.
void worker_connect(Oid database);
// Makes sure of the slot. Does not return where something is missing that somebody has to put right.
WorkerStart worker_start();

// Ends the worker because the extension was dropped, with everything of it outside the database.
[[noreturn]] void drop_slot_and_leave();

}  // namespace trending
