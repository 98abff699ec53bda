// SPDX-License-Identifier: PostgreSQL
#include "launcher/launcher.h"

#include <algorithm>

#include "decoder/slot.h"
#include "launcher/make_way.h"
#include "postgres/guard.h"
#include "shmem/area.h"
#include "shmem/directory.h"

namespace trending {

namespace {

constexpr int kFirstDelayMs = 1000;         // after the first failure of a worker, then doubled ...
constexpr int kLongestDelayMs = 60 * 1000;  // ... up to this
constexpr int kRetryMs = 10 * 1000;         // when a worker cannot run for a reason that somebody must remove
constexpr long kIdleMs = 60 * 1000;
constexpr long kLockedMs = 100;  // between looks whether a database is still locked
// Workers that look at the same time whether their database has the extension, so that a server of many
// databases keeps background workers for others.
constexpr int kMostStarting = 4;

// The launcher's own knowledge of the workers it started, beside the directory's entries.
struct Started {
  Oid database;
  BackgroundWorkerHandle* handle;
};
Started* started = nullptr;  // [directory->capacity]

List* known = NIL;          // eligible databases that a worker has been wanted for
bool told_of_room = false;  // that there is no room for some database is in the log

// --- which databases ---

// Whether a database may have live trends. Templates and databases without connections are left alone, unless
// there is a slot already: nobody else would move it on, and it would hold WAL for ever.
bool is_eligible(Form_pg_database row) {
  return (!row->datistemplate && row->datallowconn) || database_has_slot(row->oid);
}

struct Databases {
  List* all;
  List* eligible;
};

Databases list_databases() {
  MemoryContext caller = CurrentMemoryContext;
  Databases databases = {NIL, NIL};
  StartTransactionCommand();
  Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
  TableScanDesc scan = table_beginscan_catalog(catalog, 0, nullptr);
  HeapTuple tuple = nullptr;
  while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
    auto* row = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    bool eligible = is_eligible(row);
    MemoryContext transaction = MemoryContextSwitchTo(caller);
    databases.all = lappend_oid(databases.all, row->oid);
    if (eligible) databases.eligible = lappend_oid(databases.eligible, row->oid);
    MemoryContextSwitchTo(transaction);
  }
  table_endscan(scan);
  table_close(catalog, AccessShareLock);
  CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
  return databases;
}

// An entry is freed: a database that found none may have it.
void free_entry(DatabaseShared* entry) {
  area_discard(entry);
  directory_remove(entry->database);
  if (pg_atomic_exchange_u32(&directory->asked_in_vain, 0) != 0) {  // we do not know which: look into each
    list_free(known);
    known = NIL;
  }
  if (pg_atomic_exchange_u32(&directory->is_full, 0) == 0) return;
  pg_atomic_write_u32(&directory->databases_changed, 1);
}

void forget_dropped(const List* all) {
  for (int i = 0; i < directory->capacity; i++) {
    DatabaseShared* entry = &directory->databases[i];
    if (!OidIsValid(entry->database) || entry->worker_pid != 0) continue;
    if (!list_member_oid(all, entry->database)) free_entry(entry);
  }
}

// Whether every entry is that of a database with the extension, as far as is known.
bool is_full_for_good() {
  for (int i = 0; i < directory->capacity; i++) {
    WorkerState state = database_state(&directory->databases[i]);
    if (state == WorkerState::kNone || state == WorkerState::kWanted || state == WorkerState::kStarting) {
      return false;
    }
  }
  return true;
}

// False: the directory has no room for the database now.
bool want_worker(Oid database) {
  DatabaseShared* entry = directory_ensure(database);
  if (entry == nullptr) {
    if (is_full_for_good() && !told_of_room) {
      told_of_room = true;
      ereport(WARNING, (errmsg("trending follows no more than %d databases", directory->capacity),
                        errhint("Raise trending.max_databases and restart the server.")));
    }
    return false;
  }
  // A worker that outlived an earlier launcher goes on.
  if (entry->worker_pid == 0) database_set_state(entry, WorkerState::kWanted, nullptr, nullptr);
  return true;
}

// Looks for databases that have come, become eligible, or gone.
void look_at_databases() {
  Databases databases = list_databases();
  forget_dropped(databases.all);
  List* wanted = NIL;
  ListCell* cell = nullptr;
  foreach (cell, databases.eligible) {
    Oid database = lfirst_oid(cell);
    bool is_old = list_member_oid(known, database) || directory_find(database) != nullptr;
    if (is_old || want_worker(database)) wanted = lappend_oid(wanted, database);
  }
  list_free(known);
  known = wanted;
  list_free(databases.eligible);
  list_free(databases.all);
}

// --- their workers ---

void start_worker(DatabaseShared* entry, Started* mine) {
  if (database_is_locked(entry->database)) {
    if (database_state(entry) != WorkerState::kPaused) {
      database_set_state(entry, WorkerState::kPaused, nullptr, nullptr);
    }
    return;
  }
  BackgroundWorker worker;
  worker_describe(&worker, entry->database);
  worker.bgw_notify_pid = MyProcPid;
  // Before it is there, for it says itself how far it has come.
  pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kStarting));
  if (RegisterDynamicBackgroundWorker(&worker, &mine->handle)) {
    mine->database = entry->database;
    pg_atomic_fetch_add_u64(&entry->starts, 1);
    return;
  }
  mine->handle = nullptr;
  entry->next_start = GetCurrentTimestamp() + INT64CONST(1000) * kRetryMs;
  bool is_news = strcmp(entry->message, "no background worker is free") != 0;
  database_set_state(entry, WorkerState::kUnavailable, "no background worker is free",
                     "Raise max_worker_processes and restart the server.");
  if (!is_news) return;
  ereport(LOG, (errmsg("trending could not start a worker for database %u", entry->database),
                errdetail("No background worker is free."),
                errhint("Raise max_worker_processes and restart the server.")));
}

