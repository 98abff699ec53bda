// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/transaction.h"

#include "bgworker/process/session.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "postgres/guard.h"

namespace trending {

namespace {

bool is_part = false;  // of the transaction of worker_read_at_once()

void leave_transaction() {
  compat::session_origin() = compat::kNoOrigin;
  InvalidateSystemCaches();
  MemoryContextSwitchTo(worker->loop.memory != nullptr ? worker->loop.memory : TopMemoryContext);
}

// Asked to end, or the server is in trouble: not ours to survive.
ErrorData* take_error() {
  MemoryContextSwitchTo(TopMemoryContext);
  ErrorData* error = CopyErrorData();
  FlushErrorState();
  return error;
}

ErrorData* try_part(FunctionRef<void()> body) {
  ErrorData* volatile error = nullptr;
  ResourceOwner owner = CurrentResourceOwner;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    worker_begin();
    body();
    worker_commit();
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    error = take_error();
    RollbackAndReleaseCurrentSubTransaction();
  }
  PG_END_TRY();
  CurrentResourceOwner = owner;
  MemoryContextSwitchTo(TopMemoryContext);
  if (error != nullptr && (ProcDiePending || error->elevel > ERROR)) ReThrowError(error);
  return error;
}

// DROP EXTENSION locks the extension, and then table after table of ours in an order of its own, which would
// end in a deadlock with a transaction that uses several. So each locks the extension first. It is awaited
// without a limit: nothing else is held, and nothing can be done before it is dropped or not.
void lock_extension() {
  for (;;) {
    const Oid extension = get_extension_oid("trending", true);
    if (!OidIsValid(extension)) return;
    LOCKTAG tag;
    SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
    if (LockAcquire(&tag, AccessShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL) return;
    InvalidateCatalogSnapshot();
    const bool limited = LockTimeout != 0;
    session_limit_locks(false);
    LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
    session_limit_locks(limited);
  }
}

}  // namespace

void worker_begin() {
  // Between records caches may hold what was true for a past transaction.
  InvalidateSystemCaches();
  if (!is_part) {
    SetCurrentStatementStartTimestamp();
    compat::session_origin() = DoNotReplicateId;
    StartTransactionCommand();
    lock_extension();
  }
  PushActiveSnapshot(GetTransactionSnapshot());
}

void worker_see_latest() {
  PopActiveSnapshot();
  PushActiveSnapshot(GetTransactionSnapshot());
}

void worker_commit() {
  PopActiveSnapshot();
  if (is_part) {
    MemoryContextSwitchTo(TopMemoryContext);
    return;
  }
  CommitTransactionCommand();
  // A session does this whenever it waits for its client. Autovacuum learns from it what there is to clean up.
  (void)pgstat_report_stat(false);
  leave_transaction();
}

ErrorData* worker_abort() {
  ErrorData* error = take_error();
  AbortCurrentTransaction();
  is_part = false;
  working_ended();
  leave_transaction();
  if (ProcDiePending || error->elevel > ERROR) ReThrowError(error);
  return error;
}

// What body() keeps on the stack is in a frame of its own: never in this one, to which an error returns.
ErrorData* worker_try(FunctionRef<void()> body) {
  if (is_part) return try_part(body);
  ErrorData* volatile error = nullptr;
  PG_TRY();
  {
    worker_begin();
    body();
    worker_commit();
  }
  PG_CATCH();
  { error = worker_abort(); }
  PG_END_TRY();
  return error;
}

ErrorData* worker_read_at_once(FunctionRef<void()> body) {
  DefaultXactIsoLevel = XACT_REPEATABLE_READ;
  return worker_try([body] {
    is_part = true;
    body();
    is_part = false;
  });
}

}  // namespace trending
