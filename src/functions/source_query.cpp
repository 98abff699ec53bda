// SPDX-License-Identifier: PostgreSQL
#include "functions/source_query.h"

namespace trending {

namespace {

void check_schema(Oid source) {
  const Oid schema = get_rel_namespace(source);
  const AclResult result = compat::schema_aclcheck(schema, GetUserId(), ACL_USAGE);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

void check_columns(const Definition& definition) {
  const Oid source = definition.source;
  if (pg_class_aclcheck(source, GetUserId(), ACL_SELECT) == ACLCHECK_OK) return;
  const char* name = get_rel_name(source);
  const AclResult any = pg_attribute_aclcheck_all(source, GetUserId(), ACL_SELECT, ACLMASK_ANY);
  if (any != ACLCHECK_OK) aclcheck_error(any, OBJECT_TABLE, name);
  for (int i = 0; i < definition.source_column_count; i++) {
    const AttrNumber column = definition.source_columns[i].attnum;
    const AclResult result = pg_attribute_aclcheck(source, column, GetUserId(), ACL_SELECT);
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, name);
  }
}

}  // namespace

void check_source_rights(const Definition& definition) {
  if (get_rel_name(definition.source) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("the source of trend \"%s\" was dropped", get_rel_name(definition.relation))));
  }
  check_schema(definition.source);
  check_columns(definition);
  if (check_enable_rls(definition.source, InvalidOid, true) == RLS_ENABLED) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row security of table \"%s\" applies to you", get_rel_name(definition.source)),
                    errdetail("A trend counts every row of its source.")));
  }
}

void check_source_owners(const Definition& definition) {
  bool are_parts = false;
  (void)tables_by_owner(definition.source, &are_parts);
  if (!are_parts) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("partitions of \"%s\" belong to another owner", get_rel_name(definition.source)),
           errdetail("One query over them would run what one owner attached to his partition (functions in "
                     "indexes, checks and statistics) with the rights of another."),
           errhint("Give the table and its partitions to one owner.")));
}

}  // namespace trending