// Reacts to the end of a worker. Its entry's state tells how it ended (worker_end.h).
void settle_ended_worker(DatabaseShared* entry, Started* mine) {
  pid_t pid = 0;
  if (GetBackgroundWorkerPid(mine->handle, &pid) != BGWH_STOPPED) return;
  pfree(mine->handle);
  mine->handle = nullptr;
  // The entry was given away meanwhile, or is that of a worker of an earlier launcher's.
  if (entry->database != mine->database || entry->worker_pid != 0) return;
  TimestampTz now = GetCurrentTimestamp();
  switch (database_state(entry)) {
    case WorkerState::kNone:
      free_entry(entry);
      break;
    case WorkerState::kWanted:
      break;
    case WorkerState::kUnavailable:
      entry->failures = 0;
      entry->next_start = now + INT64CONST(1000) * kRetryMs;
      break;
    case WorkerState::kStarting:  // it did not come so far as to say more
      database_set_state(entry, WorkerState::kFailed, nullptr, nullptr);
      [[fallthrough]];
    default: {
      int64 delay = static_cast<int64>(kFirstDelayMs) << std::min(entry->failures, 6);
      entry->next_start = now + INT64CONST(1000) * std::min(delay, static_cast<int64>(kLongestDelayMs));
      entry->failures++;
      // The database may have been dropped or moved under it.
      pg_atomic_write_u32(&directory->databases_changed, 1);
      break;
    }
  }
}

bool is_starting(int i) {
  return started[i].handle != nullptr && database_state(&directory->databases[i]) == WorkerState::kStarting;
}

int count_starting() {
  int count = 0;
  for (int i = 0; i < directory->capacity; i++) count += is_starting(i) ? 1 : 0;
  return count;
}

// Starts the worker of an entry if it is time. Returns how long to wait until it is, in milliseconds.
long start_if_due(DatabaseShared* entry, Started* mine, TimestampTz now) {
  WorkerState state = database_state(entry);
  if (state == WorkerState::kNone) return kIdleMs;
  if (state == WorkerState::kUnavailable || state == WorkerState::kFailed) {
    long wait = static_cast<long>(entry->next_start - now) / 1000;
    if (wait > 0) return wait + 1;
  }
  if (count_starting() >= kMostStarting) return kIdleMs;  // the end of each of them wakes us
  start_worker(entry, mine);
  return database_state(entry) == WorkerState::kPaused ? kLockedMs : kIdleMs;
}

