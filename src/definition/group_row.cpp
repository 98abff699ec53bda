// SPDX-License-Identifier: PostgreSQL
#include "definition/group_row.h"

#include "values/aggregate_result.h"

namespace trending {

// Compiled. `reads`: what it needs of the row.
struct CompiledExpression {
  ExprState* state;
  Oid type;
  bool reads_bounds;
  bool reads_keys;
  Bitmapset* aggregates;
};

struct GroupRow {
  const Definition* definition;
  EvaluationAccount* account;
  int count;
  CompiledExpression* expressions;
  ExprContext* context;
  TupleTableSlot* slot;
  MemoryContext memory;  // of the values of a group
  // The group, and what of it is in the slot.
  const StateLayout* layout;
  KeyView key;
  const int64_t* result;
  Window window;
  bool has_keys;
  bool* has_aggregate;
};

namespace {

TupleDesc group_columns(const Definition& definition) {
  TupleDesc row =
      CreateTemplateTupleDesc(kGroupFirstKey - 1 + definition.keys.count + definition.aggregate_count);
  TupleDescInitEntry(row, kGroupStart, "window_start", window_bound_type(definition), -1, 0);
  TupleDescInitEntry(row, kGroupEnd, "window_end", window_bound_type(definition), -1, 0);
  for (int i = 0; i < definition.keys.count; i++) {
    const KeyColumn& key = definition.keys.columns[i];
    TupleDescInitEntry(row, group_key_attribute(i), "key", key.type, key.typmod, 0);
    TupleDescInitEntryCollation(row, group_key_attribute(i), key.collation);
  }
  for (int i = 0; i < definition.aggregate_count; i++) {
    TupleDescInitEntry(row, group_aggregate_attribute(definition, i), "aggregate",
                       definition.aggregates[i].result_type, -1, 0);
  }
  return compat::complete(row);
}

Bitmapset* attributes_of(const Expr* expression) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(const_cast<Expr*>(expression)), 1, &attributes);
  return attributes;
}

bool contains(const Bitmapset* attributes, AttrNumber attribute) {
  return bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, attributes);
}

CompiledExpression compile(const Definition& definition, Expr* expression) {
  CompiledExpression compiled = {};
  compiled.state = ExecInitExpr(expression, nullptr);
  compiled.type = exprType(reinterpret_cast<Node*>(expression));
  Bitmapset* attributes = attributes_of(expression);
  compiled.reads_bounds = contains(attributes, kGroupStart) || contains(attributes, kGroupEnd);
  for (int i = 0; i < definition.keys.count; i++) {
    if (contains(attributes, group_key_attribute(i))) compiled.reads_keys = true;
  }
  for (int i = 0; i < definition.aggregate_count; i++) {
    if (!contains(attributes, group_aggregate_attribute(definition, i))) continue;
    compiled.aggregates = bms_add_member(compiled.aggregates, i);
  }
  return compiled;
}

void set_bound(GroupRow* row, AttrNumber attribute, Time bound) {
  const int at = attribute - 1;
  row->slot->tts_isnull[at] = !row->definition->has_window;
  row->slot->tts_values[at] = window_bound_datum(window_bound_type(*row->definition), bound);
}

// Makes what an expression reads; part of its evaluation.
void fill(GroupRow* row, const CompiledExpression& expression) {
  const Definition& definition = *row->definition;
  Datum* values = row->slot->tts_values;
  bool* isnull = row->slot->tts_isnull;
  if (expression.reads_bounds) {
    set_bound(row, kGroupStart, row->window.start);
    set_bound(row, kGroupEnd, row->window.end);
  }
  if (expression.reads_keys && !row->has_keys) {
    key_decode(definition.keys, row->key, values + kGroupFirstKey - 1, isnull + kGroupFirstKey - 1);
    row->has_keys = true;
  }
  for (int i = -1; (i = bms_next_member(expression.aggregates, i)) >= 0;) {
    if (row->has_aggregate[i]) continue;
    const int at = group_aggregate_attribute(definition, i) - 1;
    const AggregateValue value = value_of(*row->layout, row->result, static_cast<uint16_t>(i));
    values[at] = aggregate_datum(definition.aggregates[i], value, &isnull[at]);
    row->has_aggregate[i] = true;
  }
}

}  // namespace

