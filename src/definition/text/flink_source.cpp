// SPDX-License-Identifier: PostgreSQL
#include "definition/text/flink_source.h"

#include "definition/text/flink_dialect.h"

namespace trending {

namespace {

bool is_same(const char* left, const char* right) {
  if (left == nullptr || right == nullptr) return left == right;
  return strcmp(left, right) == 0;
}

bool has_name(const List* tables, const char* name) {
  const ListCell* cell = nullptr;
  foreach (cell, tables) {
    if (strcmp(static_cast<const FlinkTable*>(lfirst(cell))->name, name) == 0) return true;
  }
  return false;
}

FlinkTable* find_or_add(List** tables, const Definition& definition, Oid relation, const char* time,
                        int64 delay) {
  ListCell* cell = nullptr;
  foreach (cell, *tables) {
    auto* known = static_cast<FlinkTable*>(lfirst(cell));
    if (known->relation == relation && is_same(known->time, time) && known->delay == delay) return known;
  }
  auto* table = static_cast<FlinkTable*>(palloc0(sizeof(FlinkTable)));
  table->relation = relation;
  table->time = time;
  table->delay = delay;
  table->definition = &definition;
  const char* base = get_rel_name(relation);
  table->name = base;
  for (int i = 2; has_name(*tables, table->name); i++) table->name = psprintf("%s_%d", base, i);
  const char* rowtime = "rowtime";
  while (get_attnum(relation, rowtime) != InvalidAttrNumber) rowtime = psprintf("%s_", rowtime);
  table->rowtime = rowtime;
  *tables = lappend(*tables, table);
  return table;
}

void add_column(FlinkTable* table, AttrNumber column) {
  table->columns = bms_add_member(table->columns, column);
}

bool is_not_null(Oid relation, AttrNumber column) {
  HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(column));
  if (!HeapTupleIsValid(tuple)) return false;
  const bool not_null = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple))->attnotnull;
  ReleaseSysCache(tuple);
  return not_null;
}

const char* rowtime_text(const Definition& definition) {
  const char* text = flink_column_expression(definition, definition.event_time);
  return psprintf("CAST(%s AS %s)", text,
                  definition.event_time_type == TIMESTAMPTZOID ? "TIMESTAMP_LTZ(3)" : "TIMESTAMP(3)");
}

// Attribute numbers of the primary key, or NULL.
Bitmapset* primary_key(Oid relation) {
  Oid constraint = InvalidOid;
  Bitmapset* offset = get_primary_key_attnos(relation, true, &constraint);
  Bitmapset* key = nullptr;
  int member = -1;
  while ((member = bms_next_member(offset, member)) >= 0) {
    key = bms_add_member(key, member + FirstLowInvalidHeapAttributeNumber);
  }
  return key;
}

bool follows_all_changes(Oid relation) {
  Relation table = table_open(relation, AccessShareLock);
  const bool is_full = table->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
  table_close(table, NoLock);
  return is_full;
}

// The slot and the publication; names of slots have lower case letters, digits and underscores.
const char* slot_name(const FlinkTable& table) {
  char* name = psprintf("flink_%s", table.name);
  for (char* c = name; *c != '\0'; c++) {
    if (*c >= 'A' && *c <= 'Z') *c = static_cast<char>(*c - 'A' + 'a');
    if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9')) *c = '_';
  }
  name[pg_mbcliplen(name, static_cast<int>(strlen(name)), NAMEDATALEN - 1)] = '\0';
  return name;
}

void append_columns(StringInfo out, const FlinkTable& table) {
  int column = -1;
  while ((column = bms_next_member(table.columns, column)) >= 0) {
    Oid type = InvalidOid;
    int32 typmod = -1;
    Oid collation = InvalidOid;
    const auto number = static_cast<AttrNumber>(column);
    get_atttypetypmodcoll(table.relation, number, &type, &typmod, &collation);
    appendStringInfo(out, "  %s %s%s,\n", flink_name(get_attname(table.relation, number, false)),
                     flink_type(*table.definition, getBaseType(type), typmod),
                     is_not_null(table.relation, number) ? " NOT NULL" : "");
  }
}

