// SPDX-License-Identifier: PostgreSQL
// Making a row reader: what a definition computes of a row, compiled, and the row types that it needs.
#include <algorithm>

#include "decoder/row_reader.h"
#include "definition/aggregate_functions.h"
#include "values/aggregate_result.h"

namespace trending {

namespace {

// Both slots are virtual: a column is always at the same place.
RowReader::Step compile(const RowReader* reader, Expr* expression) {
  if (expression == nullptr) return {nullptr, nullptr, nullptr};
  if (!IsA(expression, Var)) return {nullptr, nullptr, ExecInitExpr(expression, nullptr)};
  const auto* column = reinterpret_cast<Var*>(expression);
  const TupleTableSlot* slot = column->varno == INNER_VAR ? unnester_slot(reader->unnester) : reader->slot;
  return {&slot->tts_values[column->varattno - 1], &slot->tts_isnull[column->varattno - 1], nullptr};
}

// Whether any part of the definition is more than a plain column.
bool has_expressions(const RowReader* reader) {
  const Definition* definition = reader->definition;
  if (definition->unnesting != nullptr || combines_states(*definition)) return true;
  if (reader->time.state != nullptr || reader->where.state != nullptr ||
      reader->joined_where.state != nullptr) {
    return true;
  }
  for (int d = 0; d < definition->dimension_count; d++) {
    for (int i = 0; i < definition->dimensions[d].key.count; i++) {
      if (reader->dimension_keys[d][i].state != nullptr) return true;
    }
  }
  for (int i = 0; i < definition->keys.count; i++) {
    if (reader->keys[i].state != nullptr) return true;
  }
  for (int i = 0; i < definition->aggregate_count; i++) {
    if (reader->arguments[i].state != nullptr || reader->times[i].state != nullptr ||
        reader->filters[i].state != nullptr) {
      return true;
    }
  }
  return false;
}

// Values of variable length may have to be put together from their parts.
bool has_varlena(const Definition* definition) {
  for (int i = 0; i < definition->keys.count; i++) {
    if (definition->keys.columns[i].length < 0) return true;
  }
  for (int i = 0; i < definition->aggregate_count; i++) {
    const DefinitionAggregate& aggregate = definition->aggregates[i];
    if (aggregate.value == ValueForm::kNumeric || aggregate.value == ValueForm::kBytes ||
        aggregate.distinct.form != DistinctForm::kNone) {
      return true;
    }
  }
  return false;
}

// Types whose values are compared without a look into a catalog.
bool compares_plainly(const KeyColumn& column) {
  switch (column.type) {
    case BOOLOID:
    case CHAROID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case OIDOID:
    case DATEOID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case UUIDOID:
    case BYTEAOID:
    case INETOID:
    case CIDROID:
    case INTERVALOID:
    case TIMETZOID:
      return true;
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
      return column.collation == DEFAULT_COLLATION_OID || column.collation == C_COLLATION_OID;
    default:
      return false;
  }
}

bool has_plain_values(const Definition* definition) {
  for (int i = 0; i < definition->aggregate_count; i++) {
    const DefinitionAggregate& aggregate = definition->aggregates[i];
    if (aggregate.value != ValueForm::kBytes || !aggregate.bytes.has_order) continue;
    if (!compares_plainly(aggregate.bytes.column)) return false;
  }
  return true;
}

bool has_plain_keys(const Definition* definition) {
  for (int i = 0; i < definition->keys.count; i++) {
    if (!compares_plainly(definition->keys.columns[i])) return false;
  }
  return true;
}

// Where each aggregate's words are among the arguments, and which are there already.
void lay_out_words(RowReader* reader) {
  const Definition* definition = reader->definition;
  AggregateSpec specs[kMaxAggregates];
  reader->word_of = static_cast<uint16_t*>(palloc0(sizeof(uint16_t) * kMaxAggregates));
  reader->same_as = static_cast<int16_t*>(palloc0(sizeof(int16_t) * kMaxAggregates));
  aggregate_specs(definition->aggregates, definition->aggregate_count, specs);
  for (int i = 0; i < definition->aggregate_count; i++) {
    reader->same_as[i] = -1;
    for (int16_t earlier = 0; earlier < i && reader->same_as[i] < 0; earlier++) {
      if (serves(specs[earlier], specs[i])) reader->same_as[i] = earlier;
    }
  }
  reader->word_count =
      lay_out_arguments(specs, static_cast<uint16_t>(definition->aggregate_count), reader->word_of);
  reader->words = static_cast<int64_t*>(palloc0(sizeof(int64_t) * (reader->word_count + 1U)));
  initStringInfo(&reader->tail);
}

void make_unnester(RowReader* reader) {
  const Unnesting* unnesting = reader->definition->unnesting;
  if (unnesting == nullptr) return;
  reader->unnester = unnester_create(unnesting, reader->slot);
  reader->expressions->ecxt_innertuple = unnester_slot(reader->unnester);
  reader->element_memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending element", ALLOCSET_DEFAULT_SIZES);
  initStringInfo(&reader->events);
  reader->element_where = compile(reader, unnesting->where);
  const Expr* time = reader->definition->event_time;
  reader->time_is_of_element = time != nullptr && reads_element(time);
}

// Columns of the source's row type, or those of dimensions, as a row type of their own.
TupleDesc type_of(const SourceColumn* columns, int count, size_t stride) {
  TupleDesc type = CreateTemplateTupleDesc(count);
  for (int i = 0; i < count; i++) {
    const auto* column = reinterpret_cast<const SourceColumn*>(reinterpret_cast<const char*>(columns) +
                                                               static_cast<size_t>(i) * stride);
    const auto number = static_cast<AttrNumber>(i + 1);
    TupleDescInitEntry(type, number, column->name, column->type, column->typmod, 0);
    TupleDescInitEntryCollation(type, number, column->collation);
  }
  return compat::complete(type);
}

// The source's columns, then those of dimensions.
TupleDesc wide_type(const Definition* definition, TupleDesc source) {
  if (definition->dimension_count == 0) return CreateTupleDescCopy(source);
  int last = definition->wide_base;
  for (int d = 0; d < definition->dimension_count; d++) last += definition->dimensions[d].column_count;
  TupleDesc type = CreateTemplateTupleDesc(last);
  for (int i = 1; i <= definition->wide_base; i++) {
    TupleDescCopyEntry(type, static_cast<AttrNumber>(i), source, static_cast<AttrNumber>(i));
  }
  for (int d = 0; d < definition->dimension_count; d++) {
    const Dimension& dimension = definition->dimensions[d];
    for (int i = 0; i < dimension.column_count; i++) {
      const SourceColumn& column = dimension.columns[i].column;
      TupleDescInitEntry(type, dimension.columns[i].place, column.name, column.type, column.typmod, 0);
      TupleDescInitEntryCollation(type, dimension.columns[i].place, column.collation);
    }
  }
  return compat::complete(type);
}

void make_joined(RowReader* reader, TupleDesc source) {
  const Definition* definition = reader->definition;
  const int dimensions = definition->dimension_count;
  if (dimensions == 0) return;
  TupleDesc tuple = CreateTemplateTupleDesc(definition->tuple_column_count);
  int most = definition->tuple_column_count;
  for (int i = 0; i < definition->tuple_column_count; i++) {
    TupleDescCopyEntry(tuple, static_cast<AttrNumber>(i + 1), source, definition->tuple_columns[i]);
  }
  reader->tuple_type = compat::complete(tuple);
  reader->dimension_types =
      static_cast<TupleDesc*>(palloc0(sizeof(TupleDesc) * static_cast<Size>(dimensions)));
  reader->dimension_keys = static_cast<RowReader::Step(*)[kMaxKeyColumns]>(
      palloc0(sizeof(*reader->dimension_keys) * static_cast<Size>(dimensions)));
  for (int d = 0; d < dimensions; d++) {
    const Dimension& dimension = definition->dimensions[d];
    reader->dimension_types[d] =
        type_of(&dimension.columns->column, dimension.column_count, sizeof(DimensionColumn));
    for (int i = 0; i < dimension.key.count; i++) {
      reader->dimension_keys[d][i] = compile(reader, dimension.key.columns[i].expr);
    }
    most = std::max(most, dimension.column_count);
  }
  reader->joined_where = compile(reader, definition->joined_where);
  reader->tuple_values = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<Size>(most + 1)));
  reader->tuple_nulls = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(most + 1)));
  initStringInfo(&reader->tuple);
  initStringInfo(&reader->joined_key);
}

}  // namespace

