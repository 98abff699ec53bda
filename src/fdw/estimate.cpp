// SPDX-License-Identifier: PostgreSQL
// How many rows a scan of a trend returns.
#include <algorithm>

#include "catalog/definition_catalog.h"
#include "definition/partition_by.h"
#include "fdw/federated.h"
#include "fdw/planner.h"
#include "fdw/rank_range.h"
#include "fdw/snapshot.h"

namespace trending {

namespace {

// What is assumed of a trend whose worker does not run, and of a bound whose value is not known yet.
constexpr double kUnknownGroups = 1000;
constexpr double kUnknownRank = 10;

// The integer that an expression will have, or `fallback` if planning cannot tell.
double estimate_integer(PlannerInfo* root, Expr* value, double fallback) {
  Node* node = estimate_expression_value(root, reinterpret_cast<Node*>(value));
  if (!IsA(node, Const)) return fallback;
  auto* constant = reinterpret_cast<Const*>(node);
  if (constant->constisnull) return 0;
  switch (constant->consttype) {
    case INT2OID:
      return DatumGetInt16(constant->constvalue);
    case INT4OID:
      return DatumGetInt32(constant->constvalue);
    default:
      return static_cast<double>(DatumGetInt64(constant->constvalue));
  }
}

struct EstimatedRanks : RankRange<double> {
  bool bounded;  // from above
};

void narrow(PlannerInfo* root, const Condition& condition, EstimatedRanks* ranks) {
  const double value = estimate_integer(root, condition.value, kUnknownRank);
  ranks->narrow(condition.strategy, value - 1, value, value + 1);
  ranks->bounded = ranks->bounded || condition.strategy <= BTEqualStrategyNumber;
}

bool is_bound_by(const KeyBinding& binding, const Condition& condition, RestrictInfo* clause) {
  return condition.kind != ConditionKind::kNone && condition.kind != ConditionKind::kRank &&
         binding.clauses[condition.key] == reinterpret_cast<Node*>(clause);
}

// Finds out which keys, or which partitions, the restrictions name. Returns how many partitions the rows come
// from.
double bind(PlannerInfo* root, RelOptInfo* rel, double partitions, PlanningInfo* info) {
  const Definition& definition = *info->definition;
  info->by_key = bind_keys(root, definition, rel, rel->baserestrictinfo, &info->keys);
  info->by_partition =
      !info->by_key && bind_partition(root, definition, rel, rel->baserestrictinfo, &info->partition);
  info->in_one_ranking = !is_partitioned(definition);
  if (!info->by_key && !info->by_partition) return partitions;
  const KeyBinding& binding = info->by_key ? info->keys : info->partition;
  bool single = true;
  for (int i = 0; i < definition.partition.count; i++) {
    if (binding.conditions[definition.partition_keys[i]].kind == ConditionKind::kKeyAnyOf) single = false;
  }
  info->in_one_ranking = single;
  return info->by_partition ? std::min(partitions, binding_key_count(root, definition, binding)) : 1;
}

bool reads_rank(const Definition& definition, RelOptInfo* rel, Node* node) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(node, rel->relid, &attributes);
  return bms_is_member(definition.column_count - FirstLowInvalidHeapAttributeNumber, attributes) ||
         bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attributes);
}

}  // namespace

const Definition* served_definition(Oid relation) {
  const Definition* definition = definition_cached(relation);
  if (definition == nullptr) definition = federated_definition(relation);
  if (definition == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("foreign table \"%s\" is not a trend", get_rel_name(relation)),
                    errhint("Trends are created with trending.create_trend().")));
  }
  return definition;
}

bool is_whole_query(PlannerInfo* root, RelOptInfo* rel) {
  const Query* query = root->parse;
  return rel->reloptkind == RELOPT_BASEREL && query->commandType == CMD_SELECT &&
         bms_equal(root->all_baserels, rel->relids) && !query->hasAggs && query->groupClause == NIL &&
         query->groupingSets == NIL && query->distinctClause == NIL && query->havingQual == nullptr &&
         !query->hasWindowFuncs && !query->hasTargetSRFs && query->setOperations == nullptr &&
         query->rowMarks == NIL;
}

void relation_size(PlannerInfo* root, RelOptInfo* rel, Oid relation) {
  auto* info = static_cast<PlanningInfo*>(palloc0(sizeof(PlanningInfo)));
  rel->fdw_private = info;
  info->definition = served_definition(relation);
  const Definition& definition = *info->definition;
  double all_partitions = 1;
  if (!estimate_groups(definition, &info->groups, &all_partitions)) info->groups = kUnknownGroups;
  if (!is_partitioned(definition)) all_partitions = 1;
  rel->tuples = info->groups;
  double partitions = bind(root, rel, all_partitions, info);
  info->needs_rank = reads_rank(definition, rel, reinterpret_cast<Node*>(rel->reltarget->exprs));

  EstimatedRanks range = {{1, std::max(info->groups / all_partitions, 1.0)}, false};
  List* rank_clauses = NIL;
  ListCell* cell;
  foreach (cell, rel->baserestrictinfo) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    Condition condition = condition_of(root, definition, rel, clause);
    if (info->by_key && is_bound_by(info->keys, condition, clause)) continue;
    if (info->by_partition && is_bound_by(info->partition, condition, clause)) continue;
    if (condition.kind == ConditionKind::kRank) {
      narrow(root, condition, &range);
      rank_clauses = lappend(rank_clauses, clause);
      continue;
    }
    info->remaining = lappend(info->remaining, clause);
    if (reads_rank(definition, rel, reinterpret_cast<Node*>(clause->clause))) info->needs_rank = true;
  }
  info->by_rank = (range.bounded || info->by_partition) && !info->by_key;
  info->best = range.last * partitions;
  if (!info->by_rank && rank_clauses != NIL) {  // a lower bound only, or a look-up: checked row by row
    info->remaining = list_concat(info->remaining, rank_clauses);
    info->needs_rank = true;
  }

  double rows = info->groups;
  if (info->by_key) {
    rows = std::min(rows, binding_key_count(root, definition, info->keys));
  } else if (rank_clauses != NIL || info->by_partition) {
    rows = std::min(rows, std::max(range.last - range.first + 1, 0.0) * partitions);
  }
  List* estimated = info->by_key ? info->remaining : list_difference_ptr(info->remaining, rank_clauses);
  rows *= clauselist_selectivity(root, estimated, 0, JOIN_INNER, nullptr);
  rel->rows = clamp_row_est(rows);
}

}  // namespace trending
