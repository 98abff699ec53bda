// SPDX-License-Identifier: PostgreSQL
#include "decoder/slot.h"

#include <cstdio>
#include <cstring>

namespace trending {

namespace {

// Caller holds ReplicationSlotControlLock. The fields looked at are fixed as long as a slot is in use.
bool is_own(const ReplicationSlot* slot, Oid database) {
  if (!slot->in_use || slot->data.persistency != RS_PERSISTENT) return false;
  if (slot->data.database != database || strcmp(NameStr(slot->data.plugin), "trending") != 0) return false;
  char name[NAMEDATALEN];
  for (int i = 0; i < kSlotNames; i++) {
    slot_name(database, i, name);
    if (strcmp(NameStr(slot->data.name), name) == 0) return true;
  }
  return false;
}

OwnSlot glance(ReplicationSlot* slot) {
  OwnSlot own = {};
  SpinLockAcquire(&slot->mutex);
  strlcpy(own.name, NameStr(slot->data.name), NAMEDATALEN);
  own.invalidated = compat::slot_is_invalidated(slot) || slot->data.restart_lsn == InvalidXLogRecPtr;
  own.confirmed = slot->data.confirmed_flush;
  own.active_pid = compat::slot_holder(slot);
  SpinLockRelease(&slot->mutex);
  return own;
}

bool is_better(const OwnSlot& slot, const OwnSlot& than, XLogRecPtr stored) {
  if (than.name[0] == '\0') return true;
  auto connects = [stored](const OwnSlot& s) { return !s.invalidated && s.confirmed <= stored; };
  if (connects(slot) != connects(than)) return connects(slot);
  return slot.confirmed > than.confirmed;
}

}  // namespace

void slot_name(Oid database, int number, char name[NAMEDATALEN]) {
  int length = snprintf(name, NAMEDATALEN, "trending_%u", database);
  if (number > 0) snprintf(name + length, static_cast<size_t>(NAMEDATALEN - length), "_%d", number + 1);
}

bool is_worker_slot(const char* name) {
  char own[NAMEDATALEN];
  for (int i = 0; i < kSlotNames; i++) {
    slot_name(MyDatabaseId, i, own);
    if (strcmp(name, own) == 0) return true;
  }
  return false;
}

OwnSlot own_slot(XLogRecPtr stored) {
  OwnSlot best = {};
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots; i++) {
    ReplicationSlot* slot = &ReplicationSlotCtl->replication_slots[i];
    if (!is_own(slot, MyDatabaseId)) continue;
    OwnSlot own = glance(slot);
    if (is_better(own, best, stored)) best = own;
  }
  LWLockRelease(ReplicationSlotControlLock);
  return best;
}

bool free_slot_name(char name[NAMEDATALEN]) {
  for (int i = 0; i < kSlotNames; i++) {
    slot_name(MyDatabaseId, i, name);
    if (SearchNamedReplicationSlot(name, true) == nullptr) return true;
  }
  return false;
}

bool database_has_slot(Oid database) {
  bool found = false;
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots && !found; i++) {
    found = is_own(&ReplicationSlotCtl->replication_slots[i], database);
  }
  LWLockRelease(ReplicationSlotControlLock);
  return found;
}

bool slot_is_free() {
  bool found = false;
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots && !found; i++) {
    found = !ReplicationSlotCtl->replication_slots[i].in_use;
  }
  LWLockRelease(ReplicationSlotControlLock);
  return found;
}

bool standby_has_slot() {
  bool found = false;
  LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
  for (int i = 0; i < max_replication_slots && !found; i++) {
    const ReplicationSlot* slot = &ReplicationSlotCtl->replication_slots[i];
    found = slot->in_use && SlotIsPhysical(slot);
  }
  LWLockRelease(ReplicationSlotControlLock);
  return found;
}

void drop_own_slots() {
  for (OwnSlot slot = own_slot(0); slot.name[0] != '\0'; slot = own_slot(0)) {
    ReplicationSlotDrop(slot.name, false);
  }
}

}  // namespace trending