RowReader* row_reader_create(const Definition* definition) {
  auto* reader = static_cast<RowReader*>(palloc0(sizeof(RowReader)));
  reader->definition = definition;
  reader->account = evaluation_account(definition->owner);
  reader->row_memory = AllocSetContextCreate(CurrentMemoryContext, "trending row", ALLOCSET_DEFAULT_SIZES);
  reader->expressions = CreateStandaloneExprContext();
  Relation source = table_open(definition->source, AccessShareLock);
  reader->slot = MakeSingleTupleTableSlot(wide_type(definition, RelationGetDescr(source)), &TTSOpsVirtual);
  table_close(source, AccessShareLock);
  // Attributes that no expression reads stay NULL.
  ExecStoreAllNullTuple(reader->slot);
  reader->expressions->ecxt_scantuple = reader->slot;
  initStringInfo(&reader->key);
  make_unnester(reader);
  make_joined(reader, reader->slot->tts_tupleDescriptor);

  int key_count = definition->keys.count;
  for (int d = 0; d < definition->dimension_count; d++) {
    key_count = std::max(key_count, definition->dimensions[d].key.count);
  }
  int aggregate_count = definition->aggregate_count;
  reader->key_values = static_cast<Datum*>(palloc0(sizeof(Datum) * (key_count + 1)));
  reader->key_nulls = static_cast<bool*>(palloc0(sizeof(bool) * (key_count + 1)));
  reader->keys = static_cast<RowReader::Step*>(palloc0(sizeof(RowReader::Step) * (key_count + 1)));
  reader->arguments = static_cast<RowReader::Step*>(palloc0(sizeof(RowReader::Step) * aggregate_count));
  reader->filters = static_cast<RowReader::Step*>(palloc0(sizeof(RowReader::Step) * aggregate_count));
  reader->times = static_cast<RowReader::Step*>(palloc0(sizeof(RowReader::Step) * aggregate_count));
  reader->combined = static_cast<RowReader::Step(*)[kMaxCombinedArguments]>(
      palloc0(sizeof(*reader->combined) * static_cast<Size>(aggregate_count + 1)));
  if (!definition->by_commit_time) reader->time = compile(reader, definition->event_time);
  reader->where = compile(reader, definition->where);
  for (int i = 0; i < definition->keys.count; i++) {
    reader->keys[i] = compile(reader, definition->keys.columns[i].expr);
  }
  for (int i = 0; i < aggregate_count; i++) {
    reader->arguments[i] = compile(reader, definition->aggregates[i].argument);
    reader->times[i] = compile(reader, definition->aggregates[i].at);
    reader->filters[i] = compile(reader, definition->aggregates[i].filter);
    const CombinedAggregate* combined = definition->aggregates[i].combined;
    for (int a = 0; combined != nullptr && a < combined->argument_count; a++) {
      reader->combined[i][a] = compile(reader, combined->arguments[a]);
    }
  }
  lay_out_words(reader);
  reader->may_fail = has_expressions(reader);
  reader->allocates = reader->may_fail || has_varlena(definition) || definition->dimension_count > 0;
  reader->is_plain = !reader->may_fail && has_plain_keys(definition) && has_plain_values(definition);
  return reader;
}

}  // namespace trending
