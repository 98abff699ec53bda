// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/group_insert.h"

#include "values/aggregate_result.h"

namespace trending {

namespace {

Datum aggregate_value(const Definition& definition, const StateLayout& layout, const int64_t* result,
                      int index, bool* isnull) {
  return aggregate_datum(definition.aggregates[index], value_of(layout, result, static_cast<uint16_t>(index)),
                         isnull);
}

}  // namespace

GroupInsert group_insert_prepare(const Definition& definition, OwnedTable* table) {
  GroupInsert insert = {};
  insert.table = table;
  insert.definition = &definition;
  insert.values = static_cast<Datum*>(palloc(sizeof(Datum) * table->shape->count));
  if (definition.expression_count > 0) {
    insert.expressions = group_row_create(&definition, evaluation_account(definition.owner));
  }
  insert.nulls = static_cast<bool*>(palloc(sizeof(bool) * table->shape->count));
  insert.memory = AllocSetContextCreate(CurrentMemoryContext, "trending group row", ALLOCSET_DEFAULT_SIZES);
  return insert;
}

void group_insert_put(GroupInsert* insert, Datum value, bool isnull) {
  Assert(insert->filled < insert->table->shape->count);
  insert->values[insert->filled] = value;
  insert->nulls[insert->filled++] = isnull;
}

void group_insert_begin(GroupInsert* insert, const StateLayout& layout, const Window& window, KeyView key,
                        const int64_t* result, int64 rank) {
  const Definition& definition = *insert->definition;
  MemoryContext caller = MemoryContextSwitchTo(insert->memory);
  Datum keys[kMaxKeyColumns];
  bool key_nulls[kMaxKeyColumns];
  key_decode(definition.keys, key, keys, key_nulls);
  if (insert->expressions != nullptr) group_row_begin(insert->expressions, layout, key, result, window);
  insert->filled = 0;
  const Oid bound = window_bound_type(definition);
  // The table has the bounds whether or not the select list does.
  group_insert_put(insert, window_bound_datum(bound, window.start), !definition.has_window);
  group_insert_put(insert, window_bound_datum(bound, window.end), !definition.has_window);
  // The rank is the last of the trend's columns, and last here.
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    bool isnull = false;
    if (column.role == ColumnRole::kKey) {
      group_insert_put(insert, keys[column.index], key_nulls[column.index]);
    } else if (column.role == ColumnRole::kAggregate) {
      Datum value = aggregate_value(definition, layout, result, column.index, &isnull);
      group_insert_put(insert, value, isnull);
    } else if (column.role == ColumnRole::kExpression) {
      Datum value = 0;
      if (!group_row_evaluate(insert->expressions, column.index, nullptr, &value, &isnull)) insert->failed++;
      group_insert_put(insert, value, isnull);
    } else if (column.role == ColumnRole::kRank && rank > 0) {
      group_insert_put(insert, Int64GetDatum(rank));
    }
  }
  MemoryContextSwitchTo(caller);
}

void group_insert_run(GroupInsert* insert) {
  Assert(insert->filled == insert->table->shape->count);
  MemoryContext caller = MemoryContextSwitchTo(insert->memory);
  owned_insert(insert->table, insert->values, insert->nulls);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(insert->memory);
}

void group_insert_end(GroupInsert* insert) {
  MemoryContextDelete(insert->memory);
}

}  // namespace trending
