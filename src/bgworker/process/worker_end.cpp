// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/worker_end.h"

#include <csignal>

#include "bgworker/process/worker.h"
#include "postgres/guard.h"

namespace trending {

namespace {

volatile sig_atomic_t asked_to_end = 0;
bool has_last_word = false;  // why this process ends is in the directory
emit_log_hook_type next_emit_log = nullptr;

void end_when_asked(SIGNAL_ARGS) {
  asked_to_end = 1;
  die(TRENDING_SIGNAL);
}

void leave_word(WorkerState state, const char* message, const char* hint, const char* detail = nullptr) {
  has_last_word = true;
  database_set_state(worker->entry, state, message, hint, detail);
}

void leave_word_of_error(const char* error, int sqlstate) {
  char message[kMessageSize];
  snprintf(message, sizeof(message), "the worker ended with an error (SQLSTATE %s)",
           unpack_sql_state(sqlstate));
  leave_word(WorkerState::kFailed, message,
             "It is started again by itself. If it ends so again and again, see the server log; "
             "trending.reset_slot() makes a new replication slot and refills all trends from their sources.",
             error);
}

// FATAL errors end the process at once. They pass here, whatever the server logs.
void on_message(ErrorData* error) {
  if (next_emit_log != nullptr) next_emit_log(error);
  if (error->elevel != FATAL || has_last_word || asked_to_end != 0) return;
  LWLockReleaseAll();
  leave_word_of_error(error->message, error->sqlerrcode);
}

void detach(int, Datum) {
  DatabaseShared* entry = worker->entry;
  LWLockReleaseAll();
  if (!has_last_word && asked_to_end != 0) leave_word(WorkerState::kWanted, nullptr, nullptr);
  if (!has_last_word) leave_word(WorkerState::kFailed, nullptr, nullptr);
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  entry->worker_pid = 0;
  entry->latch = nullptr;
  LWLockRelease(&directory->lock);
  pg_atomic_write_u32(&entry->sleep, static_cast<uint32>(Sleep::kAwake));
  ConditionVariableBroadcast(&entry->changed);
  directory_wake_launcher();
}

}  // namespace

bool worker_attach(Oid database) {
  pqsignal(SIGTERM, end_when_asked);
  pqsignal(SIGHUP, SignalHandlerForConfigReload);
  DatabaseShared* entry = directory_find(database);
  if (entry == nullptr) return false;
  worker->entry = entry;
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  bool is_first = entry->worker_pid == 0;
  if (is_first) {
    entry->worker_pid = MyProcPid;
    entry->latch = MyLatch;
    pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kStarting));
    pg_atomic_write_u32(&entry->leave, 0);
  }
  LWLockRelease(&directory->lock);
  if (!is_first) return false;
  // Not before_shmem_exit: by then the replication slot is released, which DROP DATABASE waits for.
  on_shmem_exit(detach, 0);
  next_emit_log = emit_log_hook;
  emit_log_hook = on_message;
  BackgroundWorkerUnblockSignals();
  return true;
}

void leave_unavailable(const char* message, const char* hint) {
  if (strcmp(worker->entry->message, message) != 0) {
    ereport(LOG, (errmsg("trending cannot follow database \"%s\": %s", worker->database_name, message),
                  hint != nullptr ? errhint("%s", hint) : 0));
  }
  leave_word(WorkerState::kUnavailable, message, hint);
  proc_exit(0);
}

void leave_to_make_way() {
  leave_word(WorkerState::kWanted, nullptr, nullptr);
  proc_exit(0);
}

void leave_uninstalled() {
  leave_word(WorkerState::kNone, nullptr, nullptr);
  proc_exit(0);
}

void leave_overrun(int32 trend_id) {
  leave_word(WorkerState::kWanted, nullptr, nullptr);
  ereport(FATAL, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                  errmsg("an expression of trend %d took too long and could not be cancelled", trend_id),
                  errdetail("The worker is started again, without that trend.")));
  pg_unreachable();
}

void note_error() {
  if (worker == nullptr || worker->entry == nullptr) return;
  LWLockReleaseAll();
  ConditionVariableCancelSleep();
  MemoryContextSwitchTo(TopMemoryContext);
  ErrorData* error = CopyErrorData();
  if (worker->loop.decoding != nullptr && worker->loop.is_unreadable(error)) {
    pg_atomic_write_u32(&worker->entry->reset, static_cast<uint32>(SlotReset::kUnreadable));
  }
  leave_word_of_error(error->message, error->sqlerrcode);
  FreeErrorData(error);
}

}  // namespace trending
