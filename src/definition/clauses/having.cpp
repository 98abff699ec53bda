// SPDX-License-Identifier: PostgreSQL
// HAVING: a condition over keys and aggregates, as an expression over a row of them.
#include "definition/clauses/analysis.h"

namespace trending {

namespace {

Node* column(int index, Node* expression) {
  Var* var = makeVar(1, static_cast<AttrNumber>(index + 1), exprType(expression), exprTypmod(expression),
                     exprCollation(expression), 0);
  var->location = exprLocation(expression);
  return reinterpret_cast<Node*>(var);
}

[[noreturn]] void refuse_column(const Analysis& analysis, Node* expression) {
  ColumnRole role;
  bool is_bound = is_window_bound(analysis, expression, &role);
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("HAVING of a trend may only use its keys and aggregates"),
                  is_bound ? errhint("Use WHERE on the window bounds when you read the trend.")
                           : errhint("Add the column to GROUP BY."),
                  query_position(analysis.text, exprLocation(expression))));
  pg_unreachable();
}

// Puts columns in the place of aggregates and keys.
Node* replace(Node* node, void* context) {
  if (node == nullptr || IsA(node, Query)) return node;
  auto* analysis = static_cast<Analysis*>(context);
  const int key_count = analysis->definition->keys.count;
  if (IsA(node, Aggref)) {
    int aggregate = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(node));
    return column(key_count + aggregate, node);
  }
  int key = IsA(node, Const) ? -1 : find_key(*analysis, node);
  if (key >= 0) return column(key, node);
  if (IsA(node, Var)) refuse_column(*analysis, node);
  return compat::mutate_expression(node, replace, context);
}

}  // namespace

void analyze_having(Analysis* analysis) {
  Node* having = analysis->query->havingQual;
  if (having == nullptr) return;
  Node* over_groups = replace(having, analysis);
  if (analysis->definition->half_life != 0) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("HAVING is not supported in a trend of decayed aggregates"),
                    errdetail("Their values change with time alone."),
                    errhint("Use WHERE on the trend when you read it."),
                    query_position(analysis->text, exprLocation(having))));
  }
  ExpressionScope scope = analysis->scope;
  scope.of_groups = true;
  expression_check(over_groups, scope, "HAVING");
  analysis->definition->having = prepare_expression(*analysis, over_groups);
}

}  // namespace trending
