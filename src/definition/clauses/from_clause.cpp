// SPDX-License-Identifier: PostgreSQL
// FROM holds the source and then, unless the aggregates are over all rows or decayed, a window function of
// ours.
#include "definition/clauses/analysis.h"
#include "definition/clauses/source_check.h"

namespace trending {

namespace {

constexpr const char* kShapeHint =
    "Write FROM source, trending.hop(time_column, slide => '10 seconds', size => '5 minutes'), or tumble, "
    "cumulate or session.";

constexpr const char* kFromMessage = "FROM of a trend may only contain its source and a window function";

[[noreturn]] void refuse(const QueryText& text, const char* message, const char* hint, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", message), errhint("%s", hint),
                  query_position(text, location)));
  pg_unreachable();
}

void check_join(const JoinExpr* join, const QueryText& text) {
  int location = join->quals == nullptr ? -1 : exprLocation(join->quals);
  if (join->jointype != JOIN_INNER) {
    refuse(text, "outer joins are not allowed in the definition of a trend",
           "A row without an event time is in no window. Use CROSS JOIN LATERAL, or a comma.", location);
  }
  if (join->isNatural || join->usingClause != NIL) {
    refuse(text, "NATURAL and USING are not allowed in the definition of a trend",
           "Use CROSS JOIN LATERAL, or a comma.", location);
  }
  if (join->alias != nullptr) {
    refuse(text, "an alias of a join is not allowed in the definition of a trend",
           "Give the source an alias instead.", location);
  }
}

// Tables and functions in the order of FROM, which is also their order in the range table.
List* flatten(List* items, Node* node) {
  if (!IsA(node, JoinExpr)) return lappend(items, node);
  auto* join = reinterpret_cast<JoinExpr*>(node);
  return flatten(flatten(items, join->larg), join->rarg);
}

void check_joins(Node* node, const QueryText& text) {
  if (!IsA(node, JoinExpr)) return;
  auto* join = reinterpret_cast<JoinExpr*>(node);
  check_join(join, text);
  check_joins(join->larg, text);
  check_joins(join->rarg, text);
}

int function_location(const RangeFunction* item) {
  return exprLocation(static_cast<Node*>(linitial(linitial_node(List, item->functions))));
}

void check_function_shape(const RangeFunction* item, const QueryText& text) {
  int location = function_location(item);
  if (item->ordinality) {
    refuse(text, "WITH ORDINALITY is not allowed in the definition of a trend", "Leave it out.", location);
  }
  if (item->is_rowsfrom) {
    refuse(text, "ROWS FROM is not allowed in the definition of a trend",
           "Write the window function by itself.", location);
  }
}

int subquery_location(Node* subquery) {
  if (!IsA(subquery, SelectStmt)) return -1;
  auto* select = reinterpret_cast<SelectStmt*>(subquery);
  return exprLocation(reinterpret_cast<Node*>(select->targetList));
}

void check_item_shape(Node* item, const QueryText& text) {
  switch (nodeTag(item)) {
    case T_RangeVar:
      return;
    case T_RangeFunction:
      check_function_shape(reinterpret_cast<RangeFunction*>(item), text);
      return;
    case T_RangeSubselect:
      refuse(text, "a subquery in FROM is not allowed in the definition of a trend",
             "Name the table itself, and put conditions into WHERE.",
             subquery_location(reinterpret_cast<RangeSubselect*>(item)->subquery));
    case T_RangeTableSample:
      refuse(text, "TABLESAMPLE is not allowed in the definition of a trend", "A trend counts every row.",
             reinterpret_cast<RangeTableSample*>(item)->location);
    default:
      refuse(text, kFromMessage, kShapeHint, -1);
  }
}

// Counts the entries of a kind in FROM; the range table holds others beside them.
void find_entry(const Query* query, Node* item, RTEKind kind, Index* index, int* count) {
  if (IsA(item, JoinExpr)) {
    find_entry(query, reinterpret_cast<JoinExpr*>(item)->larg, kind, index, count);
    find_entry(query, reinterpret_cast<JoinExpr*>(item)->rarg, kind, index, count);
  } else if (IsA(item, RangeTblRef)) {
    const auto place = static_cast<Index>(reinterpret_cast<RangeTblRef*>(item)->rtindex);
    if (rt_fetch(place, query->rtable)->rtekind != kind) return;
    *index = place;
    (*count)++;
  }
}

