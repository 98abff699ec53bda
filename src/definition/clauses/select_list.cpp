// SPDX-License-Identifier: PostgreSQL
// The select list: window bounds, keys and aggregates, each by itself. They become the foreign table's
// columns.
#include "definition/clauses/analysis.h"
#include "engine/aggregates/aggregate.h"

namespace trending {

namespace {

// Something in the select list that is none of the three.
[[noreturn]] void report_column(const Analysis& analysis, Node* expression, int location) {
  const char* message =
      "an output column of a trend must be a window bound, a GROUP BY expression or an aggregate";
  const bool can_be_key = contain_var_clause(expression) && !contain_mutable_functions(expression);
  const char* hint = can_be_key ? "Add it to GROUP BY, or compute it when you read the trend."
                                : "Compute it when you read the trend.";
  if (contain_windowfuncs(expression)) {
    message = "window functions are not allowed in the definition of a trend";
    hint = "The trend's own column rank takes the place of rank() OVER (...).";
  } else if (analysis.query->hasSubLinks && checkExprHasSubLink(expression)) {
    message = "subqueries are not allowed in the definition of a trend";
    hint = "Join other tables when you read the trend.";
  } else if (expression_returns_set(expression)) {
    message = "set-returning functions are not allowed in the select list of a trend";
    hint = "Call them when you read the trend.";
  } else if (contain_aggs_of_level(expression, 0)) {
    message = "an aggregate of a trend must stand by itself";
    hint = "Select the aggregate, and compute with it when you read the trend.";
  }
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", message), errhint("%s", hint),
                  query_position(analysis.text, location)));
  pg_unreachable();
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
    report_column(*analysis, expression, location);
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
  ListCell* cell = nullptr;
  foreach (cell, targets) {
    auto* entry = lfirst_node(TargetEntry, cell);
    if (!entry->resjunk) add_column(analysis, entry, count_nonjunk_tlist_entries(targets));
  }
  definition->columns[definition->column_count++] =
      DefinitionColumn{"rank", INT8OID, -1, InvalidOid, ColumnRole::kRank, 0};
}

}  // namespace trending
