#include "catalog/history_rows.h"

#include "catalog/history_table.h"
#include "postgres/pinned_path.h"
#include "values/aggregate_result.h"

namespace trending {

namespace {

const DefinitionColumn* find_column(const Definition& definition, ColumnRole role, int index) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == role && column.index == index) return &column;
  }
  return nullptr;
}

// The ranking aggregate; NULL when the select list lacks it.
const char* value_expression(const Definition& definition) {
  const DefinitionColumn* column = find_column(definition, ColumnRole::kAggregate, definition.rank_by);
  return column == nullptr ? "NULL::pg_catalog.numeric" : quote_identifier(column->name);
}

const char* select_statement(const Definition& definition, const char* table) {
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfoString(&query, "SELECT ");
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(&query, "%s, ", quote_identifier(find_column(definition, ColumnRole::kKey, i)->name));
  }
  const char* start = history_window_column(definition, ColumnRole::kWindowStart);
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  appendStringInfo(&query,
                   "rank, %s, %s, %s FROM %s WHERE %s = $1 AND %s = $2 AND rank <= $3 ORDER BY rank LIMIT $3",
                   value_expression(definition), start, end, table, end, start);
  return query.data;
}

// A row of the result; false when its key cannot be one of the trend's (somebody edited the table).
bool take_row(const Definition& definition, HeapTuple tuple, TupleDesc columns, StringInfo buffer,
              HistoryRow* row) {
  Datum keys[kMaxKeyColumns];
  bool nulls[kMaxKeyColumns];
  int count = definition.keys.count;
  bool isnull = false;
  for (int i = 0; i < count; i++) keys[i] = SPI_getbinval(tuple, columns, i + 1, &nulls[i]);
  if (!key_encode(definition.keys, keys, nulls, buffer)) return false;
  auto* bytes = static_cast<std::byte*>(palloc(buffer->len + 1));
  memcpy(bytes, buffer->data, buffer->len);
  row->key = KeyBytes{bytes, static_cast<uint32_t>(buffer->len)};
  row->rank = DatumGetInt64(SPI_getbinval(tuple, columns, count + 1, &isnull));
  Datum value = SPI_getbinval(tuple, columns, count + 2, &row->value_is_null);
  Oid type = TupleDescAttr(columns, count + 1)->atttypid;
  row->value = row->value_is_null ? Datum{0} : datumCopy(value_number(type, value), false, -1);
  row->window.start = DatumGetTimestamp(SPI_getbinval(tuple, columns, count + 3, &isnull));
  row->window.end = DatumGetTimestamp(SPI_getbinval(tuple, columns, count + 4, &isnull));
  return !isnull;
}

}  // namespace

bool history_has_keys(const Definition& definition) {
  for (int i = 0; i < definition.keys.count; i++) {
    if (find_column(definition, ColumnRole::kKey, i) == nullptr) return false;
  }
  return true;
}

HistoryRows history_read(const Definition& definition, const char* table, const Window& window, int64 ranks) {
  MemoryContext memory = CurrentMemoryContext;
  SPI_connect();
  Oid bound = window_bound_type(definition);
  Oid types[] = {bound, bound, INT8OID};
  Datum values[] = {window_bound_datum(bound, window.end), window_bound_datum(bound, window.start),
                    Int64GetDatum(ranks)};
  // Not as a read-only statement: that would show what the caller's query sees, not what is there.
  if (pinned_execute(select_statement(definition, table), 3, types, values, nullptr, false, 0) !=
      SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  HistoryRows result = history_take_rows(definition, memory);
  SPI_finish();
  MemoryContextSwitchTo(memory);
  return result;
}

HistoryRows history_take_rows(const Definition& definition, MemoryContext memory) {
  MemoryContext spi = MemoryContextSwitchTo(memory);
  HistoryRows result = {};
  result.rows =
      static_cast<HistoryRow*>(palloc_extended(sizeof(HistoryRow) * (SPI_processed + 1), MCXT_ALLOC_HUGE));
  StringInfoData buffer;
  initStringInfo(&buffer);
  for (uint64 i = 0; i < SPI_processed; i++) {
    CHECK_FOR_INTERRUPTS();
    HistoryRow* row = &result.rows[result.count];
    if (take_row(definition, SPI_tuptable->vals[i], SPI_tuptable->tupdesc, &buffer, row)) result.count++;
  }
  MemoryContextSwitchTo(spi);
  return result;
}

bool history_last_window(const Definition& definition, const char* table, const Window* before,
                         Window* last) {
  MemoryContext memory = CurrentMemoryContext;
  SPI_connect();
  const char* start = history_window_column(definition, ColumnRole::kWindowStart);
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  Oid bound = window_bound_type(definition);
  Oid types[] = {bound, bound};
  Datum values[2] = {};
  if (before != nullptr) {
    values[0] = window_bound_datum(bound, before->end);
    values[1] = window_bound_datum(bound, before->start);
  }
  const char* condition = before == nullptr ? "" : psprintf("WHERE (%s, %s) < ($1, $2) ", end, start);
  const char* query = psprintf("SELECT %s, %s FROM %s %sORDER BY %s DESC, %s DESC LIMIT 1", start, end, table,
                               condition, end, start);
  if (pinned_execute(query, before == nullptr ? 0 : 2, types, values, nullptr, false, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  bool found = SPI_processed == 1;
  for (int column = 1; found && column <= 2; column++) {
    bool isnull = false;
    Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);
    found = !isnull;
    (column == 1 ? last->start : last->end) = DatumGetTimestamp(value);
  }
  SPI_finish();
  MemoryContextSwitchTo(memory);
  return found;
}

}  // namespace trending
