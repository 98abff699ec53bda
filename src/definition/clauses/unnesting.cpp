// SPDX-License-Identifier: PostgreSQL
// Set-returning functions in FROM, whose rows make several events of a row of the source: unnest(tags).
//
// They run where expressions run, so the same holds for them: built in, immutable, nothing of anybody's types.
#include "definition/clauses/analysis.h"

namespace trending {

namespace {

[[noreturn]] void refuse(const Analysis& analysis, const char* message, const char* hint, Node* function) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", message), errhint("%s", hint),
                  query_position(analysis.text, exprLocation(function))));
  pg_unreachable();
}

// What these do is said by a text search parser, which they look up by its number: nothing that a definition
// could depend on.
bool runs_parser(Oid function) {
  return function == F_TS_PARSE_OID_TEXT || function == F_TS_TOKEN_TYPE_OID;
}

FuncExpr* check_function(const Analysis& analysis, const RangeTblFunction* function) {
  Node* node = function->funcexpr;
  const bool is_set = IsA(node, FuncExpr) && reinterpret_cast<FuncExpr*>(node)->funcretset;
  if (!is_set) {
    refuse(
        analysis, "a function in FROM of a trend must be a window function of trending, or return a set",
        "Windows are made by trending.tumble, trending.hop, trending.cumulate or trending.session. A single "
        "value is written where it is used.",
        node);
  }
  auto* call = reinterpret_cast<FuncExpr*>(node);
  set_call_check(call, analysis.scope, "FROM");
  if (function->funccolnames != NIL) {
    refuse(analysis, "a column definition list is not allowed in the definition of a trend",
           "Use a function that says which columns it has.", node);
  }
  if (runs_parser(call->funcid)) {
    refuse(analysis, "functions of text search parsers are not allowed in FROM of a trend",
           "Use regexp_split_to_table or string_to_table.", node);
  }
  return call;
}

}  // namespace

void analyze_unnesting(Analysis* analysis, const RangeTblEntry* entry, bool keeps_rows) {
  auto* unnesting = static_cast<Unnesting*>(palloc0(sizeof(Unnesting)));
  ListCell* cell = nullptr;
  foreach (cell, entry->functions) {
    FuncExpr* call = check_function(*analysis, lfirst_node(RangeTblFunction, cell));
    Expr* prepared = prepare_expression(*analysis, reinterpret_cast<Node*>(call));
    unnesting->functions = lappend(unnesting->functions, prepared);
  }
  unnesting->has_ordinality = entry->funcordinality;
  unnesting->keeps_rows = keeps_rows;
  analysis->unnesting = unnesting;
  analysis->definition->unnesting = unnesting;
}

}  // namespace trending
