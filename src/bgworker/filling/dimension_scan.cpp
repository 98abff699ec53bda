// SPDX-License-Identifier: PostgreSQL
#include "bgworker/filling/dimension_scan.h"

#include "bgworker/filling/source_cursor.h"
#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/joined_rows.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "postgres/as_table_owner.h"

namespace trending {

namespace {

constexpr int kFetchRows = 4096;

// A table of a dimension: all of it, or a partition that has another owner.
struct ScanTable {
  Oid table;
  bool is_part;
};

// SELECT of the columns of the key, then of those that are read.
char* dimension_query(const Dimension& dimension, const ScanTable& from) {
  const char* name = get_rel_name(from.table);
  if (name == nullptr)
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("a joined table was dropped")));
  StringInfoData query;
  initStringInfo(&query);
  const char* separator = "SELECT ";
  auto add = [&](const SourceColumn& column) {
    const char* now = get_attname(dimension.relation, column.attnum, false);  // it may have been renamed
    appendStringInfo(&query, "%s%s", separator, quote_identifier(now));
    separator = ", ";
  };
  for (int i = 0; i < dimension.key.count; i++) add(dimension.key_columns[i]);
  for (int i = 0; i < dimension.column_count; i++) add(dimension.columns[i].column);
  appendStringInfo(&query, " FROM %s%s", from.is_part ? "ONLY " : "",
                   quote_qualified_identifier(get_namespace_name(get_rel_namespace(from.table)), name));
  return query.data;
}

void read_row(FollowedTrend* trend, int d, HeapTuple row, TupleDesc columns) {
  const Dimension& dimension = trend->definition->dimensions[d];
  RowReader* reader = trend->reader;
  for (int i = 0; i < dimension.key.count; i++) {
    const Datum value = SPI_getbinval(row, columns, i + 1, &reader->key_nulls[i]);
    if (reader->key_nulls[i]) return;  // meets nobody
    reader->key_values[i] = dimension_key_value(dimension.key_columns[i].type, value);
  }
  if (!key_encode(dimension.key, reader->key_values, reader->key_nulls, &reader->joined_key)) return;
  for (int i = 0; i < dimension.column_count; i++) {
    reader->tuple_values[i] =
        SPI_getbinval(row, columns, dimension.key.count + i + 1, &reader->tuple_nulls[i]);
  }
  MinimalTuple packed = pack_dimension(reader, d, reader->tuple_values, reader->tuple_nulls);
  const KeyView key = {reinterpret_cast<const std::byte*>(reader->joined_key.data),
                       static_cast<uint32_t>(reader->joined_key.len)};
  joined_add_row(trend, d, key, packed);
}

void check_memory(const FollowedTrend* trend) {
  if (!joined_is_too_large(trend)) return;
  ereport(ERROR,
          (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("the joined tables take more than trending.memory_limit")));
}

void read_table(FollowedTrend* trend, int d, const ScanTable& from) {
  Portal cursor =
      source_cursor_open(trend, from.table, dimension_query(trend->definition->dimensions[d], from));
  for (;;) {
    SPI_cursor_fetch(cursor, true, kFetchRows);
    if (SPI_processed == 0) break;
    SPITupleTable* rows = SPI_tuptable;
    const uint64 count = SPI_processed;
    MemoryContext caller = MemoryContextSwitchTo(trend->reader->row_memory);
    for (uint64 row = 0; row < count; row++) read_row(trend, d, rows->vals[row], rows->tupdesc);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(trend->reader->row_memory);
    SPI_freetuptable(rows);
    check_memory(trend);
    CHECK_FOR_INTERRUPTS();
  }
  SPI_cursor_close(cursor);
}

}  // namespace

void dimensions_read(FollowedTrend* trend) {
  trend->joined->filter = filter_of(GetActiveSnapshot());
  SPI_connect();
  for (int d = 0; d < trend->definition->dimension_count; d++) {
    bool are_parts = false;
    List* tables = tables_by_owner(trend->definition->dimensions[d].relation, &are_parts);
    ListCell* cell = nullptr;
    foreach (cell, tables) read_table(trend, d, {lfirst_oid(cell), are_parts});
  }
  SPI_finish();
}

}  // namespace trending
