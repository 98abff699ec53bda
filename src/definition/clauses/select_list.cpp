// SPDX-License-Identifier: PostgreSQL
// The select list: window bounds, keys, aggregates, and expressions over these. They become the foreign
// table's columns.
#include "definition/clauses/analysis.h"
#include "engine/aggregates/aggregate.h"

namespace trending {

namespace {

// What is refused by its name, before anything is looked at.
void check_column(const Analysis& analysis, Node* expression, int location) {
  const char* message = nullptr;
  const char* hint = nullptr;
  if (contain_windowfuncs(expression)) {
    message = "window functions are not allowed in the definition of a trend";
    hint = "The trend's own column rank takes the place of rank() OVER (...).";
  } else if (analysis.query->hasSubLinks && checkExprHasSubLink(expression)) {
    message = "subqueries are not allowed in the definition of a trend";
    hint = "Join other tables when you read the trend.";
  } else if (expression_returns_set(expression)) {
    message = "set-returning functions are not allowed in the select list of a trend";
    hint = "Put them into FROM: FROM source, unnest(tags) AS tag.";
  }
  if (message == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", message), errhint("%s", hint),
                  query_position(analysis.text, location)));
}

void set_role(Analysis* analysis, Node* expression, int location, DefinitionColumn* column) {
  column->index = 0;
  if (is_window_bound(*analysis, expression, &column->role)) return;
  int key = find_key(*analysis, expression);
  if (key >= 0) {
    column->role = ColumnRole::kKey;
    column->index = key;
  } else if (IsA(expression, Aggref)) {
    column->role = ColumnRole::kAggregate;
    column->index = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(expression));
  } else {
    check_column(*analysis, expression, location);
    column->role = ColumnRole::kExpression;
    column->index = analyze_group_expression(analysis, expression, "the select list");
  }
}

// The trend adds rank, its history `final` and the window's bounds.
bool is_reserved(const DefinitionColumn& column) {
  if (strcmp(column.name, "rank") == 0 || strcmp(column.name, "final") == 0) return true;
  return (strcmp(column.name, "window_start") == 0 && column.role != ColumnRole::kWindowStart) ||
         (strcmp(column.name, "window_end") == 0 && column.role != ColumnRole::kWindowEnd);
}

void check_name(const Analysis& analysis, const DefinitionColumn& column, int location) {
  const Definition& definition = *analysis.definition;
  if (is_reserved(column)) {
    ereport(
        ERROR,
        (errcode(ERRCODE_DUPLICATE_COLUMN),
         errmsg("column name \"%s\" is taken: a trend and its history have a column of their own called so",
                column.name),
         errhint("Give the column another alias."), query_position(analysis.text, location)));
  }
  for (int i = 0; i < definition.column_count; i++) {
    if (strcmp(definition.columns[i].name, column.name) != 0) continue;
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
                    errmsg("column name \"%s\" is specified more than once", column.name),
                    errhint("Give the columns different aliases."), query_position(analysis.text, location)));
  }
}

void add_column(Analysis* analysis, TargetEntry* entry, int column_count) {
  auto* expression = reinterpret_cast<Node*>(entry->expr);
  int location = item_location(analysis->select->targetList, column_count, entry->resno - 1, expression);
  DefinitionColumn column = {};
  column.name = pstrdup(entry->resname);
  column.type = exprType(expression);
  column.typmod = exprTypmod(expression);
  column.collation = exprCollation(expression);
  set_role(analysis, expression, location, &column);
  check_name(*analysis, column, location);
  analysis->definition->columns[analysis->definition->column_count++] = column;
}

}  // namespace

void analyze_select_list(Analysis* analysis) {
  List* targets = analysis->query->targetList;
  Definition* definition = analysis->definition;
  definition->aggregates =
      static_cast<DefinitionAggregate*>(palloc0(sizeof(DefinitionAggregate) * kMaxAggregates));
  definition->columns =
      static_cast<DefinitionColumn*>(palloc0(sizeof(DefinitionColumn) * (list_length(targets) + 1)));
  definition->expressions =
      static_cast<GroupExpression*>(palloc0(sizeof(GroupExpression) * (list_length(targets) + 1)));
  ListCell* cell = nullptr;
  foreach (cell, targets) {
    auto* entry = lfirst_node(TargetEntry, cell);
    if (!entry->resjunk) add_column(analysis, entry, count_nonjunk_tlist_entries(targets));
  }
  definition->columns[definition->column_count++] =
      DefinitionColumn{"rank", INT8OID, -1, InvalidOid, ColumnRole::kRank, 0};
}

}  // namespace trending
