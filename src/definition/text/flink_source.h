// SPDX-License-Identifier: PostgreSQL
// The tables that a Flink job reads by change data capture.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// One of them; trends share it when they read the same table by the same times.
struct FlinkTable {
  Oid relation;
  const char* name;
  const char* time;              // the column expression of the event time; NULL: it has none
  const char* rowtime;           // the column that carries it
  bool time_is_null;             // it may be NULL
  int64 delay;                   // of the watermark
  Bitmapset* columns;            // attribute numbers
  const Definition* definition;  // some trend that reads it, for messages
};

// The table of the source of a trend, and that of a joined one; found in `tables`, or added.
FlinkTable* flink_source(List** tables, const Definition& definition);
FlinkTable* flink_dimension(List** tables, const Definition& definition, const Dimension& dimension);

// What PostgreSQL must have for it, and its CREATE TABLE.
void append_flink_publication(StringInfo out, const FlinkTable& table);
void append_flink_table(StringInfo out, const FlinkTable& table);

}  // namespace trending
