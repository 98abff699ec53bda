// SPDX-License-Identifier: PostgreSQL
// trending_internal.attach_node(node, federated): drops of a federated trend take the foreign tables that it reads along.
#include "postgres/guard.h"

namespace trending {

namespace {

void check_own_foreign_table(Oid relation) {
  if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("relation with OID %u is not a foreign table", relation)));
  }
  if (!compat::relation_ownercheck(relation, GetUserId())) {
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, get_rel_name(relation));
  }
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(attach_node) {
  using namespace trending;
  const Oid node = PG_GETARG_OID(0);
  const Oid federated = PG_GETARG_OID(1);
  for (Oid relation : {node, federated}) {
    check_own_foreign_table(relation);
    LockRelationOid(relation, AccessExclusiveLock);
    check_own_foreign_table(relation);
  }
  if (node == federated)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a table cannot be its own node")));
  ObjectAddress dependent;
  ObjectAddress on;
  ObjectAddressSet(dependent, RelationRelationId, node);
  ObjectAddressSet(on, RelationRelationId, federated);
  recordDependencyOn(&dependent, &on, DEPENDENCY_INTERNAL);
  PG_RETURN_VOID();
}
