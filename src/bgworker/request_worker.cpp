// trending.request_worker(): what CREATE EXTENSION calls at its end.
#include "bgworker/hooks.h"
#include "bgworker/launcher.h"
#include "decoder/slot.h"
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
  if (directory == nullptr) {
    warn("trending is not loaded into the server, so no trend is followed",
         "Add trending to shared_preload_libraries and restart the server.");
    PG_RETURN_VOID();
  }
  if (!compat::wal_is_logical()) {
    warn("wal_level is below logical, so no trend is followed",
         "Set wal_level = logical and restart the server.");
  } else if (!slot_is_free()) {
    warn("no replication slot is free, so no trend is followed",
         "Raise max_replication_slots and restart the server.");
  } else if (!worker_slot_is_free()) {
    warn("no background worker is free, so no trend is followed",
         "Raise max_worker_processes and restart the server.");
  }
  request_worker_at_commit();
  PG_RETURN_VOID();
}