bool group_expression_reads(const Definition& definition, const Expr* expression,
                            FunctionRef<bool(const DefinitionAggregate&)> is_one) {
  const Bitmapset* attributes = attributes_of(expression);
  for (int i = 0; i < definition.aggregate_count; i++) {
    if (!contains(attributes, group_aggregate_attribute(definition, i))) continue;
    if (is_one(definition.aggregates[i])) return true;
  }
  return false;
}

bool group_expression_reads_window(const Expr* expression) {
  const Bitmapset* attributes = attributes_of(expression);
  return contains(attributes, kGroupStart) || contains(attributes, kGroupEnd);
}

GroupRow* group_row_create(const Definition* definition, Expr* const* expressions, int count,
                           EvaluationAccount* account) {
  auto* row = static_cast<GroupRow*>(palloc0(sizeof(GroupRow)));
  row->definition = definition;
  row->account = account;
  row->count = count;
  row->memory = AllocSetContextCreate(CurrentMemoryContext, "trending group", ALLOCSET_DEFAULT_SIZES);
  row->context = CreateStandaloneExprContext();
  row->slot = MakeSingleTupleTableSlot(group_columns(*definition), &TTSOpsVirtual);
  ExecStoreAllNullTuple(row->slot);
  row->context->ecxt_scantuple = row->slot;
  row->has_aggregate =
      static_cast<bool*>(palloc0(sizeof(bool) * (static_cast<Size>(definition->aggregate_count) + 1)));
  row->expressions =
      static_cast<CompiledExpression*>(palloc0(sizeof(CompiledExpression) * (static_cast<Size>(count) + 1)));
  for (int i = 0; i < count; i++) row->expressions[i] = compile(*definition, expressions[i]);
  return row;
}

GroupRow* group_row_create(const Definition* definition, EvaluationAccount* account) {
  const int count = definition->expression_count;
  auto** expressions = static_cast<Expr**>(palloc(sizeof(Expr*) * (static_cast<Size>(count) + 1)));
  for (int i = 0; i < count; i++) expressions[i] = definition->expressions[i].expr;
  return group_row_create(definition, expressions, count, account);
}

void group_row_begin(GroupRow* row, const StateLayout& layout, KeyView key, const int64_t* result,
                     const Window& window) {
  ResetExprContext(row->context);
  MemoryContextReset(row->memory);
  row->layout = &layout;
  row->key = key;
  row->result = result;
  row->window = window;
  row->has_keys = false;
  memset(row->has_aggregate, 0, static_cast<Size>(row->definition->aggregate_count));
}

bool group_row_use(GroupRow* row, int expression, LWLock* held, FunctionRef<void(Datum, bool)> use) {
  const CompiledExpression& compiled = row->expressions[expression];
  MemoryContext caller = MemoryContextSwitchTo(row->memory);
  const bool good = evaluate(row->account, held, [&] {
    fill(row, compiled);
    bool isnull = false;
    Datum value = ExecEvalExpr(compiled.state, row->context, &isnull);
    use(value, isnull);
  });
  MemoryContextSwitchTo(caller);
  return good;
}

bool group_row_evaluate(GroupRow* row, int expression, LWLock* held, Datum* value, bool* isnull) {
  const auto keep = [&](Datum evaluated, bool is_null) {
    *value = evaluated;
    *isnull = is_null;
  };
  if (group_row_use(row, expression, held, keep)) return true;
  *value = 0;
  *isnull = true;
  return false;
}

}  // namespace trending
