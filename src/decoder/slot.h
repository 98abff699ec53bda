// The replication slot of a database's worker: trending_<database's OID>.
#pragma once

#include "postgres/server.h"

namespace trending {

void slot_name(Oid database, char name[NAMEDATALEN]);

// Whether a slot is that of the current database's worker.
bool is_worker_slot(const char* name);

// Whether one more slot could be made now.
bool slot_is_free();

}  // namespace trending
