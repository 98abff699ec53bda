// SPDX-License-Identifier: PostgreSQL
// FROM holds the source, perhaps tables that are joined to it (dimensions.cpp), and then, unless the aggregates
// are over all rows or decayed, a window function of ours; and, wherever it likes, a set-returning function that
// makes several events of a row.
#include "definition/clauses/analysis.h"
#include "definition/clauses/source_check.h"
#include "values/window_args.h"

namespace trending {

namespace {

constexpr const char* kShapeHint =
    "Write FROM source, trending.hop(time_column, slide => '10 seconds', size => '5 minutes'), or tumble, "
    "cumulate or session.";

constexpr const char* kFromMessage =
    "FROM of a trend may only contain its source, joined tables, a window function and a set-returning function";

[[noreturn]] void refuse(const QueryText& text, const char* message, const char* hint, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s", message), errhint("%s", hint),
                  query_position(text, location)));
  pg_unreachable();
}

[[noreturn]] void refuse_outer(const JoinExpr* join, const QueryText& text) {
  refuse(text, "outer joins are not allowed in the definition of a trend",
         "A row without an event time is in no window. Use CROSS JOIN LATERAL, or a comma.",
         join->quals == nullptr ? -1 : exprLocation(join->quals));
}

int table_location(const Node* item) {
  return IsA(item, RangeVar) ? reinterpret_cast<const RangeVar*>(item)->location : -1;
}

// How a table is joined to what is left of it.
void check_table_join(const JoinExpr* join, const QueryText& text) {
  const int location = table_location(join->rarg);
  if (join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL) {
    refuse(text, "RIGHT and FULL joins are not allowed in the definition of a trend",
           "Put the table with the events first, and JOIN or LEFT JOIN the other one to it.", location);
  }
  if (join->isNatural) {
    refuse(text, "NATURAL joins are not allowed in the definition of a trend",
           "Name the columns: JOIN table USING (column).", location);
  }
  if (join->alias != nullptr) {
    refuse(text, "an alias of a join is not allowed in the definition of a trend",
           "Give the tables aliases instead.", location);
  }
  if (join->quals == nullptr && join->usingClause == NIL) {
    refuse(text, "a joined table of a trend needs a condition",
           "Join it by equality of all columns of its primary key, or of a unique key.", location);
  }
}

