// SPDX-License-Identifier: PostgreSQL
// A row of trending.trend_state.
#pragma once

#include "postgres/checksum.h"
#include "postgres/server.h"
#include "postgres/spi.h"

namespace trending {

struct FollowedTrend;

// Everything that has one number is listed once, in trend_row.cpp: column, type and member.
struct TrendRow {
  const char* definition;
  int64 keeps_values;
  int64 clock;
  int64 watermark;
  int64 final_until;
  int64 reported_end;
  int64 clock_base;
  int64 clock_wall;
  int64 events;
  int64 late;
  int64 ahead_rows;
  int64 null_time;
  int64 failed;
  int64 out_of_range;
  int64 refused;
  int64 unmatched;
  int64 unretracted;
  int64 watermark_delay;
  int64 allowed_lateness;
  int64 idle_timeout;
  int64 max_ahead;
  int64 retention;
  int64 history_limit;
  int64 max_groups;
  int64 keep_late_events;
  int64 history_table;
  int64 late_table;
  int64 tables_known;
  int64 panes_sum;
};

// What is to be stored of a trend as it is now.
TrendRow trend_row_of(FollowedTrend* trend);

// Writes it, and returns its checksum, which covers `beside`, that of what other tables have of the trend.
int64 trend_row_write(int32 trend_id, const TrendRow& row, int64 beside);

// Reads it; null when it is good, else what is wrong.
const char* trend_row_read(int32 trend_id, TrendRow* row, int64* checksum, bool* found);
// The checksum that such a row has to have.
int64 trend_row_checksum(int32 trend_id, const TrendRow& row, int64 beside);

// Whether a state may stand at these times and go on under these options: what the checksum does not know.
bool trend_row_is_valid(const TrendRow& row);

}  // namespace trending
