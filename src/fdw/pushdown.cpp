// SPDX-License-Identifier: PostgreSQL
#include "fdw/pushdown.h"

namespace trending {

namespace {

Expr* without_relabel(Expr* expr) {
  while (expr != nullptr && IsA(expr, RelabelType)) expr = reinterpret_cast<RelabelType*>(expr)->arg;
  return expr;
}

bool is_integer(Oid type) {
  return type == INT2OID || type == INT4OID || type == INT8OID;
}

// Whether a value can be computed before the scan starts.
bool is_value(PlannerInfo* root, Index relid, Expr* value) {
  return !bms_is_member(static_cast<int>(relid), pull_varnos(root, reinterpret_cast<Node*>(value))) &&
         !contain_volatile_functions(reinterpret_cast<Node*>(value)) &&
         !contain_subplans(reinterpret_cast<Node*>(value));
}

// Whether `operator_id` with the key on its left is true exactly for values whose encoded bytes are the
// key's. Integers of other widths are converted when the scan starts; blank-padded strings are equal without
// having equal bytes, so they are left to the executor.
bool is_key_equality(const KeyColumn& key, Oid operator_id, Oid collation, Oid value_type) {
  if (OidIsValid(collation) && !get_collation_isdeterministic(collation)) return false;
  if (is_integer(key.type) && is_integer(value_type)) {
    return get_op_opfamily_strategy(operator_id, INTEGER_BTREE_FAM_OID) == BTEqualStrategyNumber;
  }
  return lookup_type_cache(key.type, TYPECACHE_EQ_OPR)->eq_opr == operator_id;
}

// `left` is a column of the trend, or nothing comes of it.
Condition comparison(PlannerInfo* root, const Definition& definition, Index relid, Oid operator_id,
                     Oid collation, Expr* left, Expr* right) {
  Condition condition = {};
  int column = column_of(definition, relid, left);
  if (column < 0 || !OidIsValid(operator_id) || !is_value(root, relid, right)) return condition;

  Oid value_type = exprType(reinterpret_cast<Node*>(right));
  const DefinitionColumn& target = definition.columns[column];
  if (target.role == ColumnRole::kRank && is_integer(value_type)) {
    int strategy = get_op_opfamily_strategy(operator_id, INTEGER_BTREE_FAM_OID);
    if (strategy == InvalidStrategy) return condition;
    condition.kind = ConditionKind::kRank;
    condition.strategy = static_cast<StrategyNumber>(strategy);
  } else if (target.role == ColumnRole::kKey &&
             is_key_equality(definition.keys.columns[target.index], operator_id, collation, value_type)) {
    condition.kind = ConditionKind::kKeyEquals;
    condition.key = target.index;
  } else {
    return condition;
  }
  condition.value = right;
  condition.value_type = value_type;
  return condition;
}

Condition operator_condition(PlannerInfo* root, const Definition& definition, Index relid, OpExpr* clause) {
  if (list_length(clause->args) != 2) return Condition{};
  auto* left = static_cast<Expr*>(linitial(clause->args));
  auto* right = static_cast<Expr*>(lsecond(clause->args));
  Condition condition = comparison(root, definition, relid, clause->opno, clause->inputcollid, left, right);
  if (condition.kind == ConditionKind::kNone && column_of(definition, relid, right) >= 0) {
    condition =
        comparison(root, definition, relid, get_commutator(clause->opno), clause->inputcollid, right, left);
  }
  return condition;
}

// key = ANY (array)
Condition any_condition(PlannerInfo* root, const Definition& definition, Index relid,
                        ScalarArrayOpExpr* clause) {
  Condition condition = {};
  auto* left = static_cast<Expr*>(linitial(clause->args));
  auto* right = static_cast<Expr*>(lsecond(clause->args));
  int column = column_of(definition, relid, left);
  if (!clause->useOr || column < 0 || definition.columns[column].role != ColumnRole::kKey) return condition;
  Oid element = get_element_type(exprType(reinterpret_cast<Node*>(right)));
  int key = definition.columns[column].index;
  if (!OidIsValid(element) || !is_value(root, relid, right) ||
      !is_key_equality(definition.keys.columns[key], clause->opno, clause->inputcollid, element)) {
    return condition;
  }
  condition.kind = ConditionKind::kKeyAnyOf;
  condition.key = key;
  condition.value = right;
  condition.value_type = element;
  return condition;
}

// A boolean key used as a condition: `flag` or `NOT flag`.
Condition boolean_condition(const Definition& definition, Index relid, Expr* column_expr, bool value) {
  Condition condition = {};
  int column = column_of(definition, relid, column_expr);
  if (column < 0 || definition.columns[column].role != ColumnRole::kKey) return condition;
  condition.kind = ConditionKind::kKeyEquals;
  condition.key = definition.columns[column].index;
  condition.value = reinterpret_cast<Expr*>(makeBoolConst(value, false));
  condition.value_type = BOOLOID;
  return condition;
}

Condition null_condition(const Definition& definition, Index relid, NullTest* test) {
  Condition condition = {};
  int column = column_of(definition, relid, test->arg);
  if (test->nulltesttype != IS_NULL || test->argisrow || column < 0 ||
      definition.columns[column].role != ColumnRole::kKey) {
    return condition;
  }
  condition.kind = ConditionKind::kKeyNull;
  condition.key = definition.columns[column].index;
  return condition;
}

// The best clause for each key column.
void find_bindings(PlannerInfo* root, const Definition& definition, RelOptInfo* rel, List* clauses,
                   KeyBinding* binding) {
  *binding = KeyBinding{};
  ListCell* cell;
  foreach (cell, clauses) {
    auto* clause = static_cast<RestrictInfo*>(lfirst(cell));
    Condition condition = condition_of(root, definition, rel, clause);
    if (condition.kind == ConditionKind::kNone || condition.kind == ConditionKind::kRank) continue;
    ConditionKind known = binding->conditions[condition.key].kind;
    bool better = known == ConditionKind::kNone ||
                  (known == ConditionKind::kKeyAnyOf && condition.kind != ConditionKind::kKeyAnyOf);
    if (!better) continue;
    binding->conditions[condition.key] = condition;
    binding->clauses[condition.key] = reinterpret_cast<Node*>(clause);
  }
}

bool is_bound(const KeyBinding& binding, int key, int* arrays) {
  if (binding.conditions[key].kind == ConditionKind::kKeyAnyOf) (*arrays)++;
  return binding.conditions[key].kind != ConditionKind::kNone;
}

}  // namespace

int column_of(const Definition& definition, Index relid, Expr* expr) {
  auto* var = reinterpret_cast<Var*>(without_relabel(expr));
  if (var == nullptr || !IsA(var, Var) || var->varno != static_cast<int>(relid) || var->varlevelsup != 0 ||
      var->varattno < 1 || var->varattno > definition.column_count) {
    return -1;
  }
  return var->varattno - 1;
}

Condition condition_of(PlannerInfo* root, const Definition& definition, Index relid, Expr* clause) {
  switch (nodeTag(clause)) {
    case T_OpExpr:
      return operator_condition(root, definition, relid, reinterpret_cast<OpExpr*>(clause));
    case T_ScalarArrayOpExpr:
      return any_condition(root, definition, relid, reinterpret_cast<ScalarArrayOpExpr*>(clause));
    case T_NullTest:
      return null_condition(definition, relid, reinterpret_cast<NullTest*>(clause));
    case T_Var:
      return boolean_condition(definition, relid, clause, true);
    case T_BoolExpr: {
      auto* expr = reinterpret_cast<BoolExpr*>(clause);
      if (expr->boolop != NOT_EXPR) return Condition{};
      return boolean_condition(definition, relid, static_cast<Expr*>(linitial(expr->args)), false);
    }
    default:
      return Condition{};
  }
}

Condition condition_of(PlannerInfo* root, const Definition& definition, RelOptInfo* rel,
                       RestrictInfo* clause) {
  if (clause->pseudoconstant || !restriction_is_securely_promotable(clause, rel)) return Condition{};
  return condition_of(root, definition, rel->relid, clause->clause);
}

bool bind_keys(PlannerInfo* root, const Definition& definition, RelOptInfo* rel, List* clauses,
               KeyBinding* binding) {
  find_bindings(root, definition, rel, clauses, binding);
  int arrays = 0;
  for (int key = 0; key < definition.keys.count; key++) {
    if (!is_bound(*binding, key, &arrays)) return false;
  }
  return definition.keys.count > 0 && arrays <= 1;
}

bool bind_partition(PlannerInfo* root, const Definition& definition, RelOptInfo* rel, List* clauses,
                    KeyBinding* binding) {
  find_bindings(root, definition, rel, clauses, binding);
  KeyBinding bound = {};
  int arrays = 0;
  for (int i = 0; i < definition.partition.count; i++) {
    int key = definition.partition_keys[i];
    if (!is_bound(*binding, key, &arrays)) return false;
    bound.clauses[key] = binding->clauses[key];
    bound.conditions[key] = binding->conditions[key];
  }
  *binding = bound;
  return definition.partition.count > 0 && arrays <= 1;
}

double binding_key_count(PlannerInfo* root, const Definition& definition, const KeyBinding& binding) {
  double count = 1;
  for (int key = 0; key < definition.keys.count; key++) {
    const Condition& condition = binding.conditions[key];
    if (condition.kind != ConditionKind::kKeyAnyOf) continue;
    count *= compat::array_length(root, reinterpret_cast<Node*>(condition.value));
  }
  return count;
}

}  // namespace trending
