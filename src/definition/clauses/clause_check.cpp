// SPDX-License-Identifier: PostgreSQL
// The parse tree is looked at only for clauses that a trend does not have: here they still have their places.
#include "definition/clauses/analysis.h"

namespace trending {

namespace {

[[noreturn]] void refuse(const QueryText& text, const char* construct, const char* hint, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("%s is not allowed in the definition of a trend", construct), errhint("%s", hint),
                  query_position(text, location)));
  pg_unreachable();
}

// The place of a list's first node that has one.
int list_location(const List* list) {
  return list == NIL ? -1 : exprLocation(reinterpret_cast<const Node*>(list));
}

int lock_location(const List* clauses) {
  auto* clause = linitial_node(LockingClause, clauses);
  return clause->lockedRels == NIL ? -1 : linitial_node(RangeVar, clause->lockedRels)->location;
}

void check_set_operation(const SelectStmt* select, const QueryText& text) {
  if (select->op == SETOP_NONE) return;
  const char* name = select->op == SETOP_UNION       ? "UNION"
                     : select->op == SETOP_INTERSECT ? "INTERSECT"
                                                     : "EXCEPT";
  refuse(text, name, "Create one trend for each SELECT.", list_location(select->rarg->targetList));
}

void report_no_grouping() {
  ereport(ERROR, (errcode(ERRCODE_GROUPING_ERROR), errmsg("the definition of a trend needs GROUP BY"),
                  errhint("Add GROUP BY with the columns to rank, and window_start and window_end if there "
                          "are windows.")));
}

void check_grouping(const SelectStmt* select, const QueryText& text) {
  constexpr const char* kHint = "Create one trend for each grouping.";
  ListCell* cell = nullptr;
  foreach (cell, select->groupClause) {
    auto* node = static_cast<Node*>(lfirst(cell));
    const bool is_empty =
        IsA(node, GroupingSet) && reinterpret_cast<GroupingSet*>(node)->kind == GROUPING_SET_EMPTY;
    if (is_empty && list_length(select->groupClause) == 1) report_no_grouping();
    if (IsA(node, GroupingSet)) {
      refuse(text, "GROUPING SETS, ROLLUP or CUBE", kHint, reinterpret_cast<GroupingSet*>(node)->location);
    }
  }
  if (select->groupDistinct) refuse(text, "GROUP BY DISTINCT", kHint, list_location(select->groupClause));
  if (select->groupClause == NIL) report_no_grouping();
}

// A clause that a view's query has and a trend's definition does not; NULL: there is none.
const char* foreign_clause(const Query* query) {
  if (query->commandType != CMD_SELECT || query->utilityStmt != nullptr) return "another command";
  if (query->cteList != NIL) return "WITH";
  if (query->setOperations != nullptr) return "UNION, INTERSECT or EXCEPT";
  if (query->distinctClause != NIL) return "DISTINCT";
  if (query->windowClause != NIL || query->hasWindowFuncs) return "a window function";
  if (query->limitCount != nullptr || query->limitOffset != nullptr) return "LIMIT or OFFSET";
  if (query->rowMarks != NIL) return "FOR UPDATE or SHARE";
  if (query->groupingSets != NIL || query->groupDistinct) return "GROUPING SETS";
  if (query->groupClause == NIL) return "no GROUP BY";
  if (query->hasSubLinks) return "a subquery";
  if (query->hasTargetSRFs) return "a set-returning function in its select list";
  return nullptr;
}

// What FROM of a view has and that of a definition does not; NULL: nothing.
const char* foreign_item(const Query* query, Node* item) {
  if (IsA(item, JoinExpr)) {
    const auto* join = reinterpret_cast<const JoinExpr*>(item);
    const bool is_plain = join->jointype == JOIN_INNER || join->jointype == JOIN_LEFT;
    if (!is_plain || join->isNatural || join->alias != nullptr) return "a join of another kind";
    const char* left = foreign_item(query, join->larg);
    return left != nullptr ? left : foreign_item(query, join->rarg);
  }
  if (!IsA(item, RangeTblRef)) return "an item of another kind in FROM";
  const RangeTblEntry* entry = rt_fetch(reinterpret_cast<RangeTblRef*>(item)->rtindex, query->rtable);
  if (entry->rtekind == RTE_RELATION) return entry->tablesample == nullptr ? nullptr : "TABLESAMPLE";
  return entry->rtekind == RTE_FUNCTION ? nullptr : "an item of another kind in FROM";
}

}  // namespace

void check_query(const Query* query) {
  const char* found = foreign_clause(query);
  ListCell* cell = nullptr;
  foreach (cell, found == nullptr ? query->jointree->fromlist : NIL) {
    if (found == nullptr) found = foreign_item(query, static_cast<Node*>(lfirst(cell)));
  }
  if (found == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("the view of a trend's definition is none that trending has made"),
                  errdetail("It has %s.", found),
                  errhint("Drop the trend with trending.drop_trend() and create it again.")));
}

int item_location(const List* parsed, int analysed_count, int i, Node* expression) {
  if (list_length(parsed) != analysed_count) return exprLocation(expression);
  auto* item = static_cast<Node*>(list_nth(parsed, i));
  if (IsA(item, SortBy)) item = reinterpret_cast<SortBy*>(item)->node;
  return exprLocation(item);
}

SelectStmt* parse_select(const QueryText& text, RawStmt** statement) {
  List* parsed = raw_parser(text.text, RAW_PARSE_DEFAULT);
  if (parsed == NIL) {
    ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the definition of a trend is empty"),
                    errhint("Write a SELECT.")));
  }
  if (list_length(parsed) > 1) {
    int location = lsecond_node(RawStmt, parsed)->stmt_location;
    while (scanner_isspace(text.text[location])) location++;
    ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the definition of a trend must be one statement"),
                    query_position(text, location)));
  }
  *statement = linitial_node(RawStmt, parsed);
  Node* node = (*statement)->stmt;
  bool is_select = IsA(node, SelectStmt) && reinterpret_cast<SelectStmt*>(node)->valuesLists == NIL;
  if (!is_select) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the definition of a trend must be a SELECT")));
  }
  return reinterpret_cast<SelectStmt*>(node);
}

void check_clauses(const SelectStmt* select, const QueryText& text) {
  if (select->withClause != nullptr) {
    refuse(text, "WITH", "Write one SELECT from the source and a window function.",
           select->withClause->location);
  }
  check_set_operation(select, text);
  if (select->intoClause != nullptr) {
    refuse(text, "INTO", "create_trend creates the relation; its name is an argument.",
           select->intoClause->rel->location);
  }
  if (select->distinctClause != NIL) {
    refuse(text, "DISTINCT", "Leave it out: groups are distinct already.",
           linitial(select->distinctClause) == nullptr ? -1 : list_location(select->distinctClause));
  }
  if (select->windowClause != NIL) {
    refuse(text, "WINDOW", "The trend's own column rank takes the place of rank() OVER (...).",
           linitial_node(WindowDef, select->windowClause)->location);
  }
  if (select->limitCount != nullptr || select->limitOffset != nullptr) {
    Node* clause = select->limitCount != nullptr ? select->limitCount : select->limitOffset;
    refuse(text, select->limitCount != nullptr ? "LIMIT" : "OFFSET",
           "A trend ranks all groups. Use LIMIT, or WHERE rank <= 10, when you read it.",
           exprLocation(clause));
  }
  if (select->lockingClause != NIL) {
    refuse(text, "FOR UPDATE or SHARE", "Leave it out: a trend locks no rows.",
           lock_location(select->lockingClause));
  }
  check_grouping(select, text);
}

}  // namespace trending
