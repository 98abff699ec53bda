// SPDX-License-Identifier: PostgreSQL
#include "bgworker/worker_start.h"

#include "bgworker/checkpoint/checkpoint.h"
#include "bgworker/intake/collector.h"
#include "bgworker/process/open_transactions.h"
#include "bgworker/process/session.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/worker_end.h"
#include "bgworker/process/title.h"
#include "decoder/slot.h"
#include "decoder/slot_start.h"
#include "postgres/settings.h"
#include "postgres/version.h"

namespace trending {

namespace {

constexpr int64 kTellUs = 500 * INT64CONST(1000);  // between two looks who is waited for
constexpr long kSlotLookMs = 100;

TimestampTz waiting_told_at = 0;  // when the status last said whom the start of decoding waits for

// --- the database ---

void leave_if_not_installed() {
  worker_begin();
  bool installed = OidIsValid(get_extension_oid("trending", true));
  strlcpy(worker->database_name, get_database_name(MyDatabaseId), NAMEDATALEN);
  VersionWords words;
  const bool fits = version_fits(&words);
  worker_commit();
  if (!fits) leave_unavailable(words.message, words.hint);  // the slot stays, and trends go on from it
  if (installed) return;
  // Left behind when the extension was dropped while no worker ran; it would hold WAL for ever.
  if (!RecoveryInProgress()) drop_own_slots();
  leave_uninstalled();
}

// --- the slot ---

// Says whom the start of decoding awaits. The extension may be dropped meanwhile; the slot is dropped with us
// then.
void show_waiting(const TransactionId* xids, int count) {
  TimestampTz now = GetCurrentTimestamp();
  if (count == 0) {
    waiting_told_at = 0;
    return database_set_state(worker->entry, WorkerState::kRecovering, nullptr, nullptr);
  }
  if (now - waiting_told_at < kTellUs) return;
  waiting_told_at = now;
  title_show("waiting for open transactions before decoding starts");
  leave_if_not_installed();
  OpenTransactions open = name_transactions(xids, count);
  char message[kMessageSize];
  snprintf(message, sizeof(message), "decoding starts when transactions that are open now have ended: %s",
           open.names);
  database_set_state(
      worker->entry, WorkerState::kRecovering, message,
      open.has_prepared
          ? "Connect to the database of a prepared transaction and end it with COMMIT PREPARED or ROLLBACK "
            "PREPARED; see pg_prepared_xacts. The worker goes on by itself then."
          : "The worker goes on by itself. See pg_stat_activity for sessions that were forgotten; "
            "pg_terminate_backend() ends them.");
}

// Waits until nobody else holds the slot.
void await_release(const char* slot) {
  for (;;) {
    OwnSlot own = own_slot(0);
    if (strcmp(own.name, slot) != 0 || own.active_pid == 0) return;
    char message[kMessageSize];
    char hint[kMessageSize];
    snprintf(message, sizeof(message), "replication slot \"%s\" is in use by process %d", slot,
             own.active_pid);
    snprintf(hint, sizeof(hint),
             "The worker goes on when that process has ended; SELECT pg_terminate_backend(%d) ends it.",
             own.active_pid);
    database_set_state(worker->entry, WorkerState::kRecovering, message, hint);
    title_show("waiting for its replication slot");
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kSlotLookMs,
                    compat::wait_event(compat::Wait::kSlot));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

// Why decoding cannot go on from the slot at the stored position; null when it can.
const char* why_lost(const OwnSlot& slot, XLogRecPtr stored) {
  if (slot.name[0] == '\0') return "Its replication slot is missing.";
  if (slot.invalidated) return "Its replication slot was invalidated: WAL it needed is gone.";
  if (slot.confirmed > stored) return "Its replication slot is ahead of the stored state.";
  switch (static_cast<SlotReset>(pg_atomic_read_u32(&worker->entry->reset))) {
    case SlotReset::kNone:
      break;
    case SlotReset::kUnreadable:
      return "What its replication slot needs of the WAL or the catalog is gone or cannot be read.";
    case SlotReset::kAsked:
      return "trending.reset_slot() was called.";
  }
  return nullptr;
}

// The error of the attempt says what is missing, not a look beforehand: another may take the last slot.
[[noreturn]] void leave_without_slot(const ErrorData* error) {
  if (error->sqlerrcode == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED) {
    leave_unavailable("no replication slot is free",
                      "Raise max_replication_slots and restart the server, or drop a slot that nobody needs; "
                      "see pg_replication_slots.");
  }
  leave_unavailable(error->message, error->hint != nullptr ? error->hint
                                                           : "Set wal_level = " TRENDING_WAL_LEVEL
                                                             " and max_replication_slots above 0, and "
                                                             "restart the server.");
}

bool is_for_somebody_to_remove(int sqlstate) {
  return sqlstate == ERRCODE_CONFIGURATION_LIMIT_EXCEEDED ||
         sqlstate == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
}

XLogRecPtr make_slot(char name[NAMEDATALEN]) {
  if (!free_slot_name(name)) {
    leave_unavailable("all names for its replication slot are taken by slots of others",
                      "Drop one of them, from trending_<OID of the database> on; see pg_replication_slots.");
  }
  ErrorData* volatile error = nullptr;
  volatile XLogRecPtr start = InvalidXLogRecPtr;
  session_limit_locks(false);
  PG_TRY();
  { start = slot_create_and_start(name, settings.failover, show_waiting); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(TopMemoryContext);
    ErrorData* caught = CopyErrorData();
    if (!is_for_somebody_to_remove(caught->sqlerrcode)) PG_RE_THROW();
    FlushErrorState();
    error = caught;
  }
  PG_END_TRY();
  if (error != nullptr) leave_without_slot(error);
  session_limit_locks(true);
  return start;
}

WorkerStart find_start() {
  WorkerStart start = {};
  XLogRecPtr stored = checkpoint_position();
  OwnSlot slot = own_slot(stored);
  const char* lost = stored == InvalidXLogRecPtr ? "" : why_lost(slot, stored);
  if (slot.name[0] != '\0') await_release(slot.name);
  if (lost == nullptr) {
    start.position = stored;
    strlcpy(start.slot, slot.name, NAMEDATALEN);
    return start;
  }
  if (lost[0] != '\0') {
    ereport(WARNING, (errmsg("trending refills all trends of database \"%s\" from their sources",
                             worker->database_name),
                      errdetail_internal("%s", lost)));
  }
  checkpoint_discard();
  drop_own_slots();
  pg_atomic_write_u32(&worker->entry->reset, static_cast<uint32>(SlotReset::kNone));
  start.is_fresh = true;
  start.position = make_slot(start.slot);
  return start;
}

}  // namespace

void worker_connect(Oid database) {
  worker = new Worker();
  if (!pg_strong_random(&worker->hash_seed, sizeof(worker->hash_seed))) {
    elog(ERROR, "could not get random bytes");
  }
  if (!worker_attach(database)) proc_exit(0);
  session_begin();
  // Which databases are followed is the launcher's choice.
  BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
  session_configure();
  title_show("starting");
  leave_if_not_installed();
  worker_sink = collector_create();
}

WorkerStart worker_start() {
  if (!compat::wal_can_be_logical()) {
    leave_unavailable("wal_level is below " TRENDING_WAL_LEVEL,
                      "Set wal_level = " TRENDING_WAL_LEVEL " and restart the server.");
  }
  // What the last one ended for is left in the status until this one runs.
  pg_atomic_write_u32(&worker->entry->state, static_cast<uint32>(WorkerState::kRecovering));
  return find_start();
}

void drop_slot_and_leave() {
  worker->loop.close();
  drop_own_slots();
  area_discard(worker->entry);
  ereport(LOG, (errmsg("trending left database \"%s\": the extension was dropped", worker->database_name)));
  leave_uninstalled();
}

}  // namespace trending
