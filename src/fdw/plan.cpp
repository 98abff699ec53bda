// SPDX-License-Identifier: PostgreSQL
// The chosen way of scanning as a plan: what the executor needs, in nodes that can be copied.
//
//   fdw_exprs          values of keys and of bounds, LIMIT, OFFSET
//   fdw_recheck_quals  the conditions taken over (for EXPLAIN, and for rows rechecked under FOR UPDATE)
//   fdw_private        lists of integers, see plan_read
//   qual               everything else
#include "fdw/planner.h"

namespace trending {

namespace {

constexpr int kConditionFields = 5;

// Whether the chosen mode takes this clause over.
bool takes_over(PlannerInfo* root, RelOptInfo* rel, const Definition& definition, ScanMode mode,
                const KeyBinding& binding, RestrictInfo* clause, Condition* condition) {
  *condition = condition_of(root, definition, rel, clause);
  switch (condition->kind) {
    case ConditionKind::kNone:
      return false;
    case ConditionKind::kRank:
      return mode == ScanMode::kTop;
    default:
      return mode != ScanMode::kAll && binding.clauses[condition->key] == reinterpret_cast<Node*>(clause);
  }
}

List* with_condition(List* conditions, const Condition& condition, int expression) {
  conditions = lappend_int(conditions, static_cast<int>(condition.kind));
  conditions = lappend_int(conditions, condition.key);
  conditions = lappend_int(conditions, condition.strategy);
  conditions = lappend_int(conditions, static_cast<int>(condition.value_type));
  return lappend_int(conditions, expression);
}

// Adds an expression, if there is one, and returns its place or -1.
int add_expression(List** expressions, Node* expression) {
  if (expression == nullptr) return -1;
  *expressions = lappend(*expressions, expression);
  return list_length(*expressions) - 1;
}

// The columns that anything above the scan, or the conditions left to it, look at.
List* used_columns(const Definition& definition, RelOptInfo* rel, List* local) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(rel->reltarget->exprs), rel->relid, &attributes);
  pull_varattnos(reinterpret_cast<Node*>(local), rel->relid, &attributes);
  bool whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attributes);
  List* columns = NIL;
  for (int column = 0; column < definition.column_count; column++) {
    if (whole_row || bms_is_member(column + 1 - FirstLowInvalidHeapAttributeNumber, attributes)) {
      columns = lappend_int(columns, column);
    }
  }
  return columns;
}

bool uses_rank(const Definition& definition, List* columns) {
  ListCell* cell;
  foreach (cell, columns) {
    if (definition.columns[lfirst_int(cell)].role == ColumnRole::kRank) return true;
  }
  return false;
}

}  // namespace

ForeignScan* relation_plan(PlannerInfo* root, RelOptInfo* rel, Oid, ForeignPath* path, List* targets,
                           List* clauses, Plan* outer_plan) {
  const auto& info = *static_cast<PlanningInfo*>(rel->fdw_private);
  const Definition& definition = *info.definition;
  auto mode = static_cast<ScanMode>(linitial_int(path->fdw_private));
  bool ordered = lsecond_int(path->fdw_private) != 0;
  bool limited = lthird_int(path->fdw_private) != 0;
  KeyBinding binding = {};
  if (mode == ScanMode::kKeys) bind_keys(root, definition, rel, clauses, &binding);
  if (mode == ScanMode::kTop && info.by_partition) binding = info.partition;

  List* expressions = NIL;
  List* conditions = NIL;
  List* taken = NIL;
  List* local = NIL;
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    Condition condition;
    if (clause->pseudoconstant) continue;  // a Result node above us checks these, once
    if (takes_over(root, rel, definition, mode, binding, clause, &condition)) {
      int place = add_expression(&expressions, reinterpret_cast<Node*>(condition.value));
      conditions = with_condition(conditions, condition, place);
      taken = lappend(taken, clause->clause);
    } else {
      local = lappend(local, clause->clause);
    }
  }
  int limit = limited ? add_expression(&expressions, root->parse->limitCount) : -1;
  int offset = limited ? add_expression(&expressions, root->parse->limitOffset) : -1;
  List* columns = used_columns(definition, rel, local);
  if (mode == ScanMode::kAll && uses_rank(definition, columns)) ordered = true;
  List* header = list_make4_int(static_cast<int>(mode), ordered, limit, offset);
  header = lappend_int(header, ordered && !info.in_one_ranking);
  return make_foreignscan(targets, local, rel->relid, expressions, list_make3(header, conditions, columns),
                          NIL, taken, outer_plan);
}

ScanPlan* plan_read(const ForeignScan* plan) {
  auto* header = static_cast<List*>(linitial(plan->fdw_private));
  auto* conditions = static_cast<List*>(lsecond(plan->fdw_private));
  auto* columns = static_cast<List*>(lthird(plan->fdw_private));

  auto* result = static_cast<ScanPlan*>(palloc0(sizeof(ScanPlan)));
  result->mode = static_cast<ScanMode>(linitial_int(header));
  result->ordered = lsecond_int(header) != 0;
  result->limit_expression = lthird_int(header);
  result->offset_expression = lfourth_int(header);
  result->by_partition = list_nth_int(header, 4) != 0;
  result->condition_count = list_length(conditions) / kConditionFields;
  result->conditions =
      static_cast<PlannedCondition*>(palloc0(sizeof(PlannedCondition) * (result->condition_count + 1)));
  for (int i = 0; i < result->condition_count; i++) {
    int at = i * kConditionFields;
    result->conditions[i] = {
        static_cast<ConditionKind>(list_nth_int(conditions, at)), list_nth_int(conditions, at + 1),
        static_cast<StrategyNumber>(list_nth_int(conditions, at + 2)),
        static_cast<Oid>(list_nth_int(conditions, at + 3)), list_nth_int(conditions, at + 4)};
  }
  result->columns = columns;
  return result;
}

}  // namespace trending
