// SPDX-License-Identifier: PostgreSQL
#include "fdw/scan.h"

#include <algorithm>
#include <cstring>

#include "definition/partition_by.h"
#include "fdw/federated.h"
#include "fdw/planner.h"
#include "fdw/rank_range.h"
#include "fdw/snapshot.h"

namespace trending {

namespace {

struct ScanState {
  const Definition* definition;  // lives as long as the transaction, or the scan
  bool is_federated;
  Tuplestorestate* united;  // the rows of a federated trend, in place of a snapshot
  TupleTableSlot* united_row;
  ScanPlan* plan;
  bool* wanted;       // [column_count]
  bool wants_groups;  // some wanted column belongs to the group, not to the window of all
  bool wants_rank;
  List* expressions;        // ExprStates of the plan's fdw_exprs
  MemoryContext context;    // the snapshot, reset for each new one
  TrendSnapshot* snapshot;  // null until the first row is asked for
  bool empty;               // a condition can match nothing: no snapshot was needed
  uint64_t first;           // of the snapshot's rows
  uint64_t next;
  uint64_t groups_read;
};

ScanState* state_of(ForeignScanState* node) {
  return static_cast<ScanState*>(node->fdw_state);
}

// The columns of the foreign table must be those of the definition, which nothing but ALTER can change. All of
// them, whatever is wanted: conditions that were pushed down take values to be of the definition's types. What
// was dropped is in no query.
void check_columns(const Definition& definition, Relation relation) {
  TupleDesc columns = RelationGetDescr(relation);
  for (int i = 0; i < definition.column_count; i++) {
    if (i < columns->natts && TupleDescAttr(columns, i)->attisdropped) continue;
    if (i < columns->natts && TupleDescAttr(columns, i)->atttypid == definition.columns[i].type) continue;
    ereport(ERROR, (errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
                    errmsg("column \"%s\" of trend \"%s\" has been altered", definition.columns[i].name,
                           RelationGetRelationName(relation)),
                    errhint("Drop the trend and create it again.")));
  }
}

void choose_columns(const ScanPlan& plan, const Definition& definition, ScanState* state) {
  state->wanted = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(definition.column_count)));
  ListCell* cell;
  foreach (cell, plan.columns) {
    int column = lfirst_int(cell);
    if (column >= definition.column_count) continue;
    state->wanted[column] = true;
    ColumnRole role = definition.columns[column].role;
    if (role == ColumnRole::kRank) state->wants_rank = true;
    bool is_bound = role == ColumnRole::kWindowStart || role == ColumnRole::kWindowEnd;
    if (!is_bound || definition.window.kind == WindowKind::kSession) state->wants_groups = true;
  }
}

Datum evaluate(ForeignScanState* node, int expression, bool* isnull) {
  auto* expr = static_cast<ExprState*>(list_nth(state_of(node)->expressions, expression));
  return ExecEvalExprSwitchContext(expr, node->ss.ps.ps_ExprContext, isnull);
}

int64 integer_of(Oid type, Datum value) {
  switch (type) {
    case INT2OID:
      return DatumGetInt16(value);
    case INT4OID:
      return DatumGetInt32(value);
    default:
      return DatumGetInt64(value);
  }
}

int64 add_capped(int64 a, int64 b) {
  int64 sum = 0;
  return pg_add_s64_overflow(a, b, &sum) ? PG_INT64_MAX : sum;
}

// --- by key ---

// The values that a scan looks for: one a key column, but for one column that may have several.
struct KeyValues {
  Datum values[kMaxKeyColumns];
  bool isnull[kMaxKeyColumns];
  int array_key;  // the column with several values, or -1
  int array_count;
  Datum* array_values;
};

// A value as the key column's type; false if that type cannot hold it, so that no key equals it.
bool convert(Oid from, Oid to, Datum value, Datum* converted) {
  if (from == to || (to != INT2OID && to != INT4OID && to != INT8OID)) {
    *converted = value;
    return true;
  }
  int64 integer = integer_of(from, value);
  switch (to) {
    case INT2OID:
      *converted = Int16GetDatum(static_cast<int16>(integer));
      return integer >= PG_INT16_MIN && integer <= PG_INT16_MAX;
    case INT4OID:
      *converted = Int32GetDatum(static_cast<int32>(integer));
      return integer >= PG_INT32_MIN && integer <= PG_INT32_MAX;
    default:
      *converted = Int64GetDatum(integer);
      return true;
  }
}

