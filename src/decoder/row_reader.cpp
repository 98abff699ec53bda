// SPDX-License-Identifier: PostgreSQL
#include "decoder/row_reader.h"

#include <bit>
#include <cstring>

#include "postgres/fault.h"
#include "values/aggregate_result.h"

namespace trending {

namespace {

bool is_present(const RowReader::Step& step) {
  return step.value != nullptr || step.state != nullptr;
}

Datum evaluate(RowReader* reader, const RowReader::Step& step, bool* isnull) {
  if (step.value != nullptr) {
    *isnull = *step.isnull;
    return *step.value;
  }
  return ExecEvalExpr(step.state, reader->expressions, isnull);
}

bool is_true(RowReader* reader, const RowReader::Step& step) {
  bool isnull = false;
  Datum value = evaluate(reader, step, &isnull);
  return !isnull && DatumGetBool(value);
}

RowOutcome read_time(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  const Definition* definition = reader->definition;
  if (definition->by_commit_time) {
    event->time = commit_time;
    return TIMESTAMP_NOT_FINITE(commit_time) ? RowOutcome::kNullTime : RowOutcome::kEvent;
  }
  if (!is_present(reader->time)) {  // over all rows: one instant for all
    event->time = kTimelessEvent;
    return RowOutcome::kEvent;
  }
  bool isnull = false;
  Datum value = evaluate(reader, reader->time, &isnull);
  if (isnull) return RowOutcome::kNullTime;
  event->time = event_time_value(definition->event_time_type, value);
  if (TIMESTAMP_NOT_FINITE(event->time)) return RowOutcome::kNullTime;
  if (event->time > commit_time + definition->options.max_ahead) return RowOutcome::kAhead;
  return RowOutcome::kEvent;
}

// What became of an aggregate's argument.
enum class ArgumentOutcome : uint8_t { kTaken, kNull, kUnfit };

ArgumentOutcome read_distinct(RowReader* reader, const DefinitionAggregate& aggregate, Datum value,
                              int64_t* words) {
  int before = reader->tail.len;
  if (!distinct_append(aggregate.distinct, value, &reader->tail)) return ArgumentOutcome::kUnfit;
  const char* bytes = reader->tail.data + before;
  int size = reader->tail.len - before;
  if (aggregate.function == AggregateFunction::kCountDistinct) {
    words[0] = size;
  } else {
    words[0] = static_cast<int64_t>(distinct_hash(bytes, size));
    reader->tail.len = before;
  }
  return ArgumentOutcome::kTaken;
}

// A value as words, or as bytes in the tail and their number.
ArgumentOutcome read_value(RowReader* reader, const DefinitionAggregate& aggregate, Datum value,
                           int64_t* words) {
  if (aggregate.value != ValueForm::kBytes) {
    return value_to_words(aggregate.value, value, words) ? ArgumentOutcome::kTaken : ArgumentOutcome::kUnfit;
  }
  int before = reader->tail.len;
  if (!bytes_append(aggregate.bytes, value, &reader->tail)) return ArgumentOutcome::kUnfit;
  words[0] = reader->tail.len - before;
  return ArgumentOutcome::kTaken;
}

ArgumentOutcome read_pick(RowReader* reader, int i, Datum value, int64_t* words) {
  const DefinitionAggregate& aggregate = reader->definition->aggregates[i];
  bool isnull = false;
  Datum at = evaluate(reader, reader->times[i], &isnull);
  if (isnull) return ArgumentOutcome::kNull;
  words[0] = pick_time(aggregate.at_type, at);
  return read_value(reader, aggregate, value, words + 1);
}

ArgumentOutcome read_combined(RowReader* reader, int i, int64_t* words) {
  const CombinedAggregate& aggregate = *reader->definition->aggregates[i].combined;
  Datum values[kMaxCombinedArguments];
  bool isnull[kMaxCombinedArguments];
  for (int a = 0; a < aggregate.argument_count; a++) {
    values[a] = evaluate(reader, reader->combined[i][a], &isnull[a]);
  }
  int before = reader->tail.len;
  CombinedOutcome outcome = combined_append(aggregate, values, isnull, &reader->tail);
  words[0] = reader->tail.len - before;
  return outcome == CombinedOutcome::kState  ? ArgumentOutcome::kTaken
         : outcome == CombinedOutcome::kNone ? ArgumentOutcome::kNull
                                             : ArgumentOutcome::kUnfit;
}

ArgumentOutcome read_argument(RowReader* reader, int i, TimestampTz time) {
  const DefinitionAggregate& aggregate = reader->definition->aggregates[i];
  int64_t* words = reader->words + reader->word_of[i];
  if (aggregate.combined != nullptr) return read_combined(reader, i, words);
  bool isnull = false;
  Datum value = 0;
  if (is_present(reader->arguments[i])) value = evaluate(reader, reader->arguments[i], &isnull);
  if (isnull) return ArgumentOutcome::kNull;
  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
    case AggregateFunction::kCount:
      return ArgumentOutcome::kTaken;
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
      return read_pick(reader, i, value, words);
    case AggregateFunction::kCountDistinct:
    case AggregateFunction::kApproxCountDistinct:
      return read_distinct(reader, aggregate, value, words);
    case AggregateFunction::kDecayedCount:
      words[0] = time;
      words[1] = std::bit_cast<int64_t>(1.0);
      return ArgumentOutcome::kTaken;
    case AggregateFunction::kDecayedSum:
      words[0] = time;
      words[1] = std::bit_cast<int64_t>(DatumGetFloat8(value));
      return ArgumentOutcome::kTaken;
    case AggregateFunction::kSum:
    case AggregateFunction::kAvg:
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kCombined:
      break;
  }
  return read_value(reader, aggregate, value, words);
}

// False if some value does not fit the engine.
bool read_arguments(RowReader* reader, RowEvent* event) {
  const Definition* definition = reader->definition;
  memset(reader->words, 0, sizeof(int64_t) * reader->word_count);
  resetStringInfo(&reader->tail);
  event->valid = 0;
  for (int i = 0; i < definition->aggregate_count; i++) {
    if (reader->same_as[i] >= 0) {
      event->valid |= (event->valid >> reader->same_as[i] & 1) << i;
      continue;
    }
    if (is_present(reader->filters[i]) && !is_true(reader, reader->filters[i])) continue;
    ArgumentOutcome outcome = read_argument(reader, i, event->time);
    if (outcome == ArgumentOutcome::kUnfit) return false;
    if (outcome == ArgumentOutcome::kTaken) event->valid |= uint32_t{1} << i;
  }
  event->arguments = {reader->words, reader->word_count,
                      reinterpret_cast<const std::byte*>(reader->tail.data),
                      static_cast<uint32_t>(reader->tail.len)};
  return true;
}

// The event's key and arguments. False if some value does not fit.
bool read_event(RowReader* reader, RowEvent* event) {
  const Definition* definition = reader->definition;
  for (int i = 0; i < definition->keys.count; i++) {
    reader->key_values[i] = evaluate(reader, reader->keys[i], &reader->key_nulls[i]);
  }
  if (!key_encode(definition->keys, reader->key_values, reader->key_nulls, &reader->key)) return false;
  event->key = {reinterpret_cast<const std::byte*>(reader->key.data), static_cast<uint32_t>(reader->key.len)};
  return read_arguments(reader, event);
}

// The elements of a row while they are read.
struct Elements {
  TimestampTz commit_time;
  RowOutcome outcome = RowOutcome::kEvent;  // by its time, of the element at hand
  bool any = false;
  RowOutcome last = RowOutcome::kEvent;  // of the event that was added last, and its time
  TimestampTz last_time = kNoTime;
};

// Adds the element at hand to the row's events. What is refused is there once for each time. False if some
// value does not fit.
bool add_element(RowReader* reader, Elements* elements, RowEvent* event) {
  const RowOutcome outcome = elements->outcome;
  event->is_first = !elements->any || outcome != elements->last || event->time != elements->last_time;
  event->key = {};
  event->arguments = {};
  event->valid = 0;
  if (outcome != RowOutcome::kEvent && !event->is_first) return true;
  if (outcome == RowOutcome::kEvent && !read_event(reader, event)) return false;
  pack_event(*event, outcome, &reader->events);
  elements->any = true;
  elements->last = outcome;
  elements->last_time = event->time;
  return true;
}

bool read_element(RowReader* reader, Elements* elements, RowEvent* event) {
  if (is_present(reader->element_where) && !is_true(reader, reader->element_where)) return true;
  if (reader->time_is_of_element) {
    event->time = kNoTime;
    elements->outcome = read_time(reader, elements->commit_time, event);
  }
  return add_element(reader, elements, event);
}

// A buffer that one row made large is not kept.
void empty_events(RowReader* reader) {
  constexpr int kKeptBytes = 1 << 20;
  StringInfo events = &reader->events;
  if (events->maxlen > kKeptBytes) {
    events->data = static_cast<char*>(repalloc(events->data, 1024));
    events->maxlen = 1024;
  }
  resetStringInfo(events);
}

// Reads the elements of the row in the reader's slot.
RowOutcome read_elements(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  Elements elements{commit_time};
  event->time = kNoTime;
  if (!reader->time_is_of_element) elements.outcome = read_time(reader, commit_time, event);
  empty_events(reader);
  MemoryContextReset(reader->element_memory);
  MemoryContext caller = MemoryContextSwitchTo(reader->element_memory);
  unnester_begin(reader->unnester);
  bool fits = true;
  // Where the row's time is refused one element is enough to know.
  bool wants_more = true;
  while (wants_more && unnester_next(reader->unnester)) {
    CHECK_FOR_INTERRUPTS();
    fits = read_element(reader, &elements, event);
    wants_more =
        fits && (!elements.any || elements.outcome == RowOutcome::kEvent || reader->time_is_of_element);
    ResetExprContext(reader->expressions);
    MemoryContextReset(reader->element_memory);
  }
  unnester_end(reader->unnester);
  MemoryContextSwitchTo(caller);
  event->is_first = true;
  if (!fits) return RowOutcome::kFailed;
  if (!elements.any) return RowOutcome::kFiltered;
  return unpack_event(reader->events.data, reader->events.data + reader->events.len, event);
}

// --- joined tables ---

// A tuple that equal values give the same bytes; they may be toasted, and are replaced then. In CurrentMemoryContext.
MinimalTuple pack(TupleDesc type, Datum* values, const bool* isnull) {
  for (int i = 0; i < type->natts; i++) {
    if (isnull[i] || TupleDescAttr(type, i)->attlen != -1) continue;
    values[i] =
        PointerGetDatum(pg_detoast_datum_packed(reinterpret_cast<varlena*>(DatumGetPointer(values[i]))));
  }
  return compat::form_minimal_tuple(type, values, isnull);
}

// The values point into the tuple.
void unpack(TupleDesc type, MinimalTuple tuple, Datum* values, bool* isnull) {
  HeapTupleData head = {};
  head.t_len = tuple->t_len + MINIMAL_TUPLE_OFFSET;
  head.t_data = reinterpret_cast<HeapTupleHeader>(reinterpret_cast<char*>(tuple) - MINIMAL_TUPLE_OFFSET);
  heap_deform_tuple(&head, type, values, isnull);
}

// The event by its time, and what the row is remembered by.
RowOutcome read_tuple(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  const Definition* definition = reader->definition;
  const RowOutcome outcome = read_time(reader, commit_time, event);
  event->valid = 0;
  event->arguments = {};
  if (outcome != RowOutcome::kEvent) return outcome;
  const int count = definition->tuple_column_count;
  for (int i = 0; i < count; i++) {
    const int place = definition->tuple_columns[i] - 1;
    reader->tuple_values[i] = reader->slot->tts_values[place];
    reader->tuple_nulls[i] = reader->slot->tts_isnull[place];
  }
  MinimalTuple tuple = pack(reader->tuple_type, reader->tuple_values, reader->tuple_nulls);
  if (tuple->t_len > kMaxKeySize) return RowOutcome::kFailed;
  resetStringInfo(&reader->tuple);
  appendBinaryStringInfo(&reader->tuple, reinterpret_cast<char*>(tuple), static_cast<int>(tuple->t_len));
  event->key = {reinterpret_cast<const std::byte*>(reader->tuple.data),
                static_cast<uint32_t>(reader->tuple.len)};
  return RowOutcome::kEvent;
}

void put_tuple(RowReader* reader, KeyView tuple) {
  const Definition* definition = reader->definition;
  unpack(reader->tuple_type, reinterpret_cast<MinimalTuple>(const_cast<std::byte*>(tuple.data)),
         reader->tuple_values, reader->tuple_nulls);
  for (int i = 0; i < definition->tuple_column_count; i++) {
    const int place = definition->tuple_columns[i] - 1;
    reader->slot->tts_values[place] = reader->tuple_values[i];
    reader->slot->tts_isnull[place] = reader->tuple_nulls[i];
  }
}

void put_dimension(RowReader* reader, int d, MinimalTuple row) {
  const Dimension& dimension = reader->definition->dimensions[d];
  if (row != nullptr) unpack(reader->dimension_types[d], row, reader->tuple_values, reader->tuple_nulls);
  for (int i = 0; i < dimension.column_count; i++) {
    const int place = dimension.columns[i].place - 1;
    reader->slot->tts_isnull[place] = row == nullptr || reader->tuple_nulls[i];
    reader->slot->tts_values[place] = row == nullptr ? Datum{0} : reader->tuple_values[i];
  }
}

// The row of a dimension that the row in the slot meets.
MinimalTuple look_up(RowReader* reader, int d, const DimensionLookup& lookup) {
  const Dimension& dimension = reader->definition->dimensions[d];
  for (int i = 0; i < dimension.key.count; i++) {
    reader->key_values[i] = evaluate(reader, reader->dimension_keys[d][i], &reader->key_nulls[i]);
    if (reader->key_nulls[i]) return lookup(d, nullptr);
  }
  // What is too long for a key is too long for an index.
  if (!key_encode(dimension.key, reader->key_values, reader->key_nulls, &reader->joined_key))
    return lookup(d, nullptr);
  const KeyView key = {reinterpret_cast<const std::byte*>(reader->joined_key.data),
                       static_cast<uint32_t>(reader->joined_key.len)};
  return lookup(d, &key);
}

RowOutcome join_row(RowReader* reader, const DimensionLookup& lookup, RowEvent* event) {
  const Definition* definition = reader->definition;
  for (int d = 0; d < definition->dimension_count; d++) {
    MinimalTuple row = look_up(reader, d, lookup);
    if (row == nullptr && !definition->dimensions[d].keeps_rows) return RowOutcome::kFiltered;
    put_dimension(reader, d, row);
  }
  if (is_present(reader->joined_where) && !is_true(reader, reader->joined_where))
    return RowOutcome::kFiltered;
  return read_event(reader, event) ? RowOutcome::kEvent : RowOutcome::kFailed;
}

// Reads the row in the reader's slot; may raise an error.
RowOutcome read_checked(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  if (is_present(reader->where) && !is_true(reader, reader->where)) return RowOutcome::kFiltered;
  if (unlikely(reader->tuple_type != nullptr)) return read_tuple(reader, commit_time, event);
  if (unlikely(reader->unnester != nullptr)) return read_elements(reader, commit_time, event);
  RowOutcome outcome = read_time(reader, commit_time, event);
  if (outcome != RowOutcome::kEvent) return outcome;
  return read_event(reader, event) ? RowOutcome::kEvent : RowOutcome::kFailed;
}

// An error stops that row alone. It is not worth a subtransaction, for nothing was written.
RowOutcome read_caught(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  RowOutcome outcome = RowOutcome::kFailed;
  bool read = evaluate(reader->account, nullptr, [&] {
    fault_point(FaultPoint::kRow, reader->definition->id);
    outcome = read_checked(reader, commit_time, event);
  });
  return read ? outcome : RowOutcome::kFailed;
}

// A value that has to be put together or unpacked first, which may take up to a gigabyte of memory.
bool is_packed(Datum value) {
  return VARATT_IS_EXTERNAL(DatumGetPointer(value)) || VARATT_IS_COMPRESSED(DatumGetPointer(value));
}

RowOutcome read_slot(RowReader* reader, bool may_fail, TimestampTz commit_time, RowEvent* event) {
  event->is_first = true;
  event->next = event->end = nullptr;
  if (!reader->allocates) return read_checked(reader, commit_time, event);
  MemoryContext caller = MemoryContextSwitchTo(reader->row_memory);
  RowOutcome outcome =
      may_fail ? read_caught(reader, commit_time, event) : read_checked(reader, commit_time, event);
  MemoryContextSwitchTo(caller);
  ResetExprContext(reader->expressions);
  MemoryContextReset(reader->row_memory);
  return outcome;
}

}  // namespace

