// SPDX-License-Identifier: PostgreSQL
#include "bgworker/filling/source_scan.h"

#include <algorithm>
#include <cstring>

#include "bgworker/filling/source_cursor.h"
#include "bgworker/intake/ahead_times.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/trend/followed_trend.h"
#include "definition/query_text.h"
#include "postgres/as_table_owner.h"
#include "values/evaluation.h"

namespace trending {

namespace {

constexpr int kFetchRows = 4096;

bool is_plain_column(const Expr* expression) {
  return expression != nullptr && IsA(expression, Var) &&
         reinterpret_cast<const Var*>(expression)->varno != INNER_VAR;
}

const char* column_name(const Definition* definition, AttrNumber attnum) {
  for (int i = 0; i < definition->source_column_count; i++) {
    if (definition->source_columns[i].attnum == attnum) return definition->source_columns[i].name;
  }
  return nullptr;
}

// The name of a time that is a plain column.
const char* time_column(const Definition* definition) {
  return quote_identifier(column_name(definition, reinterpret_cast<Var*>(definition->event_time)->varattno));
}

// The source, or one of its tables, may have been dropped since the definition was loaded.
const char* table_name(Oid table) {
  const char* name = get_rel_name(table);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the source was dropped")));
  }
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name);
}

// With a plain time column the rows before or after a time are left to the index.
void append_time_bound(StringInfo query, const Definition* definition, const char* comparison, Time bound) {
  if (bound == kNoTime || !is_plain_column(definition->event_time)) return;
  const bool zoned = definition->event_time_type == TIMESTAMPTZOID;
  Datum text = zoned ? DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(bound))
                     : DirectFunctionCall1(timestamp_out, TimestampGetDatum(bound));
  appendStringInfo(query, " AND %s %s %s::pg_catalog.%s", time_column(definition), comparison,
                   quote_literal_cstr(DatumGetCString(text)), zoned ? "timestamptz" : "timestamp");
}

void append_conditions(StringInfo query, const FollowedTrend* trend, const SourceRange& range) {
  appendStringInfoString(query, " WHERE true");
  append_time_bound(query, trend->definition, ">=", range.from);
  append_time_bound(query, trend->definition, "<=", range.until);
  if (range.rows == SourceRows::kAll) return;
  appendStringInfo(query, " AND %s trending_internal.is_later(xmin, %s)",
                   range.rows == SourceRows::kEarlier ? "NOT" : "", trend->start.later.c_str());
}

// What one query reads: see tables_by_owner().
struct ScanTable {
  Oid table;
  bool is_part;
};

// SELECT of the columns a trend reads, then the table that a row is in, then its commit time where that
// counts. In the order of a plain time column if that is asked for.
char* source_query(const FollowedTrend* trend, const ScanTable& from, const SourceRange& range,
                   ScanOrder order) {
  const Definition* definition = trend->definition;
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfoString(&query, "SELECT ");
  for (int i = 0; i < definition->source_column_count; i++) {
    appendStringInfo(&query, "%s, ", quote_identifier(definition->source_columns[i].name));
  }
  appendStringInfo(&query, "tableoid%s FROM %s%s",
                   definition->by_commit_time ? ", trending.commit_time(xmin)" : "",
                   from.is_part ? "ONLY " : "", table_name(from.table));
  append_conditions(&query, trend, range);
  if (order != ScanOrder::kAny) {
    appendStringInfo(&query, " ORDER BY %s%s", time_column(definition),
                     order == ScanOrder::kBackward ? " DESC" : "");
  }
  return query.data;
}

// Keeps the latest event time of each table.
void note_latest(FollowedTrend* trend, Oid table, Time time) {
  SourceTable& entry = trend->tables->all[table];
  entry.latest = std::max(entry.latest, time);
}

// Ends the filling, which sets the trend aside.
[[noreturn]] void raise_overdrawn(FollowedTrend* trend) {
  trend->trouble.set_aside = true;
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s", evaluation_overdrawn_reason())));
  pg_unreachable();
}

// What a fetched row is to the trend.
RowOutcome read_row(FollowedTrend* trend, HeapTuple row, TupleDesc columns, TimestampTz now,
                    RowEvent* event) {
  const Definition* definition = trend->definition;
  TupleTableSlot* slot = trend->reader->slot;
  const int count = definition->source_column_count;
  bool isnull = false;
  for (int i = 0; i < count; i++) {
    int target = definition->source_columns[i].attnum - 1;
    slot->tts_values[target] = SPI_getbinval(row, columns, i + 1, &slot->tts_isnull[target]);
  }
  TimestampTz committed = now;
  if (definition->by_commit_time) {
    committed = DatumGetTimestampTz(SPI_getbinval(row, columns, count + 2, &isnull));
    if (isnull) committed = kNoTime;
  }
  RowOutcome outcome = row_read_slot(trend->reader, committed, event);
  if (unlikely(evaluation_overdrawn())) raise_overdrawn(trend);
  return outcome;
}