void read_array(Oid from, Oid to, Datum value, KeyValues* keys) {
  int16 length = 0;
  bool by_value = false;
  char align = 0;
  get_typlenbyvalalign(from, &length, &by_value, &align);
  Datum* elements = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(value), from, length, by_value, align, &elements, &nulls, &count);
  keys->array_values = elements;
  keys->array_count = 0;
  for (int i = 0; i < count; i++) {
    if (nulls[i]) continue;
    if (convert(from, to, elements[i], &elements[keys->array_count])) keys->array_count++;
  }
}

// False if nothing can match.
bool read_key_values(ForeignScanState* node, const ScanState& state, KeyValues* keys) {
  keys->array_key = -1;
  for (int i = 0; i < state.plan->condition_count; i++) {
    const PlannedCondition& condition = state.plan->conditions[i];
    if (condition.kind == ConditionKind::kRank) continue;
    Oid key_type = state.definition->keys.columns[condition.key].type;
    keys->isnull[condition.key] = condition.kind == ConditionKind::kKeyNull;
    if (condition.kind == ConditionKind::kKeyNull) continue;
    bool isnull = false;
    Datum value = evaluate(node, condition.expression, &isnull);
    if (isnull) return false;
    if (condition.kind == ConditionKind::kKeyAnyOf) {
      keys->array_key = condition.key;
      read_array(condition.value_type, key_type, value, keys);
    } else if (!convert(condition.value_type, key_type, value, &keys->values[condition.key])) {
      return false;
    }
  }
  return true;
}

// Adds the encoding of the present values, unless it is longer than any key. `columns`: which of the values
// the codec is for, null: all.
void add_key(const KeyCodec& codec, const int* columns, const KeyValues& all, StringInfo buffer,
             KeyBytes* keys, int* count) {
  Datum values[kMaxKeyColumns];
  bool isnull[kMaxKeyColumns];
  for (int i = 0; i < codec.count; i++) {
    int column = columns == nullptr ? i : columns[i];
    values[i] = all.values[column];
    isnull[i] = all.isnull[column];
  }
  if (!key_encode(codec, values, isnull, buffer)) return;
  auto* bytes = static_cast<std::byte*>(palloc(static_cast<Size>(buffer->len) + 1));
  memcpy(bytes, buffer->data, static_cast<Size>(buffer->len));
  keys[(*count)++] = {bytes, static_cast<uint32_t>(buffer->len)};
}

// Encodes all keys (or partitions, see add_key) in CurrentMemoryContext, each once.
KeyBytes* encode_keys(const KeyCodec& codec, const int* columns, KeyValues* values, int* count) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  int combinations = values->array_key < 0 ? 1 : values->array_count;
  auto* keys = static_cast<KeyBytes*>(
      palloc_extended(sizeof(KeyBytes) * (static_cast<Size>(combinations) + 1), MCXT_ALLOC_HUGE));
  *count = 0;
  if (values->array_key < 0) {
    add_key(codec, columns, *values, &buffer, keys, count);
    return keys;
  }
  for (int i = 0; i < values->array_count; i++) {
    CHECK_FOR_INTERRUPTS();
    values->values[values->array_key] = values->array_values[i];
    add_key(codec, columns, *values, &buffer, keys, count);
  }
  auto before = [](const KeyBytes& a, const KeyBytes& b) {
    if (a.size != b.size) return a.size < b.size;
    return memcmp(a.data, b.data, a.size) < 0;
  };
  auto same = [](const KeyBytes& a, const KeyBytes& b) {
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
  };
  std::sort(keys, keys + *count, before);
  *count = static_cast<int>(std::unique(keys, keys + *count, same) - keys);
  return keys;
}

// --- the best ---

using Ranks = RankRange<int64>;

void narrow(StrategyNumber strategy, int64 value, Ranks* ranks) {
  ranks->narrow(strategy, value == PG_INT64_MIN ? value : value - 1, value, add_capped(value, 1));
}

