// Writing tables that belong to users.
#pragma once

#include "postgres/guard.h"
#include "postgres/server.h"

namespace trending {

// What becomes of an error that will pass by itself: a lock held by others, a full disk.
enum class PassingError {
  kThrow,
  // Told to the caller. Nor is there much waiting then: not for a lock on the table, and for nothing else
  // longer than kPatienceMs between two calls of patience_renew(). For background processes only.
  kReport,
};

enum class OwnerResult { kDone, kFailed, kPassing };

constexpr int kPatienceMs = 5000;

inline void patience_end() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  QueryCancelPending = false;
}

inline void patience_renew() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  enable_timeout_after(STATEMENT_TIMEOUT, kPatienceMs);
}

// Renewed after so many rows.
struct Patience {
  static constexpr uint64 kRows = 1000;
  uint64 written = 0;

  void spend() {
    if (++written % kRows == 0) patience_renew();
  }
};

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
