#include "decoder/slot.h"

#include <cstdio>
#include <cstring>

namespace trending {

void slot_name(Oid database, char name[NAMEDATALEN]) {
  snprintf(name, NAMEDATALEN, "trending_%u", database);
}

bool is_worker_slot(const char* name) {
  char own[NAMEDATALEN];
  slot_name(MyDatabaseId, own);
  return strcmp(name, own) == 0;
}

bool slot_is_free() {
  bool found = false;
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots; i++) {
    if (!ReplicationSlotCtl->replication_slots[i].in_use) found = true;
  }
  LWLockRelease(ReplicationSlotControlLock);
  return found;
}

}  // namespace trending
