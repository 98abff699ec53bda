// SPDX-License-Identifier: PostgreSQL
// Inserting groups into a trend's tables: the bounds of a window, the trend's columns, then columns of the
// table's own, in the order of the table's shape (catalog/history_table.h).
#pragma once

#include "definition/definition.h"
#include "definition/group_row.h"
#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/key.h"
#include "engine/time/window.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

// The values of the next row.
struct GroupInsert {
  OwnedTable* table;
  const Definition* definition;
  GroupRow* expressions;  // null: there are none
  Datum* values;
  bool* nulls;
  int filled;
  uint64 failed;         // expressions
  MemoryContext memory;  // of a row
};

GroupInsert group_insert_prepare(const Definition& definition, OwnedTable* table);

// Begins a row with a group's columns; those of the table's own follow by group_insert_put. The values live
// until the row has been inserted. A rank of 0: the table has none.
void group_insert_begin(GroupInsert* insert, const StateLayout& layout, const Window& window, KeyView key,
                        const int64_t* result, int64 rank);
void group_insert_put(GroupInsert* insert, Datum value, bool isnull = false);
void group_insert_run(GroupInsert* insert);

void group_insert_end(GroupInsert* insert);

}  // namespace trending