// The one entry of a kind in FROM; NULL if there is none.
RangeTblEntry* entry_of_kind(const Analysis& analysis, RTEKind kind, Index* index) {
  int count = 0;
  ListCell* cell = nullptr;
  foreach (cell, analysis.query->jointree->fromlist) {
    find_entry(analysis.query, static_cast<Node*>(lfirst(cell)), kind, index, &count);
  }
  if (count > 1) refuse(analysis.text, kFromMessage, kShapeHint, -1);
  return count == 1 ? rt_fetch(*index, analysis.query->rtable) : nullptr;
}

bool is_true(Node* condition) {
  if (condition == nullptr) return true;
  if (!IsA(condition, Const)) return false;
  auto* constant = reinterpret_cast<Const*>(condition);
  return !constant->constisnull && DatumGetBool(constant->constvalue);
}

void check_join_conditions(const Analysis& analysis, Node* node) {
  if (!IsA(node, JoinExpr)) return;
  auto* join = reinterpret_cast<JoinExpr*>(node);
  if (!is_true(join->quals)) {
    refuse(analysis.text, "join conditions are not allowed in the definition of a trend",
           "Put the condition into WHERE.", exprLocation(join->quals));
  }
  check_join_conditions(analysis, join->larg);
  check_join_conditions(analysis, join->rarg);
}

}  // namespace

void check_from_shape(Analysis* analysis) {
  List* items = NIL;
  ListCell* cell = nullptr;
  foreach (cell, analysis->select->fromClause) {
    items = flatten(items, static_cast<Node*>(lfirst(cell)));
  }
  RangeVar* source = nullptr;
  RangeFunction* window = nullptr;
  foreach (cell, items) {
    auto* item = static_cast<Node*>(lfirst(cell));
    check_item_shape(item, analysis->text);
    if (IsA(item, RangeVar)) {
      if (source != nullptr) {
        refuse(analysis->text, "a trend has one source, and joins no other table",
               "Join other tables when you read the trend; for a title beside the key there is the option "
               "label.",
               reinterpret_cast<RangeVar*>(item)->location);
      }
      source = reinterpret_cast<RangeVar*>(item);
    } else {
      if (window != nullptr) {
        refuse(analysis->text, "a trend has one window function", "Create one trend for each kind of window.",
               function_location(reinterpret_cast<RangeFunction*>(item)));
      }
      window = reinterpret_cast<RangeFunction*>(item);
    }
  }
  if (source == nullptr) refuse(analysis->text, "the definition of a trend needs a source", kShapeHint, -1);
  // How the window function is joined; any other join was refused for being one.
  foreach (cell, analysis->select->fromClause) check_joins(static_cast<Node*>(lfirst(cell)), analysis->text);
  analysis->source_location = source->location;
  analysis->window_location = window == nullptr ? -1 : function_location(window);
}

void analyze_from(Analysis* analysis) {
  Query* query = analysis->query;
  Index source_index = 0;
  Index window_index = 0;
  RangeTblEntry* source = entry_of_kind(*analysis, RTE_RELATION, &source_index);
  RangeTblEntry* window = entry_of_kind(*analysis, RTE_FUNCTION, &window_index);
  if (source == nullptr) {
    refuse(analysis->text, kFromMessage, kShapeHint, -1);
  }
  source_check(source->relid, !source->inh, analysis->text, analysis->source_location);
  analysis->definition->source = source->relid;
  analysis->scope = ExpressionScope{&analysis->text, source_index, source->relid, window_index, false};
  ListCell* cell = nullptr;
  foreach (cell, query->jointree->fromlist) {
    check_join_conditions(*analysis, static_cast<Node*>(lfirst(cell)));
  }
  analysis->definition->has_window = window != nullptr;
  if (window != nullptr) analyze_window_call(analysis, window);
}

}  // namespace trending
