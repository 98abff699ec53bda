// SPDX-License-Identifier: PostgreSQL
#include "launcher/make_way.h"

#include "shmem/directory.h"

namespace trending {

namespace {

// What a worker that follows the WAL gets to catch up and write a checkpoint; then it is told to end at once.
constexpr int kOrderlyMs = 5 * 1000;
constexpr int kLongestMs = 30 * 1000;
constexpr int kLookMs = 10;
constexpr int kTermEveryMs = 500;

// What a command does to a database that must be without sessions.
struct Claim {
  const char* database;  // null: the command claims none
  LOCKMODE lock;         // as the server takes it
};

const char* text_option(List* options, const char* name) {
  ListCell* cell = nullptr;
  foreach (cell, options) {
    auto* option = lfirst_node(DefElem, cell);
    if (strcmp(option->defname, name) == 0 && option->arg != nullptr) return defGetString(option);
  }
  return nullptr;
}

// DROP DATABASE is not among them: it calls a hook of the server's once it has the lock (hooks.cpp).
Claim claim_of(Node* command) {
  switch (nodeTag(command)) {
    case T_CreatedbStmt: {
      const char* source = text_option(reinterpret_cast<CreatedbStmt*>(command)->options, "template");
      return {source != nullptr ? source : "template1", ShareLock};
    }
    case T_RenameStmt: {
      auto* rename = reinterpret_cast<RenameStmt*>(command);
      if (rename->renameType == OBJECT_DATABASE) return {rename->subname, AccessExclusiveLock};
      break;
    }
    case T_AlterDatabaseStmt: {
      auto* alter = reinterpret_cast<AlterDatabaseStmt*>(command);
      if (text_option(alter->options, "tablespace") != nullptr) return {alter->dbname, AccessExclusiveLock};
      break;
    }
    default:
      break;
  }
  return {nullptr, NoLock};
}

bool is_template(Oid database) {
  HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
  if (!HeapTupleIsValid(tuple)) return false;
  bool is = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datistemplate;
  ReleaseSysCache(tuple);
  return is;
}

// Only a user who could carry the command out may move the worker: its owner, or for a template whoever may
// create databases (the command itself checks the rest).
bool may_claim(Oid database, Node* command) {
  if (IsA(command, CreatedbStmt) && is_template(database) &&
      (superuser() || compat::may_create_databases(GetUserId()))) {
    return true;
  }
  return compat::database_ownercheck(database, GetUserId());
}

// The database of this name, locked. InvalidOid: there is none, or no longer when the lock was got.
Oid lock_database(const Claim& claim) {
  Oid database = get_database_oid(claim.database, true);
  if (!OidIsValid(database)) return InvalidOid;
  LockSharedObject(DatabaseRelationId, database, 0, claim.lock);
  return get_database_oid(claim.database, true) == database ? database : InvalidOid;
}

pid_t pid_of_worker(DatabaseShared* entry) {
  LWLockAcquire(&directory->lock, LW_SHARED);
  pid_t pid = entry->worker_pid;
  LWLockRelease(&directory->lock);
  return pid;
}

// A worker that follows the WAL leaves in good order.
void ask_to_leave(DatabaseShared* entry) {
  pg_atomic_write_u32(&entry->leave, 1);
  LWLockAcquire(&directory->lock, LW_SHARED);
  if (entry->latch != nullptr) SetLatch(entry->latch);
  LWLockRelease(&directory->lock);
}

// Waits until the worker has ended. From `term_after` milliseconds on it is sent SIGTERM.
void await_end(DatabaseShared* entry, int term_after) {
  pid_t pid = 0;
  for (int waited = 0; (pid = pid_of_worker(entry)) != 0 && waited < kLongestMs; waited += kLookMs) {
    if (waited >= term_after && (waited - term_after) % kTermEveryMs == 0) kill(pid, SIGTERM);
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kLookMs,
                    compat::wait_event(compat::Wait::kMakeWay));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

}  // namespace

void end_worker(Oid database) {
  DatabaseShared* entry = directory_find(database);
  if (entry != nullptr) await_end(entry, 0);
}

void make_way_for(Node* command) {
  Claim claim = claim_of(command);
  if (claim.database == nullptr) return;
  Oid database = get_database_oid(claim.database, true);
  // Most databases have no worker, and their locks are none of our business.
  if (!OidIsValid(database) || directory_find(database) == nullptr || !may_claim(database, command)) return;
  database = lock_database(claim);
  DatabaseShared* entry = directory_find(database);
  if (entry == nullptr) return;
  bool follows = database_state(entry) == WorkerState::kRunning;
  if (follows) ask_to_leave(entry);
  await_end(entry, follows ? kOrderlyMs : 0);
}

bool database_is_locked(Oid database) {
  // The lock that a session takes as it begins, if it can be had.
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
  if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL) return true;
  LockRelease(&tag, RowExclusiveLock, true);
  return false;
}

}  // namespace trending