// One round over all entries. Returns how long to sleep, in milliseconds.
long tend_workers() {
  long sleep_ms = kIdleMs;
  TimestampTz now = GetCurrentTimestamp();
  for (int i = 0; i < directory->capacity; i++) {
    DatabaseShared* entry = &directory->databases[i];
    if (started[i].handle != nullptr) settle_ended_worker(entry, &started[i]);
    if (started[i].handle != nullptr || !OidIsValid(entry->database) || entry->worker_pid != 0) continue;
    // One that found no extension, and was not ours to settle.
    if (started[i].database == entry->database && database_state(entry) == WorkerState::kNone) {
      free_entry(entry);
      started[i].database = InvalidOid;
      continue;
    }
    sleep_ms = std::min(sleep_ms, start_if_due(entry, &started[i], now));  // once, unlike by std::min()
  }
  return sleep_ms;
}

void forget_latch(int, Datum) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  directory->launcher_latch = nullptr;
  LWLockRelease(&directory->lock);
}

void launcher_run() {
  pqsignal(SIGTERM, die);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
  started =
      static_cast<Started*>(MemoryContextAllocZero(TopMemoryContext, sizeof(Started) * directory->capacity));
  before_shmem_exit(forget_latch, 0);
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  directory->launcher_latch = MyLatch;
  LWLockRelease(&directory->lock);

  pg_atomic_write_u32(&directory->databases_changed, 1);
  TimestampTz looked = 0;
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
    TimestampTz now = GetCurrentTimestamp();
    if (pg_atomic_exchange_u32(&directory->databases_changed, 0) != 0 || now - looked > kIdleMs * 1000) {
      look_at_databases();
      looked = now;
    }
    long sleep_ms = tend_workers();
    if (pg_atomic_read_u32(&directory->databases_changed) != 0) continue;
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, sleep_ms,
                    compat::wait_event(compat::Wait::kLauncher));
    ResetLatch(MyLatch);
  }
}

void describe(BackgroundWorker* worker, const char* function) {
  memset(worker, 0, sizeof(*worker));
  worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker->bgw_start_time = BgWorkerStart_ConsistentState;
  worker->bgw_restart_time = BGW_NEVER_RESTART;
  strlcpy(worker->bgw_library_name, "trending", sizeof(worker->bgw_library_name));
  strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

}  // namespace

void launcher_register() {
  BackgroundWorker worker;
  describe(&worker, "trending_launcher_main");
  worker.bgw_restart_time = 5;
  strlcpy(worker.bgw_name, "trending launcher", BGW_MAXLEN);
  strlcpy(worker.bgw_type, "trending launcher", BGW_MAXLEN);
  RegisterBackgroundWorker(&worker);
}

void worker_describe(BackgroundWorker* worker, Oid database) {
  describe(worker, "trending_worker_main");
  snprintf(worker->bgw_name, BGW_MAXLEN, "trending worker for database %u", database);
  strlcpy(worker->bgw_type, "trending worker", BGW_MAXLEN);
  worker->bgw_main_arg = ObjectIdGetDatum(database);
}

bool worker_slot_is_free() {
  BackgroundWorker worker;
  describe(&worker, "trending_probe_main");
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
  strlcpy(worker.bgw_name, "trending probe", BGW_MAXLEN);
  strlcpy(worker.bgw_type, "trending probe", BGW_MAXLEN);
  return RegisterDynamicBackgroundWorker(&worker, nullptr);
}

}  // namespace trending

extern "C" {
PGDLLEXPORT void trending_launcher_main(Datum) {
  trending::guarded(trending::launcher_run);
}
PGDLLEXPORT void trending_probe_main(Datum) {}
}
