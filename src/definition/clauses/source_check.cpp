// SPDX-License-Identifier: PostgreSQL
#include "definition/clauses/source_check.h"

#include "postgres/relation_owner.h"

namespace trending {

namespace {

struct Place {
  const QueryText* text;
  int location;
  const char* part;
};

[[noreturn]] void refuse(Oid relation, const Place& place, const char* what, const char* detail,
                         const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("\"%s\" cannot be %s a trend: it is %s", get_rel_name(relation), place.part, what),
                  errdetail("%s", detail), hint == nullptr ? 0 : errhint("%s", hint),
                  query_position(*place.text, place.location)));
  pg_unreachable();
}

constexpr const char* kSourceDetail =
    "A source is an ordinary or partitioned table, whose changes are followed in the write-ahead log.";

void check_kind(Oid relation, const Place& place) {
  switch (get_rel_relkind(relation)) {
    case RELKIND_RELATION:
    case RELKIND_PARTITIONED_TABLE:
      return;
    case RELKIND_VIEW:
      refuse(relation, place, "a view", kSourceDetail, "Use the view's table, and its conditions as WHERE.");
    case RELKIND_MATVIEW:
      refuse(relation, place, "a materialized view", kSourceDetail, "Use the table it is made from.");
    case RELKIND_FOREIGN_TABLE:
      refuse(relation, place, "a foreign table", kSourceDetail,
             "Create the trend where the table is, and read it from here through postgres_fdw.");
    default:
      refuse(relation, place, "no table", kSourceDetail, nullptr);
  }
}

void check_persistence(Oid relation, const Place& place) {
  switch (get_rel_persistence(relation)) {
    case RELPERSISTENCE_TEMP:
      refuse(relation, place, "a temporary table",
             "Changes of temporary tables are not in the write-ahead log.", nullptr);
    case RELPERSISTENCE_UNLOGGED:
      refuse(relation, place, "an unlogged table",
             "Changes of unlogged tables are not in the write-ahead log.",
             "ALTER TABLE ... SET LOGGED makes it an ordinary table.");
    default:
      return;
  }
}

// As for publications: catalogs, and what initdb made in information_schema.
void check_user_table(Oid relation, const Place& place) {
  if (relation < FirstNormalObjectId) {
    refuse(relation, place, "a system table", "Changes of system tables are not decoded.", nullptr);
  }
  if (getExtensionOfObject(RelationRelationId, relation) == get_extension_oid("trending", true)) {
    refuse(relation, place, "a table of trending itself", "Changes of its own tables are not decoded.",
           nullptr);
  }
}

// A partitioned table is followed through its partitions.
void check_partitions(Oid relation, bool only, const Place& place) {
  if (only) {
    refuse(relation, place, "a partitioned table, and ONLY leaves out its partitions",
           "All rows of a partitioned table are in its partitions.", "Leave out ONLY.");
  }
  List* descendants = find_all_inheritors(relation, NoLock, nullptr);
  ListCell* cell = nullptr;
  foreach (cell, descendants) {
    Oid partition = lfirst_oid(cell);
    char kind = get_rel_relkind(partition);
    if (kind == RELKIND_FOREIGN_TABLE) {
      refuse(relation, place, "a partitioned table with a foreign partition",
             psprintf("Partition \"%s\" is a foreign table.", get_rel_name(partition)), nullptr);
    }
    if (get_rel_persistence(partition) == RELPERSISTENCE_UNLOGGED) {
      refuse(relation, place, "a partitioned table with an unlogged partition",
             psprintf("Partition \"%s\" is unlogged.", get_rel_name(partition)),
             "ALTER TABLE ... SET LOGGED makes it an ordinary table.");
    }
  }
}

// Rows of inheritance children would be in the batch result, but are changes of other tables.
void check_children(Oid relation, bool only, const Place& place) {
  if (only || find_inheritance_children(relation, NoLock) == NIL) return;
  refuse(relation, place, "a table with inheritance children",
         "Only the changes of the table itself are followed.",
         "Write FROM ONLY, or make it a partitioned table.");
}

}  // namespace

void source_check(Oid relation, bool only, const QueryText& text, int location, const char* part) {
  Place place{&text, location, part};
  check_kind(relation, place);
  check_persistence(relation, place);
  check_user_table(relation, place);
  if (get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE) {
    check_partitions(relation, only, place);
  } else {
    check_children(relation, only, place);
  }
}

void source_check_row_security(Oid relation, const QueryText& text, int location) {
  if (check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("row security of table \"%s\" applies to you", get_rel_name(relation)),
                  errdetail("A trend counts every row of its source."),
                  errhint("A role with BYPASSRLS, or the table's owner, can create the trend."),
                  query_position(text, location)));
}

namespace {

// Why the owner may not read these columns of a table; NULL: he may.
const char* rights_lost(Oid relation, Oid owner, const AttrNumber* columns, int count) {
  const char* name = get_rel_name(relation);
  if (name == nullptr) return nullptr;
  bool may_read = pg_class_aclcheck(relation, owner, ACL_SELECT) == ACLCHECK_OK;
  for (int i = 0; i < count && !may_read; i++) {
    if (pg_attribute_aclcheck(relation, columns[i], owner, ACL_SELECT) == ACLCHECK_OK) continue;
    return psprintf("the trend's owner \"%s\" may no longer read \"%s\"", GetUserNameFromId(owner, true),
                    name);
  }
  if (check_enable_rls(relation, owner, true) == RLS_ENABLED) {
    return psprintf("row security of \"%s\" applies to the trend's owner \"%s\" now", name,
                    GetUserNameFromId(owner, true));
  }
  return nullptr;
}

}  // namespace

AttrNumber* read_columns(const Definition& definition, int* count) {
  auto* columns = static_cast<AttrNumber*>(
      palloc(sizeof(AttrNumber) * static_cast<Size>(definition.source_column_count + 1)));
  *count = definition.source_column_count;
  for (int i = 0; i < *count; i++) columns[i] = definition.source_columns[i].attnum;
  return columns;
}

AttrNumber* read_columns(const Dimension& dimension, int* count) {
  *count = dimension.key.count + dimension.column_count;
  auto* columns = static_cast<AttrNumber*>(palloc(sizeof(AttrNumber) * static_cast<Size>(*count)));
  for (int i = 0; i < dimension.key.count; i++) columns[i] = dimension.key_columns[i].attnum;
  for (int i = 0; i < dimension.column_count; i++) {
    columns[dimension.key.count + i] = dimension.columns[i].column.attnum;
  }
  return columns;
}

const char* source_rights_lost(const Definition& definition) {
  Oid owner = relation_owner(definition.relation);
  if (!OidIsValid(owner)) return nullptr;
  int count = 0;
  const AttrNumber* columns = read_columns(definition, &count);
  const char* lost = rights_lost(definition.source, owner, columns, count);
  for (int d = 0; d < definition.dimension_count && lost == nullptr; d++) {
    columns = read_columns(definition.dimensions[d], &count);
    lost = rights_lost(definition.dimensions[d].relation, owner, columns, count);
  }
  return lost;
}

}  // namespace trending
