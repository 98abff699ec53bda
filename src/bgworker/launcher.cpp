#include "bgworker/launcher.h"

#include "postgres/guard.h"
#include "shmem/directory.h"

namespace trending {

namespace {

constexpr int kFirstDelayMs = 1000;         // after the first failure of a worker, then doubled ...
constexpr int kLongestDelayMs = 60 * 1000;  // ... up to this
constexpr int kRetryMs = 30 * 1000;         // when a worker cannot run for a reason that somebody must remove
constexpr long kIdleMs = 60 * 1000;

// The launcher's own knowledge of the workers it started, beside the directory's entries.
struct Started {
  Oid database;
  BackgroundWorkerHandle* handle;
};
Started* started = nullptr;  // [directory->capacity]

// Lists connectable databases; templates cannot have live tables and must stay free for CREATE DATABASE.
List* list_databases() {
  MemoryContext caller = CurrentMemoryContext;
  List* databases = NIL;
  StartTransactionCommand();
  Relation catalog = table_open(DatabaseRelationId, AccessShareLock);
  TableScanDesc scan = table_beginscan_catalog(catalog, 0, nullptr);
  HeapTuple tuple = nullptr;
  while ((tuple = heap_getnext(scan, ForwardScanDirection)) != nullptr) {
    auto* row = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple));
    if (row->datistemplate || !row->datallowconn) continue;
    MemoryContext transaction = MemoryContextSwitchTo(caller);
    databases = lappend_oid(databases, row->oid);
    MemoryContextSwitchTo(transaction);
  }
  table_endscan(scan);
  table_close(catalog, AccessShareLock);
  CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
  return databases;
}

void want_every_database() {
  List* databases = list_databases();
  ListCell* cell = nullptr;
  foreach (cell, databases) {
    DatabaseShared* entry = directory_ensure(lfirst_oid(cell));
    if (entry == nullptr) {
      ereport(WARNING, (errmsg("trending follows no more than %d databases", directory->capacity),
                        errhint("Raise trending.max_databases and restart the server.")));
      break;
    }
    // A worker that outlived an earlier launcher goes on.
    if (entry->worker_pid == 0) database_set_state(entry, WorkerState::kWanted, nullptr, nullptr);
  }
  list_free(databases);
}

void start_worker(DatabaseShared* entry, Started* mine) {
  BackgroundWorker worker;
  worker_describe(&worker, entry->database);
  worker.bgw_notify_pid = MyProcPid;
  if (RegisterDynamicBackgroundWorker(&worker, &mine->handle)) {
    mine->database = entry->database;
    pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kStarting));
    return;
  }
  mine->handle = nullptr;
  entry->next_start = GetCurrentTimestamp() + INT64CONST(1000) * kRetryMs;
  database_set_state(entry, WorkerState::kUnavailable, "no background worker is free",
                     "Raise max_worker_processes and restart the server.");
  ereport(LOG, (errmsg("trending could not start a worker for database %u", entry->database),
                errdetail("No background worker is free."),
                errhint("Raise max_worker_processes and restart the server.")));
}

// Reacts to the end of a worker. Its entry's state tells how it ended.
void settle_ended_worker(DatabaseShared* entry, Started* mine) {
  pid_t pid = 0;
  if (GetBackgroundWorkerPid(mine->handle, &pid) != BGWH_STOPPED) return;
  pfree(mine->handle);
  mine->handle = nullptr;
  if (entry->database != mine->database) return;  // the entry was given away meanwhile
  TimestampTz now = GetCurrentTimestamp();
  switch (database_state(entry)) {
    case WorkerState::kNone:  // the worker found no extension
      directory_remove(entry->database);
      break;
    case WorkerState::kPaused:
    case WorkerState::kWanted:
      break;
    case WorkerState::kUnavailable:  // the reason is in the entry
      entry->failures = 0;
      entry->next_start = now + INT64CONST(1000) * kRetryMs;
      break;
    default: {
      int64 delay = static_cast<int64>(kFirstDelayMs) << Min(entry->failures, 6);
      entry->next_start = now + INT64CONST(1000) * Min(delay, static_cast<int64>(kLongestDelayMs));
      entry->failures++;
      database_set_state(entry, WorkerState::kUnavailable, "the worker ended with an error",
                         "See the server log; it is started again by itself.");
      break;
    }
  }
}

// One round over all entries. Returns how long to sleep, in milliseconds.
long tend_workers() {
  long sleep_ms = kIdleMs;
  TimestampTz now = GetCurrentTimestamp();
  for (int i = 0; i < directory->capacity; i++) {
    DatabaseShared* entry = &directory->databases[i];
    Started* mine = &started[i];
    if (mine->handle != nullptr) {
      settle_ended_worker(entry, mine);
      if (mine->handle != nullptr) continue;
    }
    if (!OidIsValid(entry->database)) continue;
    WorkerState state = database_state(entry);
    if (state == WorkerState::kWanted) {
      start_worker(entry, mine);
    } else if (state == WorkerState::kUnavailable) {
      long wait = static_cast<long>(entry->next_start - now) / 1000;
      if (wait <= 0) {
        start_worker(entry, mine);
      } else {
        sleep_ms = Min(sleep_ms, wait + 1);
      }
    }
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

  want_every_database();
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
    long sleep_ms = tend_workers();
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, sleep_ms, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
  }
}

void describe(BackgroundWorker* worker, const char* function) {
  memset(worker, 0, sizeof(*worker));
  worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
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
