// SPDX-License-Identifier: PostgreSQL
// The steps of definition_analyze, for src/definition only. Each raises an error at what it does not accept.
#pragma once

#include "definition/clauses/expression_check.h"
#include "definition/definition.h"
#include "definition/query_text.h"
#include "postgres/server.h"

namespace trending {

// What the steps know so far.
struct Analysis {
  QueryText text;
  SelectStmt* select;  // as parsed; of a view, whose text nobody has, without anything in it
  Query* query;        // as analysed
  Definition* definition;

  ExpressionScope scope;
  Unnesting* unnesting;  // Definition::unnesting
  int source_location;   // of the source's name in the text
  List* joins;           // DimensionJoins, in the order of FROM
  int window_location;   // of the window function's; -1 without one

  bool groups_by_start;
  bool groups_by_end;
  List* keys;         // expressions of GROUP BY, not planned, window bounds left out
  List* aggregates;   // Aggrefs, not planned, in the order of Definition::aggregates
  List* expressions;  // not planned, in the order of Definition::expressions
  Node* decay_time;   // `at` of the decayed aggregates, not planned
  Node* event_time;   // of the window function, likewise
};

// Checks of the parse tree, where clauses still have their places: clause_check.cpp.
SelectStmt* parse_select(const QueryText& text, RawStmt** statement);
void check_clauses(const SelectStmt* select, const QueryText& text);

// The same of a view's query, in less words: what was a definition once has none of it.
void check_query(const Query* query);

// FROM: from_clause.cpp. Before analysis the shape and the places, after it the relation and the function.
void check_from_shape(Analysis* analysis);
void analyze_from(Analysis* analysis);

// The window function's arguments: window_call.cpp.
void analyze_window_call(Analysis* analysis, RangeTblEntry* entry);

// The functions that make several events of a row: unnesting.cpp.
void analyze_unnesting(Analysis* analysis, const RangeTblEntry* entry, bool keeps_rows);

// A joined table as FROM has it.
struct DimensionJoin {
  Index entry;
  const JoinExpr* join;
};

// Joined tables, before any clause is looked at: from here on their columns are columns of the source's row.
// The second says what of the finished definition cannot be had with them. (dimensions.cpp)
void analyze_dimensions(Analysis* analysis);
void check_dimensions(const Analysis& analysis);
// Whether an expression that is ready to run reads a dimension.
bool reads_dimension(const Definition& definition, const Expr* expression);
// The name of a column of the source's row, be it of a dimension.
const char* column_name(const Analysis& analysis, AttrNumber attnum);

// GROUP BY, select list, aggregates and ORDER BY: group_by.cpp, select_list.cpp, aggregate_call.cpp,
// order_by.cpp.
void analyze_group_by(Analysis* analysis);
void analyze_select_list(Analysis* analysis);
void analyze_order_by(Analysis* analysis);
// HAVING, after the select list: having.cpp.
void analyze_having(Analysis* analysis);

// Where an item of a clause stands in the text: the i-th node of the parse tree's list, if the analysed
// clause has as many items; else (a star, a duplicate) where the expression itself is. (clause_check.cpp)
int item_location(const List* parsed, int analysed_count, int i, Node* expression);

// The aggregate's index in the definition, added if it is new; checks it. (aggregate_call.cpp)
int analyze_aggregate(Analysis* analysis, Aggref* aggregate);

// Takes out of a FILTER what compares the event time with the window's bounds, and cuts panes there. Returns
// what is left, NULL for nothing. (window_part.cpp)
Node* take_window_part(Analysis* analysis, Node* filter, WindowPart* part);

// Once all aggregates are known: what a definition without a window function is over. (aggregate_call.cpp)
void analyze_decay(Analysis* analysis);

// An expression over keys, aggregates and window bounds, of `place` in messages: checked, and made ready to
// run over the row of a group (definition/group_row.h). The second adds it to those of the definition if it is
// new, and returns its index there. (group_expression.cpp)
Expr* prepare_group_expression(Analysis* analysis, Node* expression, const char* place);
int analyze_group_expression(Analysis* analysis, Node* expression, const char* place);

// The index of the key that is this expression, or -1. (group_by.cpp)
int find_key(const Analysis& analysis, Node* expression);

// Whether the expression is a bound of the window, by itself. (group_by.cpp)
bool is_window_bound(const Analysis& analysis, Node* expression, ColumnRole* role);

// A checked expression made ready to run: planned, Vars of the source renumbered to 1, those of elements to
// INNER_VAR. NULL for NULL. (analysis.cpp)
Expr* prepare_expression(const Analysis& analysis, Node* expression);
// The same of one over groups, whose Vars stay as they are.
Expr* plan_expression(const Analysis& analysis, Node* expression);

}  // namespace trending
