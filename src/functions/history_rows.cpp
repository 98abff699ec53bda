// SPDX-License-Identifier: PostgreSQL
#include "functions/history_rows.h"

#include <algorithm>

#include "values/aggregate_result.h"
#include "catalog/history_table.h"
#include "functions/named_rows.h"

namespace trending {

namespace {

// What a row has, before its key is encoded; NULL where a pointer is null.
struct RowValues {
  Datum keys[kMaxKeyColumns];
  bool key_nulls[kMaxKeyColumns];
  int64 rank;
  Window window;
  Oid value_type;
  Datum value;
  bool value_is_null;
};

// False when its key cannot be one of the trend's (somebody edited the table).
bool make_row(const Definition& definition, RowValues* values, StringInfo buffer, HistoryRow* row) {
  if (!key_encode(definition.keys, values->keys, values->key_nulls, buffer)) return false;
  auto* bytes = static_cast<std::byte*>(palloc(buffer->len + 1));
  memcpy(bytes, buffer->data, buffer->len);
  row->key = KeyBytes{bytes, static_cast<uint32_t>(buffer->len)};
  row->rank = values->rank;
  row->window = values->window;
  row->value_is_null = values->value_is_null;
  Datum value = 0;
  if (!row->value_is_null) value = value_number(values->value_type, values->value, &row->value_is_null);
  row->value = row->value_is_null ? Datum{0} : datumCopy(value, false, -1);
  return true;
}

// Rows of a table as they are met.
class RowList {
 public:
  explicit RowList(MemoryContext memory) : memory_(memory) {}

  HistoryRow* next() {
    if (rows_.count == room_) grow();
    return &rows_.rows[rows_.count];
  }
  void keep() { rows_.count++; }

  // The best of them.
  HistoryRows best(uint64 ranks) {
    std::stable_sort(rows_.rows, rows_.rows + rows_.count,
                     [](const HistoryRow& a, const HistoryRow& b) { return a.rank < b.rank; });
    rows_.count = std::min(rows_.count, ranks);
    return rows_;
  }

 private:
  void grow() {
    room_ = room_ == 0 ? 64 : room_ * 2;
    const Size size = sizeof(HistoryRow) * room_;
    rows_.rows = static_cast<HistoryRow*>(rows_.rows == nullptr ? MemoryContextAllocHuge(memory_, size)
                                                                : repalloc_huge(rows_.rows, size));
  }

  MemoryContext memory_;
  HistoryRows rows_ = {0, nullptr};
  uint64 room_ = 0;
};

// Where things are in the shape of history; -1: nowhere.
struct Places {
  int keys[kMaxKeyColumns];
  int rank;
  int value;
};

Places find_places(const Definition& definition, const TableShape& shape) {
  Places places = {};
  for (int i = 0; i < definition.keys.count; i++) places.keys[i] = history_key_column(definition, i);
  places.rank = own_columns_at(shape, kHistoryOwnColumns) - 1;
  places.value = history_group_column(definition, definition.order[0].role, definition.order[0].index);
  return places;
}

// False when it has no rank.
bool read_values(const Definition& definition, const Places& places, const OwnedTable* table,
                 TupleTableSlot* row, const Window& window, RowValues* values) {
  bool no_rank = true;
  values->rank = DatumGetInt64(owned_value(table, row, places.rank, &no_rank));
  if (no_rank) return false;
  for (int i = 0; i < definition.keys.count; i++) {
    values->keys[i] = owned_value(table, row, places.keys[i], &values->key_nulls[i]);
  }
  values->window = window;
  values->value_is_null = places.value < 0;
  if (places.value < 0) return true;
  values->value_type = table->shape->columns[places.value].type;
  values->value = owned_value(table, row, places.value, &values->value_is_null);
  return true;
}

}  // namespace

HistoryRows history_read(const Definition& definition, const Window& window, int64 ranks) {
  MemoryContext memory = CurrentMemoryContext;
  RowList rows(memory);
  StringInfoData buffer;
  initStringInfo(&buffer);
  auto* values = static_cast<RowValues*>(palloc(sizeof(RowValues)));
  read_history(definition, [&](OwnedTable* table) {
    const Places places = find_places(definition, *table->shape);
    owned_scan(table, kHistoryEnd, window.end, window.end, false, [&](TupleTableSlot* row) {
      bool isnull = false;
      const Time start = DatumGetInt64(owned_value(table, row, kHistoryStart, &isnull));
      if (isnull || start != window.start) return true;
      if (!read_values(definition, places, table, row, window, values) || values->rank > ranks) return true;
      MemoryContext before = MemoryContextSwitchTo(memory);
      if (make_row(definition, values, &buffer, rows.next())) rows.keep();
      MemoryContextSwitchTo(before);
      return true;
    });
  });
  return rows.best(static_cast<uint64>(ranks));
}

bool history_window_before(const Definition& definition, const Window& window, Window* before) {
  *before = Window{};
  read_history(definition, [&](OwnedTable* table) {
    owned_scan(table, kHistoryEnd, kMinTime, window.end, true, [&](TupleTableSlot* row) {
      bool no_start = false;
      bool no_end = false;
      const Window found{DatumGetInt64(owned_value(table, row, kHistoryStart, &no_start)),
                         DatumGetInt64(owned_value(table, row, kHistoryEnd, &no_end))};
      if (no_start || no_end) return true;
      if (table->in_order && before->end != kNoTime && found.end != before->end) return false;
      const bool is_earlier = found.end < window.end || found.start < window.start;
      const bool is_later =
          found.end > before->end || (found.end == before->end && found.start > before->start);
      if (is_earlier && is_later) *before = found;
      return true;
    });
  });
  return before->end != kNoTime;
}

HistoryRows history_take_rows(const Definition& definition, MemoryContext memory) {
  MemoryContext spi = MemoryContextSwitchTo(memory);
  RowList rows(memory);
  StringInfoData buffer;
  initStringInfo(&buffer);
  auto* values = static_cast<RowValues*>(palloc(sizeof(RowValues)));
  const int keys = definition.keys.count;
  for (uint64 i = 0; i < SPI_processed; i++) {
    CHECK_FOR_INTERRUPTS();
    HeapTuple tuple = SPI_tuptable->vals[i];
    TupleDesc columns = SPI_tuptable->tupdesc;
    bool isnull = false;
    for (int k = 0; k < keys; k++) {
      values->keys[k] = SPI_getbinval(tuple, columns, k + 1, &values->key_nulls[k]);
    }
    values->rank = DatumGetInt64(SPI_getbinval(tuple, columns, keys + 1, &isnull));
    values->value = SPI_getbinval(tuple, columns, keys + 2, &values->value_is_null);
    values->value_type = TupleDescAttr(columns, keys + 1)->atttypid;
    values->window.start = DatumGetTimestamp(SPI_getbinval(tuple, columns, keys + 3, &isnull));
    values->window.end = DatumGetTimestamp(SPI_getbinval(tuple, columns, keys + 4, &isnull));
    if (make_row(definition, values, &buffer, rows.next())) rows.keep();
  }
  MemoryContextSwitchTo(spi);
  return rows.best(PG_UINT64_MAX);
}

}  // namespace trending
