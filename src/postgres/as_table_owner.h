// SPDX-License-Identifier: PostgreSQL
// The one door to queries over a table of a user's, in the worker and in functions.
#pragma once

#include "postgres/pinned_path.h"
#include "postgres/server.h"

namespace trending {

// Tables that one query over a relation reads: itself with its partitions when all are its owner's, else
// every partition by itself, for a partition's owner is not to be trusted with the rights of the whole
// table's. A List of OIDs; locked as the relation is.
inline List* tables_by_owner(Oid relation, bool* are_parts) {
  *are_parts = false;
  if (get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE) return list_make1_oid(relation);
  List* parts = NIL;
  Oid owner = InvalidOid;
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(relation, AccessShareLock, nullptr)) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));
    if (!HeapTupleIsValid(tuple)) continue;
    auto* table = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    if (!OidIsValid(owner)) owner = table->relowner;
    if (table->relowner != owner) *are_parts = true;
    if (table->relkind != RELKIND_PARTITIONED_TABLE) parts = lappend_oid(parts, lfirst_oid(cell));
    ReleaseSysCache(tuple);
  }
  return *are_parts ? parts : list_make1_oid(relation);
}

// Runs body(), which plans a query over a table, as the table's owner: restricted, with a pinned path, and
// without the settings that it may make. To plan a query evaluates what the owner attached to the table
// (expressions of its indexes, their predicates, its checks, its statistics) as far as that is constant, and
// the planner has no way to leave it out. ANALYZE does the same. The caller has checked the rights of
// whoever asks for the query. For a partitioned table, see tables_by_owner().
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
  with_pinned_path(body);
  SetUserIdAndSecContext(user, context);
  AtEOXact_GUC(false, nest_level);
}

}  // namespace trending
