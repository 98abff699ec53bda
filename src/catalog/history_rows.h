// Reading windows back from a trend's history table. Everything needs SPI and runs with the rights of the
// current user; results are allocated in the memory context that is current at the call.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// A group of a closed window.
struct HistoryRow {
  Window window;
  KeyBytes key;
  int64 rank;
  bool value_is_null;
  Datum value;  // what the trend ranks by, as numeric
};

struct HistoryRows {
  uint64 count;
  HistoryRow* rows;  // ascending by rank
};

// Whether the table tells the groups apart: every key is in the trend's select list.
bool history_has_keys(const Definition& definition);

// The groups of a window up to a rank; as many at most, where several have the same (partition_by).
HistoryRows history_read(const Definition& definition, const char* table, const Window& window, int64 ranks);

// What such a query gives: the keys, rank, the ranking aggregate, window_start, window_end. To be called
// between SPI_connect and SPI_finish, after the query was run.
HistoryRows history_take_rows(const Definition& definition, MemoryContext memory);

// The last window of the table in the order of closing: of all, or of those before `before` (may be null).
// False when there is none.
bool history_last_window(const Definition& definition, const char* table, const Window* before, Window* last);

}  // namespace trending