void append_time(StringInfo out, const FlinkTable& table) {
  if (table.time == nullptr) return;
  const char* rowtime = flink_name(table.rowtime);
  if (table.time_is_null) {
    const char* never = table.definition->event_time_type == TIMESTAMPTZOID
                            ? "TO_TIMESTAMP_LTZ(0, 3)"
                            : "TIMESTAMP '1970-01-01 00:00:00.000'";
    appendStringInfo(out, "  %s AS COALESCE(%s, %s),\n", rowtime, table.time, never);
  } else {
    appendStringInfo(out, "  %s AS %s,\n", rowtime, table.time);
  }
  appendStringInfo(out, "  WATERMARK FOR %s AS %s - %s,\n", rowtime, rowtime,
                   flink_interval(*table.definition, table.delay));
}

void append_key(StringInfo out, const Bitmapset* key, Oid relation) {
  appendStringInfoString(out, "  PRIMARY KEY (");
  int column = -1;
  const char* separator = "";
  while ((column = bms_next_member(key, column)) >= 0) {
    appendStringInfo(out, "%s%s", separator,
                     flink_name(get_attname(relation, static_cast<AttrNumber>(column), false)));
    separator = ", ";
  }
  appendStringInfoString(out, ") NOT ENFORCED,\n");
}

}  // namespace

FlinkTable* flink_source(List** tables, const Definition& definition) {
  const DefinitionOptions& options = definition.options;
  const bool has_time = definition.has_window;
  FlinkTable* table =
      find_or_add(tables, definition, definition.source, has_time ? rowtime_text(definition) : nullptr,
                  has_time ? options.watermark_delay + options.allowed_lateness : 0);
  for (int i = 0; i < definition.source_column_count; i++)
    add_column(table, definition.source_columns[i].attnum);
  if (has_time) {
    const auto* var = reinterpret_cast<const Var*>(definition.event_time);
    table->time_is_null = !IsA(var, Var) || !is_not_null(definition.source, var->varattno);
  }
  return table;
}

FlinkTable* flink_dimension(List** tables, const Definition& definition, const Dimension& dimension) {
  FlinkTable* table = find_or_add(tables, definition, dimension.relation, nullptr, 0);
  for (int i = 0; i < dimension.key.count; i++) add_column(table, dimension.key_columns[i].attnum);
  for (int i = 0; i < dimension.column_count; i++) add_column(table, dimension.columns[i].column.attnum);
  return table;
}

void append_flink_publication(StringInfo out, const FlinkTable& table) {
  appendStringInfo(out, "-- psql: CREATE PUBLICATION %s FOR TABLE %s;\n", slot_name(table),
                   quote_qualified_identifier(get_namespace_name(get_rel_namespace(table.relation)),
                                              get_rel_name(table.relation)));
}

void append_flink_table(StringInfo out, const FlinkTable& given) {
  FlinkTable table = given;
  Bitmapset* key = primary_key(table.relation);
  table.columns = bms_union(table.columns, key);
  appendStringInfo(out, "CREATE TEMPORARY TABLE %s (\n", flink_name(table.name));
  append_columns(out, table);
  append_time(out, table);
  if (key != nullptr) append_key(out, key, table.relation);
  out->len -= 2;  // the last comma
  appendStringInfoString(out,
                         "\n) WITH (\n  'connector' = 'postgres-cdc',\n  'hostname' = '${PGHOST}',\n"
                         "  'port' = '${PGPORT}',\n  'username' = '${PGUSER}',\n"
                         "  'password' = '${PGPASSWORD}',\n");
  appendStringInfo(out, "  'database-name' = %s,\n  'schema-name' = %s,\n  'table-name' = %s,\n",
                   flink_text(get_database_name(MyDatabaseId)),
                   flink_text(get_namespace_name(get_rel_namespace(table.relation))),
                   flink_text(get_rel_name(table.relation)));
  appendStringInfo(out,
                   "  'slot.name' = '%s',\n  'decoding.plugin.name' = 'pgoutput',\n"
                   "  'debezium.publication.name' = '%s',\n"
                   "  'debezium.database.server.name' = '%s',\n"
                   "  'debezium.publication.autocreate.mode' = 'disabled',\n",
                   slot_name(table), slot_name(table), slot_name(table));
  // The other source, which reads a first snapshot in parallel, needs a primary key, and fails with an incomplete schema
  // (3.5.0). This one fails at logical messages, which a trend's clock is, unless it leaves them out.
  appendStringInfoString(out,
                         "  'scan.incremental.snapshot.enabled' = 'false',\n"
                         "  'debezium.message.prefix.exclude.list' = '.*'");
  if (!follows_all_changes(table.relation)) {
    appendStringInfo(out, ",\n  'changelog-mode' = '%s'", key != nullptr ? "upsert" : "all");
  }
  appendStringInfoString(out, "\n);\n\n");
}

}  // namespace trending
