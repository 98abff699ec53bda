#include "bgworker/hooks.h"

#include "bgworker/launcher.h"
#include "definition/column_rename.h"
#include "postgres/guard.h"
#include "shmem/area.h"
#include "shmem/directory.h"

namespace trending {

namespace {

object_access_hook_type next_object_access = nullptr;
ProcessUtility_hook_type next_process_utility = nullptr;

bool worker_requested = false;  // by this transaction

// Longest time that DROP DATABASE and its kin wait for the worker to leave.
constexpr int kPauseTimeoutMs = 10 * 1000;

// -- commit
// -----------------------------------------------------------------------------------------------------

void raise_published(DatabaseShared* entry, XLogRecPtr commit) {
  uint64 published = pg_atomic_read_u64(&entry->published_commit);
  while (published < commit &&
         !pg_atomic_compare_exchange_u64(&entry->published_commit, &published, commit)) {
  }
}

// Runs after the transaction has become visible to others. Must not fail: nothing here allocates or locks.
void wake_worker() {
  static XLogRecPtr last_published = InvalidXLogRecPtr;
  if (XactLastCommitEnd == last_published) return;  // nothing was written
  last_published = XactLastCommitEnd;
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) return;
  raise_published(entry, XactLastCommitEnd);  // a full barrier: the worker rechecks after it says it sleeps
  if (pg_atomic_read_u32(&entry->sleeping) == 0) return;
  Latch* latch = entry->latch;
  if (latch != nullptr) SetLatch(latch);
}

void start_requested_worker() {
  worker_requested = false;
  DatabaseShared* entry = directory_ensure(MyDatabaseId);
  if (entry == nullptr) return;  // CREATE EXTENSION warned
  if (entry->worker_pid == 0) pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kWanted));
  directory_wake_launcher();
}

void transaction_ended(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT) {
    wake_worker();
    if (worker_requested) start_requested_worker();
  } else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    worker_requested = false;
  }
}

// -- keeping out of the way
// -------------------------------------------------------------------------------------

// Asks the worker of a database to leave and waits until it has. Returns whether there was one to bring back.
bool pause_worker(Oid database) {
  DatabaseShared* entry = directory_find(database);
  if (entry == nullptr || database_state(entry) == WorkerState::kNone) return false;
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kPaused));
  pid_t pid = entry->worker_pid;
  LWLockRelease(&directory->lock);
  for (int waited = 0; pid != 0 && waited < kPauseTimeoutMs; waited += 10) {
    if (waited % 500 == 0) kill(pid, SIGTERM);
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
    LWLockAcquire(&directory->lock, LW_SHARED);
    pid = entry->worker_pid;
    LWLockRelease(&directory->lock);
  }
  return true;
}

void resume_worker(Oid database) {
  DatabaseShared* entry = directory_find(database);
  if (entry == nullptr || database_state(entry) != WorkerState::kPaused) return;
  pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kWanted));
  directory_wake_launcher();
}

// DROP DATABASE refuses while a slot is active, and it checks that before it ends anybody's session.
void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void* argument) {
  if (next_object_access != nullptr) next_object_access(access, class_id, object_id, sub_id, argument);
  if (access == OAT_DROP && class_id == DatabaseRelationId) pause_worker(object_id);
}

// The database that a command needs without any session in it, or InvalidOid.
Oid database_to_leave(Node* command) {
  const char* name = nullptr;
  if (IsA(command, DropdbStmt)) {
    name = reinterpret_cast<DropdbStmt*>(command)->dbname;
  } else if (IsA(command, RenameStmt) &&
             reinterpret_cast<RenameStmt*>(command)->renameType == OBJECT_DATABASE) {
    name = reinterpret_cast<RenameStmt*>(command)->subname;
  } else if (IsA(command, CreatedbStmt)) {
    ListCell* cell = nullptr;
    foreach (cell, reinterpret_cast<CreatedbStmt*>(command)->options) {
      auto* option = lfirst_node(DefElem, cell);
      if (strcmp(option->defname, "template") == 0 && option->arg != nullptr) name = defGetString(option);
    }
  } else if (IsA(command, AlterDatabaseStmt)) {
    auto* statement = reinterpret_cast<AlterDatabaseStmt*>(command);
    ListCell* cell = nullptr;
    foreach (cell, statement->options) {
      if (strcmp(lfirst_node(DefElem, cell)->defname, "tablespace") == 0) name = statement->dbname;
    }
  }
  return name != nullptr ? get_database_oid(name, true) : InvalidOid;
}

// Only a user who could carry the command out may move the worker: its owner, or for a template whoever may
// create databases (the command itself checks the rest).
bool may_pause(Oid database, Node* command) {
  if (IsA(command, CreatedbStmt)) return superuser() || compat::may_create_databases(GetUserId());
  return compat::database_ownercheck(database, GetUserId());
}

void run_next_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                      ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                      DestReceiver* dest, QueryCompletion* completion) {
  ProcessUtility_hook_type run =
      next_process_utility != nullptr ? next_process_utility : standard_ProcessUtility;
  run(statement, query, read_only_tree, context, params, environment, dest, completion);
}

// Definitions of trends follow when a column that they read is renamed.
void run_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                 ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                 DestReceiver* dest, QueryCompletion* completion) {
  List* renamed = IsTransactionState() ? column_rename_begin(statement->utilityStmt) : NIL;
  run_next_utility(statement, query, read_only_tree, context, params, environment, dest, completion);
  column_rename_end(renamed);
}

void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                     ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                     DestReceiver* dest, QueryCompletion* completion) {
  Node* command = statement->utilityStmt;
  Oid database = IsTransactionState() ? database_to_leave(command) : InvalidOid;
  if (!OidIsValid(database) || !may_pause(database, command) || !pause_worker(database)) {
    run_utility(statement, query, read_only_tree, context, params, environment, dest, completion);
    return;
  }
  PG_TRY();
  { run_utility(statement, query, read_only_tree, context, params, environment, dest, completion); }
  PG_CATCH();
  {
    resume_worker(database);
    PG_RE_THROW();
  }
  PG_END_TRY();
  if (IsA(command, DropdbStmt)) {
    area_discard(directory_find(database));
    directory_remove(database);
  } else {
    resume_worker(database);
  }
}

}  // namespace

void request_worker_at_commit() {
  worker_requested = true;
}

void hooks_install() {
  RegisterXactCallback(transaction_ended, nullptr);
  next_object_access = object_access_hook;
  object_access_hook = on_object_access;
  next_process_utility = ProcessUtility_hook;
  ProcessUtility_hook = process_utility;
}

}  // namespace trending
