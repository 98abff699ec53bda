#include "bgworker/group_insert.h"

#include "definition/aggregate_result.h"
#include "definition/history_table.h"

namespace trending {

namespace {

constexpr ColumnRole kBounds[] = {ColumnRole::kWindowStart, ColumnRole::kWindowEnd};

bool is_group_column(const DefinitionColumn& column) {
  return column.role == ColumnRole::kKey || column.role == ColumnRole::kAggregate;
}

bool is_inserted(const DefinitionColumn& column, bool with_rank) {
  return is_group_column(column) || (with_rank && column.role == ColumnRole::kRank);
}

Datum aggregate_value(const Definition& definition, const StateLayout& layout, const int64_t* result,
                      int index, bool* isnull) {
  return aggregate_datum(definition, index, value_of(layout, result, static_cast<uint16_t>(index)), isnull);
}

}  // namespace

GroupInsert group_insert_prepare(const Definition& definition, const char* table, bool with_rank,
                                 std::initializer_list<OwnColumn> own_columns) {
  GroupInsert insert = {};
  insert.definition = &definition;
  const Size room = static_cast<Size>(definition.column_count) + 2 + own_columns.size();
  insert.types = static_cast<Oid*>(palloc(sizeof(Oid) * room));
  insert.values = static_cast<Datum*>(palloc(sizeof(Datum) * room));
  insert.nulls = static_cast<char*>(palloc(room));
  StringInfoData names;
  StringInfoData values;
  initStringInfo(&names);
  initStringInfo(&values);
  auto add = [&](const char* name, Oid type) {
    const char* separator = insert.count == 0 ? "" : ", ";
    appendStringInfo(&names, "%s%s", separator, name);
    appendStringInfo(&values, "%s$%d", separator, insert.count + 1);
    insert.types[insert.count++] = type;
  };
  // The table has the bounds whether or not the select list does.
  for (ColumnRole role : kBounds) {
    add(history_window_column(definition, role), window_bound_type(definition));
  }
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (is_inserted(column, with_rank)) add(quote_identifier(column.name), column.type);
  }
  for (const OwnColumn& column : own_columns) add(column.name, column.type);
  insert.plan = SPI_prepare(psprintf("INSERT INTO %s (%s) VALUES (%s)", table, names.data, values.data),
                            insert.count, insert.types);
  if (insert.plan == nullptr) elog(ERROR, "could not prepare an insertion into %s", table);
  insert.memory = AllocSetContextCreate(CurrentMemoryContext, "trending group row", ALLOCSET_DEFAULT_SIZES);
  return insert;
}

void group_insert_put(GroupInsert* insert, Datum value, bool isnull) {
  insert->values[insert->filled] = value;
  insert->nulls[insert->filled++] = isnull ? 'n' : ' ';
}

void group_insert_begin(GroupInsert* insert, const StateLayout& layout, const Window& window, KeyView key,
                        const int64_t* result, int64 rank) {
  const Definition& definition = *insert->definition;
  MemoryContext caller = MemoryContextSwitchTo(insert->memory);
  Datum keys[kMaxKeyColumns];
  bool key_nulls[kMaxKeyColumns];
  key_decode(definition.keys, key, keys, key_nulls);
  insert->filled = 0;
  const Oid bound = window_bound_type(definition);
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
    } else if (column.role == ColumnRole::kRank && rank > 0) {
      group_insert_put(insert, Int64GetDatum(rank));
    }
  }
  MemoryContextSwitchTo(caller);
}

void group_insert_run(GroupInsert* insert) {
  Assert(insert->filled == insert->count);
  if (SPI_execute_plan(insert->plan, insert->values, insert->nulls, false, 0) != SPI_OK_INSERT) {
    elog(ERROR, "could not insert a group");
  }
  MemoryContextReset(insert->memory);
}

void group_insert_end(GroupInsert* insert) {
  SPI_freeplan(insert->plan);
  MemoryContextDelete(insert->memory);
}

int group_parameter(const Definition& definition, int column) {
  int parameter = lengthof(kBounds);
  for (int i = 0; i <= column; i++) parameter += is_group_column(definition.columns[i]) ? 1 : 0;
  return is_group_column(definition.columns[column]) ? parameter : -1;
}

}  // namespace trending
