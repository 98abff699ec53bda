// SPDX-License-Identifier: PostgreSQL
#include "definition/replica_identity.h"

#include <algorithm>

namespace trending {

namespace {

// Commands named in the hint; a table may have thousands of partitions.
constexpr int kShownCommands = 5;

// The first column that the trend reads and old row versions of `relation` lack; NULL if there is none.
const char* missing_column(const Definition& definition, Relation relation) {
  if (relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL) return nullptr;
  Bitmapset* identity = RelationGetIndexAttrBitmap(relation, INDEX_ATTR_BITMAP_IDENTITY_KEY);
  for (int i = 0; i < definition.source_column_count; i++) {
    const char* name = definition.source_columns[i].name;
    AttrNumber attnum = get_attnum(RelationGetRelid(relation), name);
    if (!bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, identity)) return name;
  }
  return nullptr;
}

// Calls visit(relation, column) for each table of the source: the first column that its identity lacks, or
// NULL.
template <typename Visit>
void for_each_table(const Definition& definition, Visit&& visit) {
  List* relations = find_all_inheritors(definition.source, AccessShareLock, nullptr);
  ListCell* cell = nullptr;
  foreach (cell, relations) {
    Relation relation = table_open(lfirst_oid(cell), NoLock);
    // A source that is not partitioned is followed alone; a partitioned table holds no rows itself.
    bool followed = relation->rd_rel->relispartition || lfirst_oid(cell) == definition.source;
    if (followed && relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE) {
      visit(relation, missing_column(definition, relation));
    }
    table_close(relation, NoLock);
  }
  list_free(relations);
}

}  // namespace

bool identity_covers(const Definition& definition) {
  if (definition.by_commit_time) return false;
  bool covers = true;
  for_each_table(definition,
                 [&covers](Relation, const char* missing) { covers = covers && missing == nullptr; });
  return covers;
}

bool identity_covers_some(const Definition& definition) {
  if (definition.by_commit_time) return false;
  bool covers = false;
  for_each_table(definition,
                 [&covers](Relation, const char* missing) { covers = covers || missing == nullptr; });
  return covers;
}

void report_identity(const Definition& definition, const char* trend) {
  if (definition.by_commit_time) {  // no replica identity would help
    ereport(NOTICE,
            (errmsg("updates and deletes of rows of \"%s\" will not reach trend \"%s\"",
                    get_rel_name(definition.source), trend),
             errdetail("The old version of a row does not say when it was committed."),
             errhint("If rows are ever updated or deleted, use a column for the event time. Such changes are "
                     "counted as unretracted in trending.status.")));
    return;
  }
  struct {
    int count;
    const char* table;
    const char* column;
    StringInfoData commands;
  } found = {};
  initStringInfo(&found.commands);
  for_each_table(definition, [&found](Relation relation, const char* column) {
    if (column == nullptr) return;
    if (found.count++ == 0) {
      found.table = pstrdup(RelationGetRelationName(relation));
      found.column = pstrdup(column);
    }
    if (found.count > kShownCommands) return;
    appendStringInfo(&found.commands, " ALTER TABLE %s REPLICA IDENTITY FULL;",
                     quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
                                                RelationGetRelationName(relation)));
  });
  if (found.count == 0) return;
  bool partitioned = get_rel_relkind(definition.source) == RELKIND_PARTITIONED_TABLE;
  if (found.count > kShownCommands) {
    appendStringInfo(&found.commands, " And so on for %d more partitions.", found.count - kShownCommands);
  }
  if (partitioned) appendStringInfoString(&found.commands, " New partitions need it, too.");
  ereport(NOTICE,
          (errmsg("updates and deletes of rows of \"%s\" will not reach trend \"%s\"",
                  get_rel_name(definition.source), trend),
           errdetail("The replica identity of \"%s\" lacks column \"%s\".", found.table, found.column),
           errhint("If rows are ever updated or deleted:%s", found.commands.data)));
}

bool identity_has_key(Relation table, const Dimension& dimension) {
  if (table->rd_rel->relreplident == REPLICA_IDENTITY_FULL) return true;
  (void)RelationGetIndexList(table);  // which finds the identity
  HeapTuple index = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(table->rd_replidindex));
  if (!HeapTupleIsValid(index)) return false;
  const auto* form = reinterpret_cast<Form_pg_index>(GETSTRUCT(index));
  bool has_all = true;
  for (int i = 0; i < dimension.key.count && has_all; i++) {
    const AttrNumber column = get_attnum(RelationGetRelid(table), dimension.key_columns[i].name);
    const int16* first = form->indkey.values;
    has_all = std::find(first, first + form->indnkeyatts, column) != first + form->indnkeyatts;
  }
  ReleaseSysCache(index);
  return has_all;
}

}  // namespace trending
