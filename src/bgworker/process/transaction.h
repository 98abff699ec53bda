// SPDX-License-Identifier: PostgreSQL
// Transactions of the worker's own, between records.
#pragma once

#include "engine/memory/function_ref.h"
#include "postgres/server.h"

namespace trending {

// Starts one with an active snapshot, in which the extension is not dropped. What it writes carries an origin that the plugin filters out.
void worker_begin();
// Takes a new snapshot for what follows in the transaction.
void worker_see_latest();
void worker_commit();
// After an error that was caught: ends the transaction and gives its message (palloc'd in TopMemoryContext).
ErrorData* worker_abort();

// Runs body() in a transaction of its own. Null, or the error that ended it, to be freed by the caller; the
// end of the process goes through.
ErrorData* worker_try(FunctionRef<void()> body);

// Runs body() in one transaction with one snapshot; those that it begins by the functions above are parts of it. For
// a standby, which writes nothing. Null, or the error that ended it.
ErrorData* worker_read_at_once(FunctionRef<void()> body);

// Whether an error says no more than that somebody was in the way: a lock, a deadlock, a cancelled statement.
// What failed is tried again then, and nothing is wrong with the trend.
inline bool is_conflict(const ErrorData* error) {
  return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
         ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK;
}

}  // namespace trending
