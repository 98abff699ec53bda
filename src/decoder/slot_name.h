// The name of a database's replication slot: trending_<database's OID>.
#pragma once

#include <cstdio>
#include <cstring>

#include "postgres/server.h"

namespace trending {

constexpr char kSlotPrefix[] = "trending_";

inline void slot_name(Oid database, char name[NAMEDATALEN]) {
  snprintf(name, NAMEDATALEN, "%s%u", kSlotPrefix, database);
}

inline bool is_worker_slot(const char* name) {
  char own[NAMEDATALEN];
  slot_name(MyDatabaseId, own);
  return strcmp(name, own) == 0;
}

}  // namespace trending
