// SPDX-License-Identifier: PostgreSQL
#include "launcher/hooks.h"

#include "launcher/make_way.h"
#include "postgres/guard.h"
#include "shmem/directory.h"

namespace trending {

namespace {

object_access_hook_type next_object_access = nullptr;
ProcessUtility_hook_type next_process_utility = nullptr;

// By this transaction:
bool worker_requested = false;
bool databases_changed = false;

// --- commit ---

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
  const auto sleep = static_cast<Sleep>(pg_atomic_read_u32(&entry->sleep));
  if (sleep == Sleep::kAwake) return;
  // Some of these are flushed all the same; the worker sees them with its next flush.
  if (sleep == Sleep::kForFlushed && synchronous_commit == SYNCHRONOUS_COMMIT_OFF) return;
  Latch* latch = entry->latch;
  if (latch != nullptr) SetLatch(latch);
}

void start_requested_worker() {
  worker_requested = false;
  DatabaseShared* entry = directory_ensure(MyDatabaseId);
  if (entry == nullptr) {  // CREATE EXTENSION warned; the launcher looks again when there is room
    pg_atomic_write_u32(&directory->asked_in_vain, 1);
    return;
  }
  if (entry->worker_pid == 0) pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kWanted));
  directory_wake_launcher();
}

// The launcher may have a worker to start, or one that was kept away to bring back.
void tell_of_databases() {
  pg_atomic_write_u32(&directory->databases_changed, 1);
  directory_wake_launcher();
}

void transaction_ended(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT) {
    wake_worker();
    if (worker_requested) start_requested_worker();
    if (databases_changed) tell_of_databases();
  }
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    worker_requested = databases_changed = false;
  }
}

// --- databases that come, change and go ---

// DROP DATABASE refuses while a slot is active, and it checks that before it ends anybody's session. It has
// locked the database when it comes here.
void on_object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void* argument) {
  if (next_object_access != nullptr) next_object_access(access, class_id, object_id, sub_id, argument);
  if (class_id != DatabaseRelationId) return;
  if (access == OAT_DROP) end_worker(object_id);
  if (access == OAT_DROP || access == OAT_POST_CREATE || access == OAT_POST_ALTER) databases_changed = true;
}

void process_utility(PlannedStmt* statement, const char* query, bool read_only_tree,
                     ProcessUtilityContext context, ParamListInfo params, QueryEnvironment* environment,
                     DestReceiver* dest, QueryCompletion* completion) {
  if (IsTransactionState()) {
    make_way_for(statement->utilityStmt);
    version_check_command(statement->utilityStmt);
  }
  ProcessUtility_hook_type run =
      next_process_utility != nullptr ? next_process_utility : standard_ProcessUtility;
  run(statement, query, read_only_tree, context, params, environment, dest, completion);
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
