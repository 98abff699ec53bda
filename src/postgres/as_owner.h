// Writing tables that belong to users.
#pragma once

#include "postgres/guard.h"
#include "postgres/server.h"

namespace trending {

// What becomes of an error that will pass by itself: a lock held by others, a full disk.
enum class PassingError { kThrow, kReport };

inline bool passes_by_itself(int sqlstate) {
  int category = ERRCODE_TO_CATEGORY(sqlstate);
  return category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_TRANSACTION_ROLLBACK ||
         category == ERRCODE_OPERATOR_INTERVENTION || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
}

// Runs body() as the owner of a table, without anything that could leave that identity: the owner may have
// put triggers on it, and they must not run with the worker's rights. In a subtransaction; an error that lies
// with the table becomes `message`.
template <size_t kSize, typename Body>
bool run_as_owner(Oid relation, char (&message)[kSize], PassingError passing, Body&& body) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner resources = CurrentResourceOwner;
  Oid user = InvalidOid;
  int security = 0;
  GetUserIdAndSecContext(&user, &security);
  volatile bool good = true;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    Relation table = relation_open(relation, RowExclusiveLock);
    SetUserIdAndSecContext(table->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
    body(quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
                                    RelationGetRelationName(table)));
    relation_close(table, NoLock);
    SetUserIdAndSecContext(user, security);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    ErrorData* error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    SetUserIdAndSecContext(user, security);
    bool thrown = passing == PassingError::kThrow && passes_by_itself(error->sqlerrcode);
    if (ProcDiePending || thrown) ReThrowError(error);
    strlcpy(message, error->message, kSize);
    FreeErrorData(error);
    good = false;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return good;
}

}  // namespace trending
