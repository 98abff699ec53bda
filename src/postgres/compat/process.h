// SPDX-License-Identifier: PostgreSQL
// Processes: what they wait for, locks, signals, settings. See compat.h.
#pragma once

namespace trending::compat {

// What our processes and readers wait for, in pg_stat_activity. 17 lets extensions name it (c9af054653077); before
// that all of them are "Extension".
enum class Wait : uint8_t { kLauncher, kMakeWay, kWorker, kCommitVisible, kSlot, kReader, kVerify };
inline uint32 wait_event(Wait wait) {
#if PG_VERSION_NUM >= 170000
  static constexpr const char* kNames[] = {"TrendingLauncherMain",  "TrendingMakeWay",   "TrendingWorkerMain",
                                           "TrendingCommitVisible", "TrendingSlotStart", "TrendingReader",
                                           "TrendingVerify"};
  static uint32 events[lengthof(kNames)];
  uint32& event = events[static_cast<int>(wait)];
  if (event == 0) event = WaitEventExtensionNew(kNames[static_cast<int>(wait)]);
  return event;
#else
  (void)wait;
  return PG_WAIT_EXTENSION;
#endif
}

// 17 named backends by numbers of their PGPROC (ab355e3a88de).
inline int backend_of(const VirtualTransactionId& id) {
#if PG_VERSION_NUM >= 170000
  return id.procNumber;
#else
  return id.backendId;
#endif
}

// 19 keeps the names of lock tranches in shared memory; before, each process is told.
inline int new_tranche(const char* name) {
#if PG_VERSION_NUM >= 190000
  return LWLockNewTrancheId(name);
#else
  (void)name;
  return LWLockNewTrancheId();
#endif
}

inline void name_tranche(int tranche, const char* name) {
#if PG_VERSION_NUM >= 190000
  (void)tranche;
  (void)name;
#else
  LWLockRegisterTranche(tranche, name);
#endif
}

// Releases all LWLocks that this process holds but one, which may be null. 19 does not tell any more which they
// are; its locks on buffers are released with their pins, so the fixed ones are left to look for.
inline void release_locks_except(LWLock* kept) {
#if PG_VERSION_NUM >= 190000
  if (kept == nullptr) {
    LWLockReleaseAll();
    return;
  }
  for (int i = 0; i < NUM_FIXED_LWLOCKS; i++) {
    LWLock* lock = &MainLWLockArray[i].lock;
    if (!LWLockHeldByMe(lock)) continue;
    HOLD_INTERRUPTS();  // which the release undoes
    LWLockRelease(lock);
  }
#else
  struct Locks {
    LWLock* kept;
    LWLock* found;
  };
  for (;;) {
    Locks locks = {kept, nullptr};
    ForEachLWLockHeldByMe(
        [](LWLock* lock, LWLockMode, void* context) {
          auto* seen = static_cast<Locks*>(context);
          if (lock != seen->kept) seen->found = lock;
        },
        &locks);
    if (locks.found == nullptr) return;
    HOLD_INTERRUPTS();  // which the release undoes
    LWLockRelease(locks.found);
  }
#endif
}

// 16 lets get_guc_variables tell the number of settings (3057465acfbe).
inline config_generic** settings_of_server(int* count) {
#if PG_VERSION_NUM >= 160000
  return get_guc_variables(count);
#else
  *count = GetNumConfigOptions();
  return get_guc_variables();
#endif
}

// Makes a session look for invalidations, and an idle one go through a transaction for it. 17 gave processes
// numbers of their own (024c52111757).
inline int send_catchup_interrupt(pid_t pid) {
#if PG_VERSION_NUM >= 170000
  return SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, INVALID_PROC_NUMBER);
#else
  return SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, InvalidBackendId);
#endif
}

}  // namespace trending::compat
