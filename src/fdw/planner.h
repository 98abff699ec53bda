// SPDX-License-Identifier: PostgreSQL
// From a query's conditions to a plan: what the planning callbacks of the wrapper share.
//
//   relation_size (estimate.cpp)   how many rows
//   relation_paths (paths.cpp)     the ways to get them: by key, the best k, or all; in rank order or not
//   relation_plan (plan.cpp)       the chosen way as a plan that can be copied and stored
//   scan.cpp, explain.cpp          read the plan by plan_read()
#pragma once

#include "fdw/pushdown.h"

namespace trending {

enum class ScanMode : int {
  kAll,   // every group
  kTop,   // the best k, k from bounds on rank and from LIMIT; of every partition, or of those that are bound
  kKeys,  // by key, in the engine's hash table
};

// Attached to the RelOptInfo while a query is planned.
struct PlanningInfo {
  const Definition* definition;  // lives at least as long as the plan is made
  double groups;                 // live groups, as far as known
  bool by_key;                   // the restrictions give every key column a value
  KeyBinding keys;               // if by_key
  bool by_partition;             // they give every column of partition_by a value, but not every key
  KeyBinding partition;          // if by_partition
  bool in_one_ranking;           // all rows come from one partition, or the trend has none
  bool by_rank;                  // the restrictions bound the rank from above
  double best;                   // if by_rank: how many groups from the top of all partitions, estimated
  bool needs_rank;               // the query looks at the rank of a row, other than through such bounds
  List* remaining;               // RestrictInfos that the executor has to check
};

// A way of scanning, as paths carry it (ForeignPath::fdw_private, a list of integers).
struct ScanChoice {
  ScanMode mode;
  bool ordered;  // rows must come in rank order
  bool limited;  // the query's LIMIT bounds k
};

// One condition that a plan takes over, in ForeignScan::fdw_recheck_quals at the same position.
struct PlannedCondition {
  ConditionKind kind;
  int key;
  StrategyNumber strategy;
  Oid value_type;
  int expression;  // index into ForeignScan::fdw_exprs, -1 for IS NULL
};

// The private part of a plan.
struct ScanPlan {
  ScanMode mode;
  bool ordered;
  bool by_partition;      // ordered by partition, then rank
  int limit_expression;   // index into fdw_exprs, -1: no LIMIT was taken over
  int offset_expression;  // likewise
  int condition_count;
  PlannedCondition* conditions;
  List* columns;  // indexes into Definition::columns that the query looks at
};

// The trend behind a foreign table, registered or federated; raises an error if it is neither.
const Definition* served_definition(Oid relation);

// Whether nothing lies between this relation and the query's LIMIT and ORDER BY: the rows of the scan are the
// rows of the result.
bool is_whole_query(PlannerInfo* root, RelOptInfo* rel);

void relation_size(PlannerInfo* root, RelOptInfo* rel, Oid relation);
void relation_paths(PlannerInfo* root, RelOptInfo* rel, Oid relation);
ForeignScan* relation_plan(PlannerInfo* root, RelOptInfo* rel, Oid relation, ForeignPath* path, List* targets,
                           List* clauses, Plan* outer_plan);

// The private part of a plan, palloc'd.
ScanPlan* plan_read(const ForeignScan* plan);

void explain_scan(ForeignScanState* node, ExplainState* explain);

}  // namespace trending
