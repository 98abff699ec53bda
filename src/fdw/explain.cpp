// SPDX-License-Identifier: PostgreSQL
// What EXPLAIN says of a scan: which conditions it took over, and with ANALYZE how many groups it copied.
//
//   Foreign Scan on top_posts
//     Filter: (views > 100)               checked row by row, by the executor
//     Key Cond: (post_id = 42)            looked up in the hash table
//     Partition Cond: (region = 'x')      looked up among the partitions
//     Rank Cond: (rank <= 10)             only the best are read
//     Limit: 10                           the query's LIMIT (and OFFSET), likewise
//     Order: rank                         rows come in rank order
//     Groups Read: 10
#include "fdw/planner.h"
#include "fdw/scan.h"

namespace trending {

namespace {

// The plans above `target`, nearest first, as the deparser wants them: it finds there where the parameters of
// a nested loop come from. False if `plan` does not hold it.
bool find_ancestors(Plan* plan, Plan* target, List** ancestors) {
  if (plan == nullptr) return false;
  if (plan == target) return true;
  List* children = list_make2(plan->lefttree, plan->righttree);
  if (IsA(plan, Append)) children = list_concat(children, reinterpret_cast<Append*>(plan)->appendplans);
  if (IsA(plan, MergeAppend))
    children = list_concat(children, reinterpret_cast<MergeAppend*>(plan)->mergeplans);
  if (IsA(plan, SubqueryScan)) children = lappend(children, reinterpret_cast<SubqueryScan*>(plan)->subplan);
  ListCell* cell;
  foreach (cell, children) {
    if (!find_ancestors(static_cast<Plan*>(lfirst(cell)), target, ancestors)) continue;
    *ancestors = lappend(*ancestors, plan);
    return true;
  }
  return false;
}

List* ancestors_of(Plan* target, const PlannedStmt* statement) {
  List* ancestors = NIL;
  bool found = find_ancestors(statement->planTree, target, &ancestors);
  ListCell* cell;
  foreach (cell, statement->subplans) {
    if (!found) found = find_ancestors(static_cast<Plan*>(lfirst(cell)), target, &ancestors);
  }
  return ancestors;
}

const char* expression_text(ForeignScanState* node, ExplainState* explain, List* ancestors,
                            Node* expression) {
  List* context = set_deparse_context_plan(explain->deparse_cxt, node->ss.ps.plan, ancestors);
  bool with_prefix = list_length(explain->rtable) > 1 || explain->verbose;
  return deparse_expression(expression, context, with_prefix, false);
}

// A constant LIMIT as a plain number; the deparser would write '10'::bigint.
const char* row_count_text(ForeignScanState* node, ExplainState* explain, List* ancestors, int expression) {
  auto* plan = castNode(ForeignScan, node->ss.ps.plan);
  auto* count = static_cast<Node*>(list_nth(plan->fdw_exprs, expression));
  if (IsA(count, Const) && !reinterpret_cast<Const*>(count)->constisnull) {
    return psprintf(INT64_FORMAT, DatumGetInt64(reinterpret_cast<Const*>(count)->constvalue));
  }
  return expression_text(node, explain, ancestors, count);
}

void explain_conditions(ForeignScanState* node, ExplainState* explain, List* ancestors, List* conditions,
                        const char* label) {
  if (conditions == NIL) return;
  auto* condition = reinterpret_cast<Node*>(make_ands_explicit(conditions));
  ExplainPropertyText(label, expression_text(node, explain, ancestors, condition), explain);
}

}  // namespace

void explain_scan(ForeignScanState* node, ExplainState* explain) {
  auto* plan = castNode(ForeignScan, node->ss.ps.plan);
  ScanPlan* scan = plan_read(plan);
  List* ancestors = ancestors_of(&plan->scan.plan, explain->pstmt);
  List* on_rank = NIL;
  List* on_keys = NIL;
  for (int i = 0; i < scan->condition_count; i++) {
    void* condition = list_nth(plan->fdw_recheck_quals, i);
    List** list = scan->conditions[i].kind == ConditionKind::kRank ? &on_rank : &on_keys;
    *list = lappend(*list, condition);
  }
  explain_conditions(node, explain, ancestors, on_keys,
                     scan->mode == ScanMode::kKeys ? "Key Cond" : "Partition Cond");
  explain_conditions(node, explain, ancestors, on_rank, "Rank Cond");
  if (scan->limit_expression >= 0) {
    const char* text = row_count_text(node, explain, ancestors, scan->limit_expression);
    if (scan->offset_expression >= 0) {
      text =
          psprintf("%s OFFSET %s", text, row_count_text(node, explain, ancestors, scan->offset_expression));
    }
    ExplainPropertyText("Limit", text, explain);
  }
  if (scan->ordered) ExplainPropertyText("Order", scan->by_partition ? "partition, rank" : "rank", explain);
  if (explain->analyze) {
    ExplainPropertyInteger("Groups Read", nullptr, static_cast<int64>(scan_groups_read(node)), explain);
  }
}

}  // namespace trending