void check_join(const JoinExpr* join, const RangeVar* source, const QueryText& text) {
  int location = join->quals == nullptr ? -1 : exprLocation(join->quals);
  if (IsA(join->rarg, RangeVar) && reinterpret_cast<RangeVar*>(join->rarg) != source) {
    return check_table_join(join, text);
  }
  if (IsA(join->rarg, JoinExpr)) {
    refuse(text, "joins in parentheses are not allowed in the definition of a trend",
           "Join each table to those before it: source JOIN a ON ... JOIN b ON ...", location);
  }
  if (join->jointype != JOIN_INNER && join->jointype != JOIN_LEFT) refuse_outer(join, text);
  if (join->isNatural || join->usingClause != NIL) {
    refuse(text, "NATURAL and USING are not allowed with a function in the definition of a trend",
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

void check_joins(Node* node, const RangeVar* source, const QueryText& text) {
  if (!IsA(node, JoinExpr)) return;
  auto* join = reinterpret_cast<JoinExpr*>(node);
  check_join(join, source, text);
  check_joins(join->larg, source, text);
  check_joins(join->rarg, source, text);
}

const FuncCall* called(const RangeFunction* item) {
  auto* function = static_cast<Node*>(linitial(linitial_node(List, item->functions)));
  return IsA(function, FuncCall) ? reinterpret_cast<FuncCall*>(function) : nullptr;
}

// By its name alone, for an error that is better than the server's: two of them have columns of one name.
bool is_called_like_window(const RangeFunction* item) {
  const FuncCall* call = called(item);
  if (call == nullptr) return false;
  const char* name = strVal(llast(call->funcname));
  for (WindowKind kind :
       {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate, WindowKind::kSession}) {
    if (strcmp(name, window_function_name(kind)) == 0) return true;
  }
  return false;
}

int subquery_location(Node* subquery) {
  if (!IsA(subquery, SelectStmt)) return -1;
  auto* select = reinterpret_cast<SelectStmt*>(subquery);
  return exprLocation(reinterpret_cast<Node*>(select->targetList));
}

void check_item_shape(Node* item, const QueryText& text) {
  switch (nodeTag(item)) {
    case T_RangeVar:
    case T_RangeFunction:
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

bool is_true(Node* condition) {
  if (condition == nullptr) return true;
  if (!IsA(condition, Const)) return false;
  auto* constant = reinterpret_cast<Const*>(condition);
  return !constant->constisnull && DatumGetBool(constant->constvalue);
}

// What FROM has, by places in the range table; 0: none.
struct FromEntries {
  Index source = 0;
  Index window = 0;
  Index unnesting = 0;
  bool keeps_rows = false;  // unnesting is joined by LEFT JOIN
  List* joins = NIL;        // DimensionJoins
};

bool is_window_function(const RangeTblFunction* function) {
  WindowKind kind;
  return IsA(function->funcexpr, FuncExpr) &&
         window_function_kind(reinterpret_cast<FuncExpr*>(function->funcexpr)->funcid, &kind);
}

bool has_window_function(const RangeTblEntry* entry) {
  ListCell* cell = nullptr;
  foreach (cell, entry->functions) {
    if (is_window_function(lfirst_node(RangeTblFunction, cell))) return true;
  }
  return false;
}

int entry_location(const RangeTblEntry* entry) {
  return exprLocation(linitial_node(RangeTblFunction, entry->functions)->funcexpr);
}

void check_window_entry(const QueryText& text, const RangeTblEntry* entry) {
  const int location = entry_location(entry);
  if (list_length(entry->functions) != 1) {
    refuse(text, "ROWS FROM with a window function is not allowed in the definition of a trend",
           "Write the window function by itself.", location);
  }
  if (entry->funcordinality) {
    refuse(text, "WITH ORDINALITY of a window function is not allowed in the definition of a trend",
           "Leave it out.", location);
  }
}

// `outer`: the LEFT JOIN that the entry is the right side of, or NULL.
void note_function(const Analysis& analysis, Index place, const JoinExpr* outer, FromEntries* found) {
  const RangeTblEntry* entry = rt_fetch(place, analysis.query->rtable);
  if (has_window_function(entry)) {
    check_window_entry(analysis.text, entry);
    if (outer != nullptr) refuse_outer(outer, analysis.text);
    if (found->window != 0) {
      refuse(analysis.text, "a trend has one window function", "Create one trend for each kind of window.",
             entry_location(entry));
    }
    found->window = place;
    return;
  }
  if (found->unnesting != 0) {
    refuse(analysis.text, "a trend has one set-returning function beside its window function",
           "Arrays side by side: unnest(a, b).", entry_location(entry));
  }
  found->unnesting = place;
  found->keeps_rows = outer != nullptr;
}

// Whether the right side of a join is a table.
bool joins_table(const Analysis& analysis, const JoinExpr* join) {
  return IsA(join->rarg, RangeTblRef) &&
         rt_fetch(reinterpret_cast<RangeTblRef*>(join->rarg)->rtindex, analysis.query->rtable)->rtekind ==
             RTE_RELATION;
}

void note_dimension(const JoinExpr* join, FromEntries* found) {
  auto* dimension = static_cast<DimensionJoin*>(palloc(sizeof(DimensionJoin)));
  *dimension = {static_cast<Index>(reinterpret_cast<RangeTblRef*>(join->rarg)->rtindex), join};
  found->joins = lappend(found->joins, dimension);
}

void note_entries(const Analysis& analysis, Node* item, const JoinExpr* outer, FromEntries* found) {
  if (IsA(item, JoinExpr)) {
    auto* join = reinterpret_cast<JoinExpr*>(item);
    if (outer != nullptr) refuse_outer(outer, analysis.text);
    if (joins_table(analysis, join)) {
      note_entries(analysis, join->larg, nullptr, found);
      if (found->source != 0) return note_dimension(join, found);
      // The source itself, to the right of a function.
    }
    if (!is_true(join->quals)) {
      const bool is_left = join->jointype == JOIN_LEFT;
      refuse(
          analysis.text, "join conditions are not allowed in the definition of a trend",
          is_left ? "Write ON true, and what is to be counted as FILTER." : "Put the condition into WHERE.",
          exprLocation(join->quals));
    }
    if (!joins_table(analysis, join)) note_entries(analysis, join->larg, nullptr, found);
    note_entries(analysis, join->rarg, join->jointype == JOIN_LEFT ? join : nullptr, found);
    return;
  }
  if (!IsA(item, RangeTblRef)) refuse(analysis.text, kFromMessage, kShapeHint, -1);
  const auto place = static_cast<Index>(reinterpret_cast<RangeTblRef*>(item)->rtindex);
  switch (rt_fetch(place, analysis.query->rtable)->rtekind) {
    case RTE_RELATION:
      if (outer != nullptr) refuse_outer(outer, analysis.text);
      if (found->source != 0) refuse(analysis.text, kFromMessage, kShapeHint, -1);
      found->source = place;
      return;
    case RTE_FUNCTION:
      note_function(analysis, place, outer, found);
      return;
    default:
      refuse(analysis.text, kFromMessage, kShapeHint, -1);
  }
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
      if (source == nullptr) source = reinterpret_cast<RangeVar*>(item);
    } else if (is_called_like_window(reinterpret_cast<RangeFunction*>(item))) {
      if (window != nullptr) {
        refuse(analysis->text, "a trend has one window function", "Create one trend for each kind of window.",
               called(reinterpret_cast<RangeFunction*>(item))->location);
      }
      window = reinterpret_cast<RangeFunction*>(item);
    }
  }
  if (source == nullptr) refuse(analysis->text, "the definition of a trend needs a source", kShapeHint, -1);
  foreach (cell, analysis->select->fromClause) {
    check_joins(static_cast<Node*>(lfirst(cell)), source, analysis->text);
  }
  // A table that is no right side of a join.
  foreach (cell, analysis->select->fromClause) {
    auto* item = static_cast<Node*>(lfirst(cell));
    while (IsA(item, JoinExpr)) item = reinterpret_cast<JoinExpr*>(item)->larg;
    if (!IsA(item, RangeVar) || item == reinterpret_cast<Node*>(source)) continue;
    refuse(
        analysis->text, "a trend has one source, to which other tables are joined",
        "Write source JOIN table ON table.key = source.column, by all columns of one of the table's unique "
        "keys; for a title beside the key there is the option label.",
        reinterpret_cast<RangeVar*>(item)->location);
  }
  analysis->source_location = source->location;
}

void analyze_from(Analysis* analysis) {
  const Query* query = analysis->query;
  Definition* definition = analysis->definition;
  FromEntries found;
  ListCell* cell = nullptr;
  foreach (cell, query->jointree->fromlist) {
    note_entries(*analysis, static_cast<Node*>(lfirst(cell)), nullptr, &found);
  }
  if (found.source == 0) refuse(analysis->text, kFromMessage, kShapeHint, -1);
  const RangeTblEntry* source = rt_fetch(found.source, query->rtable);
  source_check(source->relid, !source->inh, analysis->text, analysis->source_location);
  definition->source = source->relid;
  definition->source_entry = found.source;
  definition->window_entry = found.window;
  definition->unnesting_entry = found.unnesting;
  definition->has_window = found.window != 0;
  analysis->scope = ExpressionScope{&analysis->text, found.source, source->relid, found.window, 0, false};
  analysis->joins = found.joins;
  analyze_dimensions(analysis);
  // Its arguments are what a row has before there are elements.
  if (found.unnesting != 0) {
    analyze_unnesting(analysis, rt_fetch(found.unnesting, analysis->query->rtable), found.keeps_rows);
  }
  analysis->scope.unnesting = found.unnesting;
  if (found.window == 0) return;
  RangeTblEntry* window = rt_fetch(found.window, analysis->query->rtable);
  analysis->window_location = entry_location(window);
  analyze_window_call(analysis, window);
}

}  // namespace trending
