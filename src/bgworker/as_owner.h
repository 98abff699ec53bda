// Writing tables that belong to users.
#pragma once

#include "bgworker/worker.h"
#include "postgres/guard.h"

namespace trending {

// Runs body() as the owner of a table, without anything that could leave that identity: the owner may have
// put triggers on it, and they must not run with the worker's rights. In a subtransaction; an error becomes
// `message`.
template <typename Body>
bool run_as_owner(Oid relation, char* message, Body&& body) {
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
    if (ProcDiePending || ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES) {
      ReThrowError(error);
    }
    strlcpy(message, error->message, kMessageSize);
    FreeErrorData(error);
    good = false;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return good;
}

}  // namespace trending
