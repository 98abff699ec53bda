// SPDX-License-Identifier: PostgreSQL
// The replication slot of a database's worker: trending_<database's OID>, or, while somebody else's slot has
// that name, trending_<database's OID>_2 and so on.
//
// A slot is ours if it has such a name, our plugin, our database, and was kept by whoever made it. The plugin
// refuses to make a slot of these names for anybody but the worker (plugin.cpp), so nobody can make one that
// passes for ours.
#pragma once

#include "postgres/server.h"

namespace trending {

constexpr int kSlotNames = 9;  // names that are tried

// The n-th name for the slot of a database, from 0.
void slot_name(Oid database, int number, char name[NAMEDATALEN]);

// Whether a name is one of those of the current database's worker.
bool is_worker_slot(const char* name);

struct OwnSlot {
  char name[NAMEDATALEN];  // empty: there is none
  bool invalidated;        // WAL that it needed is gone, the server says
  XLogRecPtr confirmed;
  pid_t active_pid;  // who holds it now; 0: nobody
};

// The slot of the current database's worker. Of several, which only a copy of a slot can have led to, one
// that decoding can start from at `stored`, and the furthest of those.
OwnSlot own_slot(XLogRecPtr stored);

// The first name that no slot has. False: all are taken.
bool free_slot_name(char name[NAMEDATALEN]);

// Whether a database has a slot of ours; needs no connection to it.
bool database_has_slot(Oid database);

// Whether one more slot could be made now; another may be faster.
bool slot_is_free();

// Whether some standby keeps a slot at this server.
bool standby_has_slot();

// Drops all slots of the current database's worker; waits for whoever holds one.
void drop_own_slots();

}  // namespace trending