// LIMIT and OFFSET as the executor's Limit node above reads them; it also complains about negative ones.
void apply_limit(ForeignScanState* node, const ScanPlan& plan, Ranks* range) {
  if (plan.limit_expression < 0) return;
  bool isnull = false;
  int64 rows = DatumGetInt64(evaluate(node, plan.limit_expression, &isnull));
  if (isnull) return;
  if (plan.offset_expression >= 0) {
    int64 offset = DatumGetInt64(evaluate(node, plan.offset_expression, &isnull));
    if (!isnull) rows = add_capped(std::max(rows, int64{0}), std::max(offset, int64{0}));
  }
  range->last = std::min(range->last, add_capped(range->first - 1, std::max(rows, int64{0})));
}

bool has_partition(const ScanPlan& plan) {
  for (int i = 0; i < plan.condition_count; i++) {
    if (plan.conditions[i].kind != ConditionKind::kRank) return true;
  }
  return false;
}

// The best of every partition, or of those that conditions name.
void read_partitions(ForeignScanState* node, ScanState* state, const Ranks& range) {
  const Definition& definition = *state->definition;
  KeyBytes* partitions = nullptr;
  int count = 0;
  MemoryContext caller = MemoryContextSwitchTo(state->context);
  if (has_partition(*state->plan)) {
    KeyValues values = {};
    state->empty = !read_key_values(node, *state, &values);
    if (!state->empty) {
      partitions = encode_keys(definition.partition, definition.partition_keys, &values, &count);
    }
  }
  if (!state->empty) {
    state->snapshot = snapshot_partitions(definition, partitions, count, static_cast<uint64_t>(range.first),
                                          static_cast<uint64_t>(range.last), state->context);
  }
  state->first = 0;
  MemoryContextSwitchTo(caller);
}

// The best of all servers; all groups if `last` is the greatest number.
void read_united(ForeignScanState* node, ScanState* state, int64 last) {
  Relation table = node->ss.ss_currentRelation;
  MemoryContext caller = MemoryContextSwitchTo(state->context);
  state->united =
      federated_rows(RelationGetRelid(table), RelationGetDescr(table), last == PG_INT64_MAX ? -1 : last);
  MemoryContextSwitchTo(caller);
  state->groups_read += static_cast<uint64_t>(tuplestore_tuple_count(state->united));
}

void read_best(ForeignScanState* node, ScanState* state) {
  Ranks range = {1, PG_INT64_MAX};
  const ScanPlan& plan = *state->plan;
  for (int i = 0; i < plan.condition_count; i++) {
    if (plan.conditions[i].kind != ConditionKind::kRank) continue;
    bool isnull = false;
    Datum value = evaluate(node, plan.conditions[i].expression, &isnull);
    if (isnull) {
      state->empty = true;
      return;
    }
    narrow(plan.conditions[i].strategy, integer_of(plan.conditions[i].value_type, value), &range);
  }
  apply_limit(node, plan, &range);
  state->empty = range.last < range.first;
  if (state->empty) return;
  state->first = static_cast<uint64_t>(range.first - 1);
  if (state->is_federated) return read_united(node, state, range.last);
  if (is_partitioned(*state->definition)) return read_partitions(node, state, range);
  state->snapshot = snapshot_best(*state->definition, static_cast<uint64_t>(range.last), state->context);
}

void read_keys(ForeignScanState* node, ScanState* state) {
  KeyValues values = {};
  state->empty = !read_key_values(node, *state, &values);
  if (state->empty) return;
  MemoryContext caller = MemoryContextSwitchTo(state->context);
  int count = 0;
  KeyBytes* keys = encode_keys(state->definition->keys, nullptr, &values, &count);
  state->snapshot = snapshot_keys(*state->definition, keys, count, state->wants_rank, state->context);
  if (state->plan->ordered) {
    order_groups(*state->definition, state->snapshot->layout, state->snapshot->groups, state->snapshot->count,
                 state->snapshot->count);
  }
  MemoryContextSwitchTo(caller);
}

void forget_united(ScanState* state) {
  if (state->united != nullptr) tuplestore_end(state->united);
  state->united = nullptr;
}

