// SPDX-License-Identifier: PostgreSQL
// The row of a group, over which expressions of the select list, of HAVING and of ORDER BY are evaluated: the
// bounds of its window, its keys, its aggregates. Vars have varno 1 and these attributes.
//
// An expression that fails is NULL, whoever evaluates it. Values are made when the first expression asks for
// them, so that what an expression does not read cannot fail it.
#pragma once

#include "definition/definition.h"
#include "engine/aggregates/aggregate.h"
#include "engine/aggregates/key.h"
#include "postgres/server.h"
#include "values/evaluation.h"

namespace trending {

constexpr AttrNumber kGroupStart = 1;
constexpr AttrNumber kGroupEnd = 2;
constexpr AttrNumber kGroupFirstKey = 3;

inline AttrNumber group_key_attribute(int key) {
  return static_cast<AttrNumber>(kGroupFirstKey + key);
}
inline AttrNumber group_aggregate_attribute(const Definition& definition, int aggregate) {
  return static_cast<AttrNumber>(kGroupFirstKey + definition.keys.count + aggregate);
}

// Whether an expression reads an aggregate of which `is_one` is true, or a bound of the window.
bool group_expression_reads(const Definition& definition, const Expr* expression,
                            FunctionRef<bool(const DefinitionAggregate&)> is_one);
bool group_expression_reads_window(const Expr* expression);

struct GroupRow;

// Compiles `count` expressions into CurrentMemoryContext, which frees the row. `account`: as for evaluate();
// null outside the worker.
GroupRow* group_row_create(const Definition* definition, Expr* const* expressions, int count,
                           EvaluationAccount* account);
// The expressions of the definition.
GroupRow* group_row_create(const Definition* definition, EvaluationAccount* account);

// Turns to a group, whose key and result must stay until it turns to another one: so long live the values.
void group_row_begin(GroupRow* row, const StateLayout& layout, KeyView key, const int64_t* result,
                     const Window& window);

// Hands the value of an expression to use(), as part of its evaluation; false if either failed.
bool group_row_use(GroupRow* row, int expression, LWLock* held, FunctionRef<void(Datum, bool)> use);

// The value of an expression; false if it failed (see evaluation_failure), then it is NULL. `held` as for
// evaluate().
bool group_row_evaluate(GroupRow* row, int expression, LWLock* held, Datum* value, bool* isnull);

}  // namespace trending