// Visits the events of a fetched row. False when visit() wants no more.
bool visit_row(FollowedTrend* trend, HeapTuple row, TupleDesc columns, TimestampTz now, bool counts_ahead,
               FunctionRef<bool(const RowEvent&)> visit) {
  RowEvent event;
  RowOutcome outcome = read_row(trend, row, columns, now, &event);
  if (outcome == RowOutcome::kFiltered || outcome == RowOutcome::kFailed) return true;
  bool isnull = false;
  Datum table = SPI_getbinval(row, columns, trend->definition->source_column_count + 1, &isnull);
  do {
    if (outcome == RowOutcome::kAhead) {
      trend->ahead->add(event.time);
      if (counts_ahead)
        pg_atomic_write_u64(&trend->shared->ahead, pg_atomic_read_u64(&trend->shared->ahead) + 1);
    }
    if (outcome != RowOutcome::kEvent) continue;
    note_latest(trend, DatumGetObjectId(table), event.time);
    if (!visit(event)) return false;
  } while (next_event(&event, &outcome));
  return true;
}

// With SPI connected. False when visit() wants no more.
bool scan_table(FollowedTrend* trend, const ScanTable& from, const SourceRange& range, ScanOrder order,
                FunctionRef<bool(const RowEvent&)> visit) {
  TimestampTz now = GetCurrentTimestamp();
  if (range.counts_ahead) trend->passed->read_at = now;
  Portal cursor = source_cursor_open(trend, from.table, source_query(trend, from, range, order));
  bool go_on = true;
  while (go_on) {
    SPI_cursor_fetch(cursor, true, kFetchRows);
    if (SPI_processed == 0) break;
    SPITupleTable* rows = SPI_tuptable;
    const uint64 count = SPI_processed;
    for (uint64 row = 0; row < count && go_on; row++) {
      go_on = visit_row(trend, rows->vals[row], rows->tupdesc, now, range.counts_ahead, visit);
    }
    SPI_freetuptable(rows);
    CHECK_FOR_INTERRUPTS();
  }
  SPI_cursor_close(cursor);
  return go_on;
}

// An order other than kAny is the query's, by a plain time column; it needs a source that is read by one.
void scan_rows(FollowedTrend* trend, const SourceRange& range, ScanOrder order,
               FunctionRef<bool(const RowEvent&)> visit) {
  bool are_parts = false;
  List* tables = tables_by_owner(trend->definition->source, &are_parts);
  ListCell* cell = nullptr;
  foreach (cell, tables) {
    if (!scan_table(trend, {lfirst_oid(cell), are_parts}, range, order, visit)) break;
  }
}

// Whether a query can give the rows in the order of time, or the greatest one.
bool is_ordered_by_query(const Definition* definition) {
  bool are_parts = false;
  if (is_plain_column(definition->event_time)) (void)tables_by_owner(definition->source, &are_parts);
  return is_plain_column(definition->event_time) && !are_parts;
}

// --- in the order of an expression ---
// Not by the query: one row whose expression fails would end it.

Datum pack(const RowEvent& event, StringInfo bytes) {
  resetStringInfo(bytes);
  bytes->len = MAXIMUM_ALIGNOF;  // what is packed is aligned
  pack_event(event, RowOutcome::kEvent, bytes);
  char* start = bytes->data + MAXIMUM_ALIGNOF - VARHDRSZ;
  SET_VARSIZE(start, bytes->data + bytes->len - start);
  return PointerGetDatum(start);
}

// Rows (time, event), sorted by time, in memory or on disk.
Tuplesortstate* begin_sort(TupleDesc descriptor) {
  AttrNumber attribute = 1;
  Oid less = Int8LessOperator;
  Oid collation = InvalidOid;
  bool nulls_first = false;
  return tuplesort_begin_heap(descriptor, 1, &attribute, &less, &collation, &nulls_first,
                              maintenance_work_mem, nullptr, TUPLESORT_NONE);
}

void put_sorted(FollowedTrend* trend, const SourceRange& range, bool backward, TupleDesc descriptor,
                Tuplesortstate* sort) {
  TupleTableSlot* slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsVirtual);
  StringInfoData bytes;
  initStringInfo(&bytes);
  scan_rows(trend, range, ScanOrder::kAny, [&](const RowEvent& event) {
    if (range.from != kNoTime && event.time < range.from) return true;
    if (range.until != kNoTime && event.time > range.until) return true;
    ExecClearTuple(slot);
    slot->tts_values[0] = Int64GetDatum(backward ? -event.time : event.time);
    slot->tts_values[1] = pack(event, &bytes);
    slot->tts_isnull[0] = slot->tts_isnull[1] = false;
    ExecStoreVirtualTuple(slot);
    tuplesort_puttupleslot(sort, slot);
    return true;
  });
  ExecDropSingleTupleTableSlot(slot);
}