void read_snapshot(ForeignScanState* node, ScanState* state) {
  forget_united(state);
  MemoryContextReset(state->context);
  ResetExprContext(node->ss.ps.ps_ExprContext);
  state->empty = false;
  state->first = 0;
  switch (state->plan->mode) {
    case ScanMode::kTop:
      read_best(node, state);
      break;
    case ScanMode::kKeys:
      read_keys(node, state);
      break;
    case ScanMode::kAll: {
      if (state->is_federated) {
        read_united(node, state, PG_INT64_MAX);
        break;
      }
      Detail detail = state->wants_groups ? Detail::kGroups : Detail::kCount;
      if (state->wants_groups && state->plan->ordered) detail = Detail::kRanked;
      state->snapshot = snapshot_all(*state->definition, detail, state->context);
      break;
    }
  }
  if (state->snapshot != nullptr) state->groups_read += state->snapshot->groups_read;
  state->next = state->united == nullptr ? state->first : 0;
}

TupleTableSlot* next_united(ScanState* state, TupleTableSlot* slot) {
  for (; state->next < state->first; state->next++) {
    if (!tuplestore_skiptuples(state->united, 1, true)) return slot;
  }
  state->next++;
  // A tuple that was on disk is the row's until the next one, longer than the caller's context lasts.
  MemoryContext caller = MemoryContextSwitchTo(state->context);
  const bool is_there = tuplestore_gettupleslot(state->united, true, false, state->united_row);
  MemoryContextSwitchTo(caller);
  return is_there ? ExecCopySlot(slot, state->united_row) : slot;
}

}  // namespace

void scan_begin(ForeignScanState* node, int flags) {
  if ((flags & EXEC_FLAG_EXPLAIN_ONLY) != 0) return;
  auto* plan = castNode(ForeignScan, node->ss.ps.plan);
  auto* state = static_cast<ScanState*>(palloc0(sizeof(ScanState)));
  state->definition = served_definition(RelationGetRelid(node->ss.ss_currentRelation));
  state->plan = plan_read(plan);
  state->is_federated = state->definition->query == nullptr;
  if (state->is_federated) {
    state->united_row =
        MakeSingleTupleTableSlot(RelationGetDescr(node->ss.ss_currentRelation), &TTSOpsMinimalTuple);
  }
  choose_columns(*state->plan, *state->definition, state);
  check_columns(*state->definition, node->ss.ss_currentRelation);
  state->expressions = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
  state->context = AllocSetContextCreate(CurrentMemoryContext, "trend snapshot", ALLOCSET_DEFAULT_SIZES);
  node->fdw_state = state;
}

TupleTableSlot* scan_next(ForeignScanState* node) {
  ScanState* state = state_of(node);
  TupleTableSlot* slot = node->ss.ss_ScanTupleSlot;
  ExecClearTuple(slot);
  if (state->snapshot == nullptr && state->united == nullptr && !state->empty) read_snapshot(node, state);
  if (state->united != nullptr) return next_united(state, slot);
  if (state->empty || state->next >= state->snapshot->count) return slot;
  CHECK_FOR_INTERRUPTS();
  for (int i = state->definition->column_count; i < slot->tts_tupleDescriptor->natts; i++) {
    slot->tts_isnull[i] = true;  // a column that was added by ALTER
  }
  snapshot_row(*state->definition, state->snapshot, state->next++, state->wanted, slot->tts_values,
               slot->tts_isnull);
  return ExecStoreVirtualTuple(slot);
}

void scan_again(ForeignScanState* node) {
  ScanState* state = state_of(node);
  state->next = state->first;
  if (state->united != nullptr) {
    tuplestore_rescan(state->united);
    state->next = 0;
  }
  if (node->ss.ps.chgParam == nullptr) return;
  forget_united(state);
  state->snapshot = nullptr;
  state->empty = false;
}

void scan_end(ForeignScanState* node) {
  ScanState* state = state_of(node);
  if (state == nullptr) return;
  if (state->united_row != nullptr) ExecDropSingleTupleTableSlot(state->united_row);
  forget_united(state);
  MemoryContextDelete(state->context);
}

uint64_t scan_groups_read(ForeignScanState* node) {
  return state_of(node)->groups_read;
}

}  // namespace trending
