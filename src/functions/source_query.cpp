// SPDX-License-Identifier: PostgreSQL
#include "functions/source_query.h"

#include "definition/clauses/source_check.h"
#include "postgres/relation_owner.h"

namespace trending {

namespace {

void check_schema(Oid source) {
  const Oid schema = get_rel_namespace(source);
  const AclResult result = compat::schema_aclcheck(schema, GetUserId(), ACL_USAGE);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_SCHEMA, get_namespace_name(schema));
}

// `columns` are those that the definition reads.
void check_columns(Oid table, const AttrNumber* columns, int count) {
  if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK) return;
  const char* name = get_rel_name(table);
  const AclResult any = pg_attribute_aclcheck_all(table, GetUserId(), ACL_SELECT, ACLMASK_ANY);
  if (any != ACLCHECK_OK) aclcheck_error(any, OBJECT_TABLE, name);
  for (int i = 0; i < count; i++) {
    const AclResult result = pg_attribute_aclcheck(table, columns[i], GetUserId(), ACL_SELECT);
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, name);
  }
}

void check_table(Oid table, const AttrNumber* columns, int count) {
  check_schema(table);
  check_columns(table, columns, count);
  if (check_enable_rls(table, InvalidOid, true) != RLS_ENABLED) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("row security of table \"%s\" applies to you", get_rel_name(table)),
                  errdetail("A trend counts every row of its source.")));
}

void check_parts(Oid table) {
  bool are_parts = false;
  (void)tables_by_owner(table, &are_parts);
  if (!are_parts) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("partitions of \"%s\" belong to another owner", get_rel_name(table)),
           errdetail("One query over them would run what one owner attached to his partition (functions in "
                     "indexes, checks and statistics) with the rights of another."),
           errhint("Give the table and its partitions to one owner.")));
}

}  // namespace

void check_source_rights(const Definition& definition) {
  if (get_rel_name(definition.source) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("the source of trend \"%s\" was dropped", get_rel_name(definition.relation))));
  }
  int count = 0;
  const AttrNumber* columns = read_columns(definition, &count);
  check_table(definition.source, columns, count);
  for (int d = 0; d < definition.dimension_count; d++) {
    columns = read_columns(definition.dimensions[d], &count);
    check_table(definition.dimensions[d].relation, columns, count);
  }
}

void check_source_owners(const Definition& definition) {
  check_parts(definition.source);
  for (int d = 0; d < definition.dimension_count; d++) {
    const Oid table = definition.dimensions[d].relation;
    check_parts(table);
    if (relation_owner(table) == relation_owner(definition.source)) continue;
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("\"%s\" and \"%s\" belong to different owners", get_rel_name(definition.source),
                    get_rel_name(table)),
             errdetail(
                 "One query over them would run what one owner attached to his table (functions in indexes, "
                 "checks and statistics) with the rights of another."),
             errhint("Give them to one owner.")));
  }
}

}  // namespace trending
