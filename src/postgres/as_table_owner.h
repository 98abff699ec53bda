// Querying tables of users in the worker.
#pragma once

#include "postgres/server.h"

namespace trending {

// Runs body(), which plans a query over a table, as the table's owner: restricted, and without the settings
// that it may make. To plan a query evaluates what the owner attached to the table (expressions of its
// indexes, their predicates, its statistics) as far as that is constant, and the planner has no way to leave
// it out. ANALYZE does the same.
template <typename Body>
void as_table_owner(Oid relation, Body body) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the table was dropped")));
  Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
  ReleaseSysCache(tuple);
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  const int nest_level = NewGUCNestLevel();
  SetUserIdAndSecContext(owner, context | SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
  body();
  SetUserIdAndSecContext(user, context);
  AtEOXact_GUC(false, nest_level);
}

}  // namespace trending
