// Inserting groups into a trend's tables: the bounds of a window, the trend's columns, then columns of the
// table's own. Needs SPI.
#pragma once

#include <initializer_list>

#include "engine/aggregate_state.h"
#include "engine/key.h"
#include "engine/window.h"
#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// A prepared INSERT and the parameters of its next row.
struct GroupInsert {
  SPIPlanPtr plan;
  const Definition* definition;
  int count;
  Oid* types;
  Datum* values;
  char* nulls;
  int filled;
  MemoryContext memory;  // of a row
};

struct OwnColumn {
  const char* name;
  Oid type;
};

// For a table, named so, whose rows hold the rank or do not.
GroupInsert group_insert_prepare(const Definition& definition, const char* table, bool with_rank,
                                 std::initializer_list<OwnColumn> own_columns);

// Begins a row with a group's columns; those of the table's own follow by group_insert_put. The values live
// until the row has been inserted.
void group_insert_begin(GroupInsert* insert, const StateLayout& layout, const Window& window, KeyView key,
                        const int64_t* result, int64 rank);
void group_insert_put(GroupInsert* insert, Datum value, bool isnull = false);
void group_insert_run(GroupInsert* insert);

void group_insert_end(GroupInsert* insert);

// Where a column of a group is among the parameters, counted from 1; -1: nowhere.
int group_parameter(const Definition& definition, int column);

}  // namespace trending