void scan_sorted(FollowedTrend* trend, const SourceRange& range, ScanOrder order,
                 FunctionRef<bool(const RowEvent&)> visit) {
  TupleDesc descriptor = CreateTemplateTupleDesc(2);
  TupleDescInitEntry(descriptor, 1, "at", INT8OID, -1, 0);
  TupleDescInitEntry(descriptor, 2, "event", BYTEAOID, -1, 0);
  compat::complete(descriptor);
  Tuplesortstate* sort = begin_sort(descriptor);
  put_sorted(trend, range, order == ScanOrder::kBackward, descriptor, sort);
  tuplesort_performsort(sort);
  TupleTableSlot* slot = MakeSingleTupleTableSlot(descriptor, &TTSOpsMinimalTuple);
  StringInfoData aligned;
  initStringInfo(&aligned);
  while (tuplesort_gettupleslot(sort, true, false, slot, nullptr)) {
    CHECK_FOR_INTERRUPTS();
    bool isnull = false;
    const auto* bytes = reinterpret_cast<const varlena*>(DatumGetPointer(slot_getattr(slot, 2, &isnull)));
    resetStringInfo(&aligned);
    appendBinaryStringInfo(&aligned, VARDATA_ANY(bytes), static_cast<int>(VARSIZE_ANY_EXHDR(bytes)));
    RowEvent event;
    (void)unpack_event(aligned.data, aligned.data + aligned.len, &event);
    if (!visit(event)) break;
  }
  ExecDropSingleTupleTableSlot(slot);
  tuplesort_end(sort);
  pfree(aligned.data);
}

}  // namespace

void scan_source(FollowedTrend* trend, const SourceRange& range, ScanOrder order,
                 FunctionRef<bool(const RowEvent&)> visit) {
  SPI_connect();
  if (order == ScanOrder::kAny || is_ordered_by_query(trend->definition)) {
    scan_rows(trend, range, order, visit);
  } else {
    scan_sorted(trend, range, order, visit);
  }
  SPI_finish();
}

Time latest_in_source(FollowedTrend* trend, SourceRows rows, Time until) {
  const Definition* definition = trend->definition;
  Time latest = kNoTime;
  const bool may_be_none = definition->where != nullptr || definition->unnesting != nullptr;
  if (may_be_none || !is_ordered_by_query(definition)) {
    scan_source(trend, {kNoTime, until, rows}, ScanOrder::kAny, [&](const RowEvent& event) {
      if (until == kNoTime || event.time <= until) latest = std::max(latest, event.time);
      return true;
    });
    return latest;
  }
  // The same by an index, where there is one on the time column.
  const TimestampTz farthest = add_saturated(GetCurrentTimestamp(), definition->options.max_ahead);
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query, "SELECT pg_catalog.max(%s) FROM %s", time_column(definition),
                   table_name(definition->source));
  append_conditions(&query, trend, {kNoTime, until == kNoTime ? farthest : std::min(until, farthest), rows});
  SPI_connect();
  SPI_cursor_fetch(source_cursor_open(trend, definition->source, query.data), true, 1);
  if (SPI_processed != 1) elog(ERROR, "could not read the source's latest time");
  bool isnull = true;
  Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
  if (!isnull) latest = event_time_value(definition->event_time_type, value);
  SPI_finish();
  // All rows infinite in the past: no clock.
  return TIMESTAMP_NOT_FINITE(latest) ? kNoTime : latest;
}

namespace {

// RelationGetIndexPredicate() would evaluate the predicate: its owner's code, with the worker's rights.
bool begins_with(Oid index_oid, AttrNumber attribute) {
  Relation index = index_open(index_oid, AccessShareLock);
  const Form_pg_index form = index->rd_index;
  const bool found = index->rd_rel->relam == BTREE_AM_OID && form->indisvalid &&
                     form->indkey.values[0] == attribute &&
                     heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
  index_close(index, AccessShareLock);
  return found;
}

// Of a table that has rows of its own.
bool has_index(Oid oid, const char* column) {
  Relation table = table_open(oid, AccessShareLock);
  const AttrNumber attribute = get_attnum(oid, column);
  bool found = table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(table)) found = found || begins_with(lfirst_oid(cell), attribute);
  table_close(table, AccessShareLock);
  return found;
}

}  // namespace

bool has_time_index(const Definition& definition) {
  if (!is_plain_column(definition.event_time)) return false;
  const char* column =
      column_name(&definition, reinterpret_cast<const Var*>(definition.event_time)->varattno);
  bool found = true;
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(definition.source, AccessShareLock, nullptr)) {
    found = found && has_index(lfirst_oid(cell), column);
  }
  return found;
}

bool knows_event_times(const Definition& definition) {
  return !definition.by_commit_time || track_commit_timestamp;
}

char* source_rows_query(const FollowedTrend* trend, const char* table) {
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query, "SELECT FROM ONLY %s WHERE true", table);
  append_time_bound(&query, trend->definition, ">=", trend->writer.concerned_from());
  appendStringInfoString(&query, " LIMIT 1");
  return query.data;
}

}  // namespace trending
