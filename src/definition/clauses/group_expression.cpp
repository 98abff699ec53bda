// SPDX-License-Identifier: PostgreSQL
// Expressions over keys, aggregates and window bounds: of the select list, HAVING and ORDER BY.
#include "definition/clauses/analysis.h"
#include "definition/group_row.h"

namespace trending {

namespace {

struct Replacing {
  Analysis* analysis;
  const char* place;
};

Node* column(AttrNumber attribute, Node* expression) {
  Var* var =
      makeVar(1, attribute, exprType(expression), exprTypmod(expression), exprCollation(expression), 0);
  var->location = exprLocation(expression);
  return reinterpret_cast<Node*>(var);
}

[[noreturn]] void refuse_column(const Replacing& replacing, Node* expression) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("%s of a trend may only use its keys and aggregates", replacing.place),
                  errhint("Add the column to GROUP BY."),
                  query_position(replacing.analysis->text, exprLocation(expression))));
  pg_unreachable();
}

// Puts columns of the group's row in the place of aggregates, keys and bounds.
Node* replace(Node* node, void* context) {
  if (node == nullptr || IsA(node, Query)) return node;
  auto* replacing = static_cast<Replacing*>(context);
  Analysis* analysis = replacing->analysis;
  if (IsA(node, Aggref)) {
    const int aggregate = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(node));
    return column(group_aggregate_attribute(*analysis->definition, aggregate), node);
  }
  const int key = IsA(node, Const) ? -1 : find_key(*analysis, node);
  if (key >= 0) return column(group_key_attribute(key), node);
  ColumnRole role;
  if (is_window_bound(*analysis, node, &role)) {
    return column(role == ColumnRole::kWindowStart ? kGroupStart : kGroupEnd, node);
  }
  if (IsA(node, Var)) refuse_column(*replacing, node);
  return compat::mutate_expression(node, replace, context);
}

}  // namespace

Expr* prepare_group_expression(Analysis* analysis, Node* expression, const char* place) {
  Replacing replacing{analysis, place};
  Node* over_groups = replace(expression, &replacing);
  ExpressionScope scope = analysis->scope;
  scope.of_groups = true;
  expression_check(over_groups, scope, place);
  return plan_expression(*analysis, over_groups);
}

int analyze_group_expression(Analysis* analysis, Node* expression, const char* place) {
  ListCell* cell = nullptr;
  foreach (cell, analysis->expressions) {
    if (equal(lfirst(cell), expression)) return foreach_current_index(cell);
  }
  Definition* definition = analysis->definition;
  GroupExpression* added = &definition->expressions[definition->expression_count];
  added->expr = prepare_group_expression(analysis, expression, place);
  added->type = exprType(expression);
  analysis->expressions = lappend(analysis->expressions, expression);
  return definition->expression_count++;
}

}  // namespace trending
