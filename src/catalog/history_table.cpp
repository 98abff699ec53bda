// SPDX-License-Identifier: PostgreSQL
#include "catalog/history_table.h"

#include <initializer_list>

#include "definition/partition_by.h"

namespace trending {

namespace {

void run(const char* command) {
  int result = SPI_execute(command, false, 0);
  if (result != SPI_OK_UTILITY) elog(ERROR, "%s failed: %s", command, SPI_result_code_string(result));
}

constexpr ColumnRole kBounds[] = {ColumnRole::kWindowStart, ColumnRole::kWindowEnd};

const DefinitionColumn* column_of(const Definition& definition, ColumnRole role) {
  for (int i = 0; i < definition.column_count; i++) {
    if (definition.columns[i].role == role) return &definition.columns[i];
  }
  return nullptr;
}

// The name of a bound of the window: the select list's, if that has it.
const char* bound_name(const Definition& definition, ColumnRole role) {
  const DefinitionColumn* column = column_of(definition, role);
  if (column != nullptr) return column->name;
  return role == ColumnRole::kWindowStart ? "window_start" : "window_end";
}

const char* quoted_bound(const Definition& definition, ColumnRole role) {
  return quote_identifier(bound_name(definition, role));
}

// Those bounds that the select list does not have.
void append_bounds(StringInfo out, const Definition& definition) {
  for (ColumnRole role : kBounds) {
    if (column_of(definition, role) != nullptr) continue;
    appendStringInfo(out, "%s %s, ", quoted_bound(definition, role),
                     format_type_extended(window_bound_type(definition), -1, FORMAT_TYPE_FORCE_QUALIFY));
  }
}

const char* key_column_name(const Definition& definition, int key) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kKey && column.index == key) return quote_identifier(column.name);
  }
  return nullptr;
}

// What tells partitions apart in the unique index. A long value would not fit into a B-tree, so its digest
// stands for it.
void append_partition(StringInfo out, const Definition& definition) {
  for (int i = 0; i < definition.partition.count; i++) {
    const KeyColumn& key = definition.partition.columns[i];
    const char* name = key_column_name(definition, definition.partition_keys[i]);
    Oid type = getBaseType(key.type);
    if (key.length > 0) {
      appendStringInfo(out, ", %s", name);
    } else if (type == BYTEAOID) {
      appendStringInfo(out, ", (pg_catalog.md5(%s))", name);
    } else {
      // Keys differ in their text when they differ.
      appendStringInfo(out, ", (pg_catalog.md5(%s::pg_catalog.text))", name);
    }
  }
}

// "One item over time" reads this. Keys of variable length get a hash index, if their type (bit does not) has
// one.
void create_key_index(const char* table, const Definition& definition, int key) {
  const char* name = key_column_name(definition, key);
  if (name == nullptr) return;
  Oid type = definition.keys.columns[key].type;
  if (definition.keys.columns[key].length > 0) {
    run(psprintf("CREATE INDEX ON %s (%s, %s)", table, name,
                 quoted_bound(definition, ColumnRole::kWindowEnd)));
  } else if (OidIsValid(GetDefaultOpClass(getBaseType(type), HASH_AM_OID))) {
    run(psprintf("CREATE INDEX ON %s USING hash (%s)", table, name));
  }
}

bool is_partition_key(const Definition& definition, int key) {
  for (int i = 0; i < definition.partition.count; i++) {
    if (definition.partition_keys[i] == key) return true;
  }
  return false;
}

// "The ranking at a time" reads the first index, in every partition or in one.
void create_indexes(const char* table, const Definition& definition) {
  StringInfoData command;
  initStringInfo(&command);
  appendStringInfo(&command, "CREATE UNIQUE INDEX ON %s (%s, %s, rank", table,
                   quoted_bound(definition, ColumnRole::kWindowEnd),
                   quoted_bound(definition, ColumnRole::kWindowStart));
  append_partition(&command, definition);
  appendStringInfo(&command, ")%s", is_partitioned(definition) ? " NULLS NOT DISTINCT" : "");
  run(command.data);
  int first = -1;
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role != ColumnRole::kKey || is_partition_key(definition, column.index)) continue;
    first = column.index;
    break;
  }
  if (first >= 0) create_key_index(table, definition, first);
  if (is_partitioned(definition)) create_key_index(table, definition, definition.partition_keys[0]);
}

