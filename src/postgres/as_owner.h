// Statements on tables that belong to users, as their owner: for trending.recompute. The worker has another
// door, postgres/owned_table.h.
#pragma once

#include "postgres/guard.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

inline void patience_end() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  QueryCancelPending = false;
}

inline void patience_renew() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  enable_timeout_after(STATEMENT_TIMEOUT, kPatienceMs);
}

// RowExclusiveLock.
inline Relation open_to_write(Oid relation, PassingError passing) {
  if (passing == PassingError::kThrow) return relation_open(relation, RowExclusiveLock);
  if (!ConditionalLockRelationOid(relation, RowExclusiveLock)) {
    ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                    errmsg("\"%s\" is locked by somebody else", get_rel_name(relation))));
  }
  return relation_open(relation, NoLock);
}

inline bool passes_by_itself(int sqlstate) {
  int category = ERRCODE_TO_CATEGORY(sqlstate);
  return category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_TRANSACTION_ROLLBACK ||
         category == ERRCODE_OPERATOR_INTERVENTION || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
}

// Runs body() as the owner of a table, without anything that could leave that identity: the owner may have
// put triggers on it, and they must not run with the worker's rights. In a subtransaction; an error that lies
// with the table, or passes and is to be reported, becomes `message`.
template <size_t kSize, typename Body>
OwnerResult run_as_owner(Oid relation, char (&message)[kSize], PassingError passing, Body&& body) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner resources = CurrentResourceOwner;
  Oid user = InvalidOid;
  int security = 0;
  GetUserIdAndSecContext(&user, &security);
  volatile OwnerResult result = OwnerResult::kDone;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    if (passing == PassingError::kReport) patience_renew();
    Relation table = open_to_write(relation, passing);
    SetUserIdAndSecContext(table->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
    body(quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
                                    RelationGetRelationName(table)));
    relation_close(table, NoLock);
    if (passing == PassingError::kReport) patience_end();
    SetUserIdAndSecContext(user, security);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    if (passing == PassingError::kReport) patience_end();
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    SetUserIdAndSecContext(user, security);
    const bool passes = passes_by_itself(error->sqlerrcode);
    if (ProcDiePending || (passes && passing == PassingError::kThrow)) ReThrowError(error);
    strlcpy(message, error->message, kSize);
    FreeErrorData(error);
    result = passes ? OwnerResult::kPassing : OwnerResult::kFailed;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return result;
}

}  // namespace trending
