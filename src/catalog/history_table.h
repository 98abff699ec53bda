// SPDX-License-Identifier: PostgreSQL
// The table <trend>_history: one row per closed window and group.
//
// Columns: window_start and window_end where the select list lacks them, the trend's own columns with rank,
// and `final` (no event can change the window any more). The worker writes it, as its owner.
#pragma once

#include "definition/definition.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

// Creates the table and its indexes beside the trend's foreign table, as the caller. It is dropped with the
// trend. Needs SPI. Returns its OID; an error if the name is taken.
Oid history_table_create(Oid relation, const Definition& definition);

// The same for <trend>_late: one row per refused event, as the worker keeps it.
//   event_time  NULL when the row has none;  commit_lsn  the commit that brought it
//   reason      late, too far ahead, null time, failed;  recomputed  counted by trending.recompute
//   kept_at     when it was written here, what retention counts from
Oid late_table_create(Oid relation);

// The same for <trend>_alerts: one row per group and time that its condition (HAVING) came true.
//   window bounds, the trend's columns without rank;  crossed_at  the event clock then
//   commit_lsn  the commit that did it, or where WAL stood when time alone did;  alerted_at  when it was
//   written
Oid alerts_table_create(Oid relation, const Definition& definition);
// Their columns, as they were made. Of the first and the last: the window's bounds, the trend's columns
// (those of alerts without rank) but for bounds, then the columns of the table's own in the order of these
// enumerations.
TableShape history_shape(const Definition& definition);
TableShape alerts_shape(const Definition& definition);
TableShape late_table_shape();

enum HistoryColumn : int { kHistoryStart, kHistoryEnd, kHistoryGroup };
enum LateColumn : int {
  kLateTime,
  kLateLsn,
  kLateReason,
  kLateRow,
  kLateRecomputed,
  kLateKeptAt,
  kLateColumns
};
// Counted from the first column of the table's own, which own_columns_at() gives.
enum AlertColumn : int { kAlertCrossedAt, kAlertLsn, kAlertedAt };
// Where a key is in the shape of history; -1: it is not in the select list.
int history_key_column(const Definition& definition, int key);
int history_group_column(const Definition& definition, ColumnRole role, int index);
// Whether the table tells the groups apart: every key is in the trend's select list.
bool history_has_keys(const Definition& definition);
int own_columns_at(const TableShape& shape, int own_columns);
inline constexpr int kHistoryOwnColumns = 1;  // final
inline constexpr int kAlertOwnColumns = 3;

// "name type [COLLATE ...], ..." of a trend's columns, every type qualified.
void append_column_list(StringInfo out, const Definition& definition);

}  // namespace trending
