// SPDX-License-Identifier: PostgreSQL
// trending.batch_query(trend): a trend's definition as a query over the source, with ranks: what the trend
// should show, computed the slow way. verify and recompute run it, and so can anybody who doubts.
#include "catalog/definition_catalog.h"
#include "catalog/definition_view.h"
#include "definition/definition.h"
#include "definition/text/definition_text.h"
#include "functions/batch_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

const char* selected_column(const Definition& definition, ColumnRole role, int index, const char* what) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == role && column.index == index) return quote_identifier(column.name);
  }
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("the definition does not select its %s", what),
       errdetail("Without it the rows of different windows or groups cannot be told apart."),
       errhint("Create the trend again with window_start, window_end and every key in its select list.")));
  pg_unreachable();
}

const char* ranking_column(const Definition& definition, int term) {
  const OrderTerm& by = definition.order[term];
  return selected_column(definition, by.role, by.index,
                         by.role == ColumnRole::kExpression ? "ranking expression" : "ranking aggregate");
}

char* qualified_relation(Oid relation) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

const char* column_list(const Definition& definition, const char* alias) {
  StringInfoData list;
  initStringInfo(&list);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kRank) continue;
    appendStringInfo(&list, "%s%s.%s", i == 0 ? "" : ", ", alias, quote_identifier(column.name));
  }
  return list.data;
}

void append_rank_order(StringInfo out, const Definition& definition) {
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    appendStringInfo(out, "%s%s %s NULLS %s", i == 0 ? "" : ", ", ranking_column(definition, i),
                     term.descending ? "DESC" : "ASC", term.nulls_first ? "FIRST" : "LAST");
  }
  for (int i = 0; i < definition.keys.count; i++) {
    int index = definition.keys.order[i];
    const KeyColumn& key = definition.keys.columns[index];
    appendStringInfo(out, ", %s %s NULLS %s", selected_column(definition, ColumnRole::kKey, index, "keys"),
                     key.descending ? "DESC" : "ASC", key.nulls_first ? "FIRST" : "LAST");
  }
}

List* rank_partition_columns(const Definition& definition, bool live) {
  List* columns = NIL;
  auto add = [&](const char* column) { columns = lappend(columns, const_cast<char*>(column)); };
  if (definition.has_window && !(live && definition.window.kind == WindowKind::kSession)) {
    add(selected_column(definition, ColumnRole::kWindowStart, 0, "window_start"));
    add(selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end"));
  }
  for (int i = 0; i < definition.partition.count; i++) {
    add(selected_column(definition, ColumnRole::kKey, definition.partition_keys[i], "keys"));
  }
  return columns;
}

void append_rank_partition(StringInfo out, const Definition& definition, bool live) {
  const char* separator = "PARTITION BY ";
  List* columns = rank_partition_columns(definition, live);
  ListCell* cell = nullptr;
  foreach (cell, columns) {
    appendStringInfo(out, "%s%s", separator, static_cast<const char*>(lfirst(cell)));
    separator = ", ";
  }
  if (columns != NIL) appendStringInfoChar(out, ' ');
}

char* batch_query(const Definition& definition, const BatchText& how) {
  const char* text = definition_batch_text(definition, how);
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfoString(&query, "SELECT d.*, row_number() OVER (");
  append_rank_partition(&query, definition);
  appendStringInfoString(&query, "ORDER BY ");
  append_rank_order(&query, definition);
  int length = static_cast<int>(strlen(text));
  while (length > 0 && (text[length - 1] == ';' || isspace(static_cast<unsigned char>(text[length - 1])))) {
    length--;
  }
  appendStringInfo(&query, ") AS rank FROM (%.*s) d", length, text);
  return query.data;
}

}  // namespace trending

TRENDING_FUNCTION(batch_query) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  PG_RETURN_TEXT_P(cstring_to_text(batch_query(*definition)));
}

// Of a trend that is stopped, too.
TRENDING_FUNCTION(definition) {
  using namespace trending;
  Oid relation = PG_GETARG_OID(0);
  Oid view = definition_view(relation);
  if (!OidIsValid(view)) PG_RETURN_NULL();
  if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) != ACLCHECK_OK) PG_RETURN_NULL();
  Fingerprint rule;
  const Query* query = definition_view_query(view, &rule);
  if (query == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(definition_text(query)));
}
