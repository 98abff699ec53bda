// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/condition.h"

#include "values/aggregate_result.h"
#include "values/evaluation.h"

namespace trending {

struct Condition {
  const Definition* definition;
  EvaluationAccount* account;
  ExprState* state;
  ExprContext* expressions;
  TupleTableSlot* slot;  // virtual: the keys, then the aggregates
  MemoryContext memory;  // reset after every group
  bool reads_keys;
  bool* reads_aggregate;
};

namespace {

TupleDesc group_row(const Definition& definition) {
  TupleDesc row = CreateTemplateTupleDesc(definition.keys.count + definition.aggregate_count);
  AttrNumber attribute = 0;
  for (int i = 0; i < definition.keys.count; i++) {
    const KeyColumn& key = definition.keys.columns[i];
    TupleDescInitEntry(row, ++attribute, "key", key.type, key.typmod, 0);
    TupleDescInitEntryCollation(row, attribute, key.collation);
  }
  for (int i = 0; i < definition.aggregate_count; i++) {
    TupleDescInitEntry(row, ++attribute, "aggregate", definition.aggregates[i].result_type, -1, 0);
  }
  return compat::complete(row);
}

void find_reads(Condition* condition) {
  const Definition& definition = *condition->definition;
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(definition.having), 1, &attributes);
  condition->reads_aggregate =
      static_cast<bool*>(palloc0(sizeof(bool) * (static_cast<Size>(definition.aggregate_count) + 1)));
  for (int member = -1; (member = bms_next_member(attributes, member)) >= 0;) {
    int index = member + FirstLowInvalidHeapAttributeNumber - 1;
    if (index < definition.keys.count) {
      condition->reads_keys = true;
    } else {
      condition->reads_aggregate[index - definition.keys.count] = true;
    }
  }
}

bool is_true(Condition* condition, const StateLayout& layout, KeyView key, const int64_t* result) {
  const Definition& definition = *condition->definition;
  Datum* values = condition->slot->tts_values;
  bool* isnull = condition->slot->tts_isnull;
  if (condition->reads_keys) key_decode(definition.keys, key, values, isnull);
  for (int i = 0; i < definition.aggregate_count; i++) {
    if (!condition->reads_aggregate[i]) continue;
    int attribute = definition.keys.count + i;
    AggregateValue value = value_of(layout, result, static_cast<uint16_t>(i));
    values[attribute] = aggregate_datum(definition.aggregates[i], value, &isnull[attribute]);
  }
  bool is_null = false;
  Datum holds = ExecEvalExpr(condition->state, condition->expressions, &is_null);
  return !is_null && DatumGetBool(holds);
}

}  // namespace

Condition* condition_create(const Definition* definition) {
  if (definition->having == nullptr) return nullptr;
  auto* condition = static_cast<Condition*>(palloc0(sizeof(Condition)));
  condition->definition = definition;
  condition->account = evaluation_account(definition->owner);
  condition->memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending condition", ALLOCSET_DEFAULT_SIZES);
  condition->expressions = CreateStandaloneExprContext();
  condition->slot = MakeSingleTupleTableSlot(group_row(*definition), &TTSOpsVirtual);
  ExecStoreAllNullTuple(condition->slot);
  condition->expressions->ecxt_scantuple = condition->slot;
  condition->state = ExecInitExpr(definition->having, nullptr);
  find_reads(condition);
  return condition;
}

bool condition_holds(Condition* condition, LWLock* lock, const StateLayout& layout, KeyView key,
                     const int64_t* result, bool* failed) {
  MemoryContext caller = MemoryContextSwitchTo(condition->memory);
  bool holds = false;
  *failed = !evaluate(condition->account, lock, [&] { holds = is_true(condition, layout, key, result); });
  MemoryContextSwitchTo(caller);
  ResetExprContext(condition->expressions);
  MemoryContextReset(condition->memory);
  return holds && !*failed;
}

}  // namespace trending