void append_columns(StringInfo out, const Definition& definition, int count) {
  for (int i = 0; i < count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    appendStringInfo(out, "%s%s %s", i == 0 ? "" : ", ", quote_identifier(column.name),
                     format_type_extended(column.type, column.typmod,
                                          FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
    if (OidIsValid(column.collation) && column.collation != get_typcollation(column.type)) {
      appendStringInfo(out, " COLLATE %s", generate_collation_name(column.collation));
    }
  }
}

// A table to be made beside a trend's foreign table.
struct NewTable {
  Oid relation;  // the foreign table
  Oid schema;
  const char* name;
  const char* qualified;
};

NewTable new_table(Oid relation, const char* suffix) {
  const Oid schema = get_rel_namespace(relation);
  const char* name = psprintf("%s_%s", get_rel_name(relation), suffix);
  return {relation, schema, name, quote_qualified_identifier(get_namespace_name(schema), name)};
}

// With the bounds of windows, then so many of the trend's columns, then `own`.
void create_group_table(const NewTable& table, const Definition& definition, int columns, const char* own) {
  StringInfoData command;
  initStringInfo(&command);
  appendStringInfo(&command, "CREATE TABLE %s (", table.qualified);
  append_bounds(&command, definition);
  append_columns(&command, definition, columns);
  appendStringInfo(&command, ", %s)", own);
  run(command.data);
}

// What all of these tables have. They are dropped with the trend's foreign table. Their replica identity is
// the whole row: they may be part of any publication, and a trend over them sees what is corrected and
// deleted.
Oid complete_table(const NewTable& table) {
  run(psprintf("ALTER TABLE %s REPLICA IDENTITY FULL", table.qualified));
  const Oid made = get_relname_relid(table.name, table.schema);
  ObjectAddress owned = {RelationRelationId, made, 0};
  ObjectAddress owner = {RelationRelationId, table.relation, 0};
  recordDependencyOn(&owned, &owner, DEPENDENCY_AUTO);
  return made;
}

}  // namespace

void append_column_list(StringInfo out, const Definition& definition) {
  append_columns(out, definition, definition.column_count);
}

Oid history_table_create(Oid relation, const Definition& definition) {
  const NewTable table = new_table(relation, "history");
  create_group_table(table, definition, definition.column_count, "final bool NOT NULL");
  // Nothing that reads history by the window or by the rank would find such rows.
  run(psprintf("ALTER TABLE %s ALTER %s SET NOT NULL, ALTER %s SET NOT NULL, ALTER rank SET NOT NULL",
               table.qualified, quoted_bound(definition, ColumnRole::kWindowStart),
               quoted_bound(definition, ColumnRole::kWindowEnd)));
  create_indexes(table.qualified, definition);
  return complete_table(table);
}

Oid late_table_create(Oid relation) {
  const NewTable table = new_table(relation, "late");
  run(
      psprintf("CREATE TABLE %s (event_time timestamptz, commit_lsn pg_lsn NOT NULL, reason text NOT NULL, "
               "\"row\" jsonb NOT NULL, recomputed bool NOT NULL DEFAULT false, "
               "kept_at timestamptz NOT NULL DEFAULT pg_catalog.now())",
               table.qualified));
  run(psprintf("CREATE INDEX ON %s (kept_at)", table.qualified));
  run(psprintf("CREATE INDEX ON %s (event_time)", table.qualified));
  return complete_table(table);
}

Oid alerts_table_create(Oid relation, const Definition& definition) {
  for (int i = 0; i < definition.column_count; i++) {
    const char* name = definition.columns[i].name;
    if (strcmp(name, "crossed_at") != 0 && strcmp(name, "commit_lsn") != 0 && strcmp(name, "alerted_at") != 0)
      continue;
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
                    errmsg("column name \"%s\" is taken: the alerts of a trend with HAVING have a column of "
                           "their own called so",
                           name),
                    errhint("Give the column another alias.")));
  }
  const NewTable table = new_table(relation, "alerts");
  create_group_table(table, definition, definition.column_count - 1,  // rank is the last
                     "crossed_at timestamptz NOT NULL, commit_lsn pg_lsn NOT NULL, "
                     "alerted_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()");
  run(psprintf("CREATE INDEX ON %s (alerted_at)", table.qualified));
  return complete_table(table);
}

namespace {

bool is_bound(ColumnRole role) {
  return role == ColumnRole::kWindowStart || role == ColumnRole::kWindowEnd;
}

TableShape group_shape(const Definition& definition, bool with_rank,
                       std::initializer_list<OwnedColumn> own_columns) {
  TableShape shape = {};
  const Size room = static_cast<Size>(definition.column_count) + lengthof(kBounds) + own_columns.size();
  shape.columns = static_cast<OwnedColumn*>(palloc(sizeof(OwnedColumn) * room));
  auto add = [&shape](const OwnedColumn& column) { shape.columns[shape.count++] = column; };
  for (ColumnRole role : kBounds) {
    // Only history has been made so that they are never NULL.
    add({bound_name(definition, role), window_bound_type(definition), -1, with_rank});
  }
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (is_bound(column.role) || (column.role == ColumnRole::kRank && !with_rank)) continue;
    add({column.name, column.type, column.typmod});
  }
  for (const OwnedColumn& column : own_columns) add(column);
  return shape;
}

}  // namespace

TableShape history_shape(const Definition& definition) {
  return group_shape(definition, true, {{"final", BOOLOID, -1}});
}

TableShape alerts_shape(const Definition& definition) {
  return group_shape(
      definition, false,
      {{"crossed_at", TIMESTAMPTZOID, -1}, {"commit_lsn", LSNOID, -1}, {"alerted_at", TIMESTAMPTZOID, -1}});
}

TableShape late_table_shape() {
  static OwnedColumn columns[kLateColumns] = {{"event_time", TIMESTAMPTZOID, -1},
                                              {"commit_lsn", LSNOID, -1},
                                              {"reason", TEXTOID, -1},
                                              {"row", JSONBOID, -1},
                                              {"recomputed", BOOLOID, -1},
                                              {"kept_at", TIMESTAMPTZOID, -1}};
  return {kLateColumns, columns};
}

namespace {

int group_column(const Definition& definition, ColumnRole role, int index) {
  int column = kHistoryGroup;
  for (int i = 0; i < definition.column_count; i++) {
    if (is_bound(definition.columns[i].role)) continue;
    if (definition.columns[i].role == role && definition.columns[i].index == index) return column;
    column++;
  }
  return -1;
}

}  // namespace

int history_key_column(const Definition& definition, int key) {
  return group_column(definition, ColumnRole::kKey, key);
}

int history_group_column(const Definition& definition, ColumnRole role, int index) {
  return group_column(definition, role, index);
}

bool history_has_keys(const Definition& definition) {
  for (int i = 0; i < definition.keys.count; i++) {
    if (history_key_column(definition, i) < 0) return false;
  }
  return true;
}

int own_columns_at(const TableShape& shape, int own_columns) {
  return shape.count - own_columns;
}

}  // namespace trending
