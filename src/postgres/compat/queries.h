// SPDX-License-Identifier: PostgreSQL
// Queries: parser, planner, expressions. See compat.h.
#pragma once

namespace trending::compat {

// 17 gave estimate_array_length the planner's context and a double result (9391f71523b6).
inline double array_length(PlannerInfo* root, Node* array) {
#if PG_VERSION_NUM >= 170000
  return estimate_array_length(root, array);
#else
  (void)root;
  return estimate_array_length(array);
#endif
}

// 17 added fdw_restrictinfo to create_foreignscan_path (9e9931d2bf40), 18 disabled_nodes (e22253467942).
inline ForeignPath* foreign_scan_path(PlannerInfo* root, RelOptInfo* rel, double rows, Cost startup,
                                      Cost total, List* pathkeys, Relids required_outer, List* fdw_private) {
#if PG_VERSION_NUM >= 180000
  return create_foreignscan_path(root, rel, nullptr, rows, 0, startup, total, pathkeys, required_outer,
                                 nullptr, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
  return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, required_outer, nullptr,
                                 NIL, fdw_private);
#else
  return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, required_outer, nullptr,
                                 fdw_private);
#endif
}

// 18 replaced the B-tree strategy number of a PathKey by a comparison type (8123e91f5aeb).
inline bool pathkey_is_descending(const PathKey* key) {
#if PG_VERSION_NUM >= 180000
  return key->pk_cmptype == COMPARE_GT;
#else
  return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

// 17 added infinite intervals (519fc1bd9e9d).
inline bool interval_is_finite(const Interval* interval) {
#if PG_VERSION_NUM >= 170000
  return !INTERVAL_NOT_FINITE(interval);
#else
  (void)interval;
  return true;
#endif
}

// 16 gave tree walkers a real prototype (1c27d16e6e5c); 15 declares their callback without arguments.
inline bool walk_expression(Node* node, bool (*walker)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, walker, context);
#else
  return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)),
                                context);
#endif
}

// The same for mutators.
inline Node* mutate_expression(Node* node, Node* (*mutator)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator(node, mutator, context);
#else
  return expression_tree_mutator(node, reinterpret_cast<Node* (*)()>(reinterpret_cast<void (*)()>(mutator)),
                                 context);
#endif
}

#if PG_VERSION_NUM >= 180000
// Gives references to GROUP BY expressions the place of the expression, which the parser leaves out.
inline bool locate_group_references(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* query = static_cast<Query*>(context);
  if (IsA(node, Var)) {
    auto* reference = reinterpret_cast<Var*>(node);
    RangeTblEntry* entry = rt_fetch(reference->varno, query->rtable);
    if (entry->rtekind == RTE_GROUP && reference->location < 0) {
      reference->location =
          exprLocation(static_cast<Node*>(list_nth(entry->groupexprs, reference->varattno - 1)));
    }
  }
  return walk_expression(node, locate_group_references, context);
}
#endif

// 18 puts GROUP BY expressions into a range table entry of their own (247dea89f761); this takes them out
// again.
inline void inline_group_expressions(Query* query) {
#if PG_VERSION_NUM >= 180000
  if (!query->hasGroupRTE) return;
  auto* targets = reinterpret_cast<Node*>(query->targetList);
  walk_expression(targets, locate_group_references, query);
  query->targetList = reinterpret_cast<List*>(flatten_group_exprs(nullptr, query, targets));
  locate_group_references(query->havingQual, query);
  query->havingQual = flatten_group_exprs(nullptr, query, query->havingQual);
#else
  (void)query;
#endif
}

// 16 wants to know whose plan it is (5d29d525ff02).
inline Node* flatten_join_columns(Query* query, Node* node) {
#if PG_VERSION_NUM >= 160000
  return flatten_join_alias_vars(nullptr, query, node);
#else
  return flatten_join_alias_vars(query, node);
#endif
}

// 16 notes in a column which outer joins make it NULL (2489d76c4906).
inline void clear_nulling(Var* column) {
#if PG_VERSION_NUM >= 160000
  column->varnullingrels = nullptr;
#else
  (void)column;
#endif
}

// Takes that entry, which is the last one, out of a query whose GROUP BY has been taken out.
inline void drop_group_entry(Query* query) {
#if PG_VERSION_NUM >= 180000
  if (!query->hasGroupRTE) return;
  query->rtable = list_truncate(query->rtable, list_length(query->rtable) - 1);
  query->hasGroupRTE = false;
#else
  (void)query;
#endif
}

// Before 16 the query of a view's rule began with range table entries for OLD and NEW, which nothing in it
// refers to (1b4d280ea9eb). Without them it is as the analyser left it.
inline void strip_rule_entries(Query* query) {
#if PG_VERSION_NUM < 160000
  if (list_length(query->rtable) < PRS2_NEW_VARNO) return;
  query->rtable = list_copy_tail(query->rtable, PRS2_NEW_VARNO);
  OffsetVarNodes(reinterpret_cast<Node*>(query), -PRS2_NEW_VARNO, 0);
#else
  (void)query;
#endif
}

// 18 compares sort orders by a type of their own (8123e91f5aeb).
inline bool ordering_operator(Oid operator_id, Oid* family, bool* descending) {
  Oid input_type = InvalidOid;
#if PG_VERSION_NUM >= 180000
  CompareType order = COMPARE_INVALID;
  if (!get_ordering_op_properties(operator_id, family, &input_type, &order)) return false;
  *descending = order == COMPARE_GT;
#else
  int16 order = 0;
  if (!get_ordering_op_properties(operator_id, family, &input_type, &order)) return false;
  *descending = order == BTGreaterStrategyNumber;
#endif
  return true;
}

}  // namespace trending::compat
