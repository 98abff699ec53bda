// SPDX-License-Identifier: PostgreSQL
#include "shmem/area.h"

namespace trending {

namespace {

// What this process has attached of its database's area.
struct Attachment {
  uint64 identity = 0;
  DatabaseShared* entry = nullptr;
  dsa_area* area = nullptr;
  AreaHeader* header = nullptr;
};
Attachment attachment;

// The mapping of an area that is no more the database's.
void detach() {
  dsa_area* area = attachment.area;
  attachment = Attachment{};
  if (area != nullptr) dsa_detach(area);
}

// The memory of a replaced area is released when the last process has detached from it: at the end of a
// transaction, for sessions that are idle may never read again. The worker wakes them (area_publish).
void detach_replaced(XactEvent event, void*) {
  if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE) return;
  if (attachment.area == nullptr) return;
  if (pg_atomic_read_u64(&attachment.entry->area_identity) != attachment.identity) detach();
}

// Caller holds database->lock.
void attach(DatabaseShared* entry) {
  static bool registered = false;
  if (!registered) RegisterXactCallback(detach_replaced, nullptr);
  registered = true;
  MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
  dsa_area* area = dsa_attach(entry->area);
  dsa_pin_mapping(area);
  MemoryContextSwitchTo(caller);
  attachment.area = area;  // of no identity until all of it is there
  attachment.entry = entry;
  attachment.header = static_cast<AreaHeader*>(dsa_get_address(area, entry->area_root));
}

}  // namespace

dsa_area* area_attach(DatabaseShared* entry, AreaHeader** header) {
  LWLockAcquire(&entry->lock, LW_SHARED);
  const uint64 identity = pg_atomic_read_u64(&entry->area_identity);
  if (attachment.identity != identity) {
    detach();
    if (entry->area != DSM_HANDLE_INVALID) attach(entry);
    attachment.identity = identity;
  }
  LWLockRelease(&entry->lock);
  *header = attachment.header;
  return attachment.area;
}

bool area_is_current(DatabaseShared* entry) {
  return attachment.identity == pg_atomic_read_u64(&entry->area_identity);
}

TrendShared* area_find_trend(AreaHeader* header, int32 trend_id) {
  for (int i = 0; i < header->used; i++) {
    if (header->trend_ids[i] == trend_id) return header->trend(i);
  }
  return nullptr;
}

bool area_is_full(AreaHeader* header) {
  return header->used == header->capacity && area_find_trend(header, 0) == nullptr;
}

}  // namespace trending
