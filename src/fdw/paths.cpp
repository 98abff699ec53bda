// SPDX-License-Identifier: PostgreSQL
// The ways to scan a trend, and what they cost.
#include <algorithm>
#include <cmath>

#include "definition/aggregate_functions.h"
#include "fdw/planner.h"

namespace trending {

namespace {

// Taking the lock, and about how many candidates the engine looks through for the best few.
constexpr Cost kStartCost = 0.5;
constexpr double kCandidates = 2000;

struct Requirement {
  const PlanningInfo* info;
  ScanChoice choice;
  List* pathkeys;
  Relids outer;
  double fetched;  // groups copied out of shared memory
  double rows;     // of them returned
};

Cost sort_cost(double rows) {
  return rows < 2 ? 0 : rows * std::log2(rows) * cpu_operator_cost;
}

void add_scan(PlannerInfo* root, RelOptInfo* rel, const Requirement& scan) {
  double groups = scan.info->groups;
  Cost startup = kStartCost + rel->baserestrictcost.startup + rel->reltarget->cost.startup;
  switch (scan.choice.mode) {
    case ScanMode::kAll:
      startup += groups * cpu_operator_cost;
      break;
    case ScanMode::kTop:
      startup += std::min(groups, scan.fetched > kCandidates / 2 ? groups : kCandidates) * cpu_operator_cost;
      break;
    case ScanMode::kKeys:
      startup += scan.fetched * cpu_operator_cost * (scan.info->needs_rank ? kCandidates : 4);
      break;
  }
  if (scan.choice.ordered) startup += sort_cost(scan.fetched);
  Cost total = startup + scan.fetched * (cpu_tuple_cost + rel->baserestrictcost.per_tuple) +
               scan.rows * rel->reltarget->cost.per_tuple;
  List* choice = list_make3_int(static_cast<int>(scan.choice.mode), scan.choice.ordered, scan.choice.limited);
  add_path(rel, reinterpret_cast<Path*>(compat::foreign_scan_path(root, rel, scan.rows, startup, total,
                                                                  scan.pathkeys, scan.outer, choice)));
}

// How far rank order satisfies an order: the terms that rank, then the tie-breaks, each matched once; after
// `rank`, or after all of them, every row has a place of its own and anything may follow.
struct OrderProgress {
  int matched;  // terms, then tie-breaks
  bool total;   // no two rows are equal any more
};

bool matches_term(const Definition& definition, const PathKey* pathkey, const DefinitionColumn& target,
                  const OrderTerm& term) {
  if (target.role != term.role || target.index != term.index) return false;
  const bool is_null_free =
      target.role == ColumnRole::kAggregate && is_never_null(definition.aggregates[target.index].function);
  return compat::pathkey_is_descending(pathkey) == term.descending &&
         (is_null_free || pathkey->pk_nulls_first == term.nulls_first) &&
         pathkey->pk_eclass->ec_collation == term.bytes.column.collation;
}

// Keys that are not among the terms before them.
int tie_break_count(const Definition& definition) {
  int count = definition.keys.count;
  for (int i = 0; i < definition.order_count; i++) {
    if (definition.order[i].role == ColumnRole::kKey) count--;
  }
  return count;
}

bool matches_next(const Definition& definition, const PathKey* pathkey, int column, OrderProgress* progress) {
  const DefinitionColumn& target = definition.columns[column];
  bool descending = compat::pathkey_is_descending(pathkey);
  if (lookup_type_cache(target.type, TYPECACHE_BTREE_OPFAMILY)->btree_opf != pathkey->pk_opfamily)
    return false;
  switch (target.role) {
    case ColumnRole::kRank:
      if (descending) return false;
      progress->total = true;
      return true;
    case ColumnRole::kAggregate:
    case ColumnRole::kExpression:
    case ColumnRole::kKey: {
      if (progress->matched < definition.order_count) {
        if (!matches_term(definition, pathkey, target, definition.order[progress->matched])) return false;
        break;
      }
      if (target.role != ColumnRole::kKey) return false;
      const int tie_break = progress->matched - definition.order_count;
      const KeyColumn& key = definition.keys.columns[target.index];
      if (definition.keys.order[tie_break] != target.index || descending != key.descending ||
          pathkey->pk_nulls_first != key.nulls_first || pathkey->pk_eclass->ec_collation != key.collation) {
        return false;
      }
      break;
    }
    default:
      return false;
  }
  progress->matched++;
  progress->total = progress->matched == definition.order_count + tie_break_count(definition);
  return true;
}

bool pathkey_is_provided(const Definition& definition, RelOptInfo* rel, const PathKey* pathkey,
                         OrderProgress* progress) {
  ListCell* cell;
  foreach (cell, pathkey->pk_eclass->ec_members) {
    auto* member = static_cast<EquivalenceMember*>(lfirst(cell));
    if (member->em_is_child || bms_is_empty(member->em_relids) ||
        !bms_is_subset(member->em_relids, rel->relids)) {
      continue;
    }
    if (progress->total) return true;
    int column = column_of(definition, rel->relid, member->em_expr);
    if (column >= 0 && matches_next(definition, pathkey, column, progress)) return true;
  }
  return false;
}

// The leading part of the order that the query wants which rows in rank order have.
// Rows of several partitions come by partition, which is the order of no query.
List* provided_pathkeys(PlannerInfo* root, RelOptInfo* rel, const PlanningInfo& info) {
  const Definition& definition = *info.definition;
  List* provided = NIL;
  if (!info.in_one_ranking) return NIL;
  OrderProgress progress = {};
  ListCell* cell;
  foreach (cell, root->query_pathkeys) {
    auto* pathkey = static_cast<PathKey*>(lfirst(cell));
    if (pathkey->pk_eclass->ec_has_volatile || !pathkey_is_provided(definition, rel, pathkey, &progress))
      break;
    provided = lappend(provided, pathkey);
  }
  return provided;
}

bool can_compute_before_scan(Node* expression) {
  return expression == nullptr || (!contain_var_clause(expression) &&
                                   !contain_volatile_functions(expression) && !contain_subplans(expression));
}

// Whether the query's LIMIT may end the scan: every row of the scan is a row of the result, in its order.
bool takes_limit(PlannerInfo* root, RelOptInfo* rel, const PlanningInfo& info, List* pathkeys) {
  const Query* query = root->parse;
  return info.in_one_ranking && query->limitCount != nullptr && query->limitOption == LIMIT_OPTION_COUNT &&
         is_whole_query(root, rel) && info.remaining == NIL &&
         list_length(pathkeys) == list_length(root->query_pathkeys) &&
         can_compute_before_scan(query->limitCount) && can_compute_before_scan(query->limitOffset);
}

void add_unparameterized(PlannerInfo* root, RelOptInfo* rel, const PlanningInfo& info) {
  Requirement scan = {&info,    {ScanMode::kAll, false, false}, NIL, rel->lateral_relids, info.groups,
                      rel->rows};
  List* pathkeys = provided_pathkeys(root, rel, info);
  if (info.by_key) {
    scan.choice.mode = ScanMode::kKeys;
    scan.fetched = binding_key_count(root, *info.definition, info.keys);
    scan.choice.ordered = scan.fetched > 1 && pathkeys != NIL;
    scan.pathkeys = pathkeys;
    add_scan(root, rel, scan);
    return;
  }
  scan.choice.limited = takes_limit(root, rel, info, pathkeys);
  if (info.by_rank || scan.choice.limited) {
    scan.choice.mode = ScanMode::kTop;
    if (info.by_rank) scan.fetched = std::min(scan.fetched, info.best);
    if (scan.choice.limited) {
      double limit = root->limit_tuples > 0 ? root->limit_tuples : 10;
      scan.fetched = std::min(scan.fetched, limit);
      scan.rows = std::min(scan.rows, limit);
    }
    scan.fetched = std::max(scan.fetched, 1.0);
  }
  // Rows whose order can be seen come in rank order even where nobody asked for it: it is what a trend is.
  bool must_order = scan.choice.mode == ScanMode::kTop || info.needs_rank || is_whole_query(root, rel);
  scan.choice.ordered = must_order || pathkeys != NIL;
  scan.pathkeys = pathkeys;
  add_scan(root, rel, scan);
  if (!must_order && pathkeys != NIL) {
    scan.choice.ordered = false;
    scan.pathkeys = NIL;
    add_scan(root, rel, scan);
  }
}

// --- paths for the inner side of a nested loop ---

struct KeyMatch {
  const Definition* definition;
  int key;
};

bool member_is_key(PlannerInfo*, RelOptInfo* rel, EquivalenceClass*, EquivalenceMember* member,
                   void* argument) {
  auto* match = static_cast<KeyMatch*>(argument);
  int column = column_of(*match->definition, rel->relid, member->em_expr);
  return column >= 0 && match->definition->columns[column].role == ColumnRole::kKey &&
         match->definition->columns[column].index == match->key;
}

// Join clauses that give key columns a value.
List* join_clauses_on_keys(PlannerInfo* root, RelOptInfo* rel, const Definition& definition) {
  List* found = NIL;
  ListCell* cell;
  foreach (cell, rel->joininfo) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    if (join_clause_is_movable_to(clause, rel)) found = lappend(found, clause);
  }
  if (rel->has_eclass_joins) {
    for (int key = 0; key < definition.keys.count; key++) {
      KeyMatch match = {&definition, key};
      found = list_concat(found, generate_implied_equalities_for_column(root, rel, member_is_key, &match,
                                                                        rel->lateral_referencers));
    }
  }
  foreach (cell, found) {
    Condition condition = condition_of(root, definition, rel, static_cast<RestrictInfo*>(lfirst(cell)));
    if (condition.kind == ConditionKind::kNone || condition.kind == ConditionKind::kRank) {
      found = foreach_delete_current(found, cell);
    }
  }
  return found;
}

void add_parameterized(PlannerInfo* root, RelOptInfo* rel, const PlanningInfo& info, List* join_clauses,
                       Relids outer) {
  List* clauses = list_copy(rel->baserestrictinfo);
  Relids available = bms_union(outer, rel->relids);
  ListCell* cell;
  foreach (cell, join_clauses) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    if (bms_is_subset(clause->clause_relids, available)) clauses = lappend(clauses, clause);
  }
  KeyBinding binding;
  if (!bind_keys(root, *info.definition, rel, clauses, &binding)) return;
  double rows = binding_key_count(root, *info.definition, binding);
  ParamPathInfo* parameters = get_baserel_parampathinfo(root, rel, outer);
  parameters->ppi_rows = clamp_row_est(std::min(rows, parameters->ppi_rows));
  add_scan(root, rel, {&info, {ScanMode::kKeys, false, false}, NIL, outer, rows, parameters->ppi_rows});
}

void add_all_parameterized(PlannerInfo* root, RelOptInfo* rel, const PlanningInfo& info) {
  List* join_clauses = join_clauses_on_keys(root, rel, *info.definition);
  List* tried = NIL;  // Relids: those of each clause, then all of them together
  Relids all = nullptr;
  ListCell* cell;
  foreach (cell, join_clauses) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    Relids outer = bms_union(bms_difference(clause->clause_relids, rel->relids), rel->lateral_relids);
    all = bms_union(all, outer);
    bool known = false;
    ListCell* other;
    foreach (other, tried) known = known || bms_equal(static_cast<Relids>(lfirst(other)), outer);
    if (known) continue;
    tried = lappend(tried, outer);
    add_parameterized(root, rel, info, join_clauses, outer);
  }
  if (list_length(tried) > 1) add_parameterized(root, rel, info, join_clauses, all);
}

}  // namespace

void relation_paths(PlannerInfo* root, RelOptInfo* rel, Oid) {
  const auto& info = *static_cast<PlanningInfo*>(rel->fdw_private);
  add_unparameterized(root, rel, info);
  if (!info.by_key) add_all_parameterized(root, rel, info);
}

}  // namespace trending
