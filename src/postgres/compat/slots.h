// SPDX-License-Identifier: PostgreSQL
// Replication slots. See compat.h.
#pragma once

namespace trending::compat {

// 17 added failover and synced to ReplicationSlotCreate (c393308b69d2, 93db6cbda037), 19 repack. Before 17 no slot is
// copied to standbys.
inline void slot_create(const char* name, ReplicationSlotPersistency persistency, bool failover) {
#if PG_VERSION_NUM >= 190000
  ReplicationSlotCreate(name, true, persistency, false, false, failover, false);
#elif PG_VERSION_NUM >= 170000
  ReplicationSlotCreate(name, true, persistency, false, failover, false);
#else
  (void)failover;
  ReplicationSlotCreate(name, true, persistency, false);
#endif
}

#if PG_VERSION_NUM >= 170000
inline constexpr bool kSlotsAreCopied = true;
#else
inline constexpr bool kSlotsAreCopied = false;
#endif

// Whether standbys may copy the slot that this process holds. True: that was changed.
inline bool slot_set_failover(bool failover) {
#if PG_VERSION_NUM >= 170000
  if (MyReplicationSlot->data.failover == failover) return false;
  SpinLockAcquire(&MyReplicationSlot->mutex);
  MyReplicationSlot->data.failover = failover;
  SpinLockRelease(&MyReplicationSlot->mutex);
  return true;
#else
  (void)failover;
  return false;
#endif
}

// Whether the slot that this process holds was copied here while the server was a standby.
inline bool slot_was_copied() {
#if PG_VERSION_NUM >= 170000
  return MyReplicationSlot->data.synced;
#else
  return false;
#endif
}

// Whether the standbys that copy the held slot (synchronized_standby_slots) have this of the WAL.
inline bool standbys_have(XLogRecPtr position) {
#if PG_VERSION_NUM >= 170000
  return !MyReplicationSlot->data.failover || StandbySlotsHaveCaughtup(position, DEBUG1);
#else
  (void)position;
  return true;
#endif
}

// The process that holds a slot whose mutex is held; 0: none. 19 names it by the number of its PGPROC.
inline pid_t slot_holder(const ReplicationSlot* slot) {
#if PG_VERSION_NUM >= 190000
  return slot->active_proc == INVALID_PROC_NUMBER ? 0 : GetPGProcByNumber(slot->active_proc)->pid;
#else
  return slot->active_pid;
#endif
}

// 18 added error_if_invalid to ReplicationSlotAcquire (f41d8468ddea).
inline void slot_acquire(const char* name, bool nowait) {
#if PG_VERSION_NUM >= 180000
  ReplicationSlotAcquire(name, nowait, false);
#else
  ReplicationSlotAcquire(name, nowait);
#endif
}

// 19 tells slots of REPACK from others.
inline void check_decoding_requirements() {
#if PG_VERSION_NUM >= 190000
  CheckLogicalDecodingRequirements(false);
#else
  CheckLogicalDecodingRequirements();
#endif
}

// The context that finds where the slot just made begins. On 19 the level of WAL is raised first.
inline LogicalDecodingContext* init_decoding(const char* plugin, XLogReaderRoutine* routine) {
#if PG_VERSION_NUM >= 190000
  EnsureLogicalDecodingEnabled();
  return CreateInitDecodingContext(plugin, NIL, false, false, InvalidXLogRecPtr, routine, nullptr, nullptr,
                                   nullptr);
#else
  return CreateInitDecodingContext(plugin, NIL, false, InvalidXLogRecPtr, routine, nullptr, nullptr, nullptr);
#endif
}

// 16 replaced data.invalidated_at by data.invalidated (15f8203a5975).
inline bool slot_is_invalidated(const ReplicationSlot* slot) {
#if PG_VERSION_NUM >= 160000
  return slot->data.invalidated != RS_INVAL_NONE;
#else
  return slot->data.invalidated_at != InvalidXLogRecPtr;
#endif
}

}  // namespace trending::compat
