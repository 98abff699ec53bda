// SPDX-License-Identifier: PostgreSQL
// Reading windows back from a trend's history, for functions: through the door to the table
// (postgres/owned_table.h), after check_history_rights(). Results are allocated in the memory context that is
// current at the call.
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

// The groups of a window up to a rank; as many at most, where several have the same (partition_by).
HistoryRows history_read(const Definition& definition, const Window& window, int64 ranks);

// The last window of the table that closed before this one. False when there is none.
bool history_window_before(const Definition& definition, const Window& window, Window* before);

// The rows of a query of ours that gives the keys, rank, the ranking aggregate, window_start, window_end. To
// be called between SPI_connect and SPI_finish, after the query was run.
HistoryRows history_take_rows(const Definition& definition, MemoryContext memory);

}  // namespace trending
