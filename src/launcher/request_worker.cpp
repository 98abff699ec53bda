// SPDX-License-Identifier: PostgreSQL
// trending_internal.request_worker(), which CREATE EXTENSION calls at its end, and trending.reset_slot().
#include "decoder/slot.h"
#include "launcher/hooks.h"
#include "launcher/launcher.h"
#include "postgres/guard.h"
#include "shmem/directory.h"

namespace trending {

namespace {

void warn(const char* message, const char* hint) {
  ereport(WARNING,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", message), errhint("%s", hint)));
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(request_worker) {
  using namespace trending;
  if (IsBinaryUpgrade) PG_RETURN_VOID();
  if (directory == nullptr) {
    warn("trending is not loaded into the server, so no trend is followed",
         "Add trending to shared_preload_libraries and restart the server.");
    PG_RETURN_VOID();
  }
  if (!compat::wal_can_be_logical()) {
    warn("wal_level is below " TRENDING_WAL_LEVEL ", so no trend is followed",
         "Set wal_level = " TRENDING_WAL_LEVEL " and restart the server.");
  } else if (!slot_is_free()) {
    warn("no replication slot is free, so no trend is followed",
         "Raise max_replication_slots and restart the server.");
  } else if (!worker_slot_is_free()) {
    warn("no background worker is free, so no trend is followed",
         "Raise max_worker_processes and restart the server.");
  }
  if (database_shared() == nullptr && directory_is_full()) {
    warn("trending.max_databases databases are followed already, so no trend of this one is",
         "Raise trending.max_databases and restart the server.");
  }
  request_worker_at_commit();
  PG_RETURN_VOID();
}

TRENDING_FUNCTION(reset_slot) {
  using namespace trending;
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) raise_not_serving(nullptr);
  // The next worker obeys.
  pg_atomic_write_u32(&entry->reset, static_cast<uint32>(SlotReset::kAsked));
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  pid_t pid = entry->worker_pid;
  entry->next_start = 0;
  LWLockRelease(&directory->lock);
  if (pid != 0) kill(pid, SIGTERM);
  directory_wake_launcher();
  PG_RETURN_VOID();
}