MinimalTuple pack_dimension(const RowReader* reader, int dimension, Datum* values, const bool* isnull) {
  return pack(reader->dimension_types[dimension], values, isnull);
}

void unpack_dimension(const RowReader* reader, int dimension, MinimalTuple row, Datum* values, bool* isnull) {
  unpack(reader->dimension_types[dimension], row, values, isnull);
}

RowOutcome row_join(RowReader* reader, KeyView tuple, DimensionLookup lookup, RowEvent* event) {
  event->is_first = true;
  event->next = event->end = nullptr;
  put_tuple(reader, tuple);
  MemoryContext caller = MemoryContextSwitchTo(reader->row_memory);
  RowOutcome outcome = RowOutcome::kFailed;
  auto body = [&] { outcome = join_row(reader, lookup, event); };
  if (reader->may_fail) {
    if (!evaluate(reader->account, nullptr, body)) outcome = RowOutcome::kFailed;
  } else {
    body();
  }
  MemoryContextSwitchTo(caller);
  ResetExprContext(reader->expressions);
  MemoryContextReset(reader->row_memory);
  return outcome;
}

RowOutcome row_read_slot(RowReader* reader, TimestampTz commit_time, RowEvent* event) {
  return read_slot(reader, true, commit_time, event);
}

RowOutcome row_read(RowReader* reader, const RowMapping* mapping, TupleDesc descriptor, HeapTuple tuple,
                    HeapTuple complete, TimestampTz commit_time, RowEvent* event) {
  const Definition* definition = reader->definition;
  TupleTableSlot* slot = reader->slot;
  bool may_fail = reader->may_fail;
  for (int i = 0; i < definition->source_column_count; i++) {
    int target = definition->source_columns[i].attnum - 1;
    AttrNumber attribute = mapping->attributes[i];
    Datum value = heap_getattr(tuple, attribute, descriptor, &slot->tts_isnull[target]);
    if (!slot->tts_isnull[target] && TupleDescAttr(descriptor, attribute - 1)->attlen == -1) {
      if (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value))) {
        if (complete == nullptr) return RowOutcome::kFailed;
        value = heap_getattr(complete, attribute, descriptor, &slot->tts_isnull[target]);
      }
      may_fail |= is_packed(value);
    }
    slot->tts_values[target] = value;
  }
  return read_slot(reader, may_fail, commit_time, event);
}

}  // namespace trending
