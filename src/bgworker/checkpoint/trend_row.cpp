// SPDX-License-Identifier: PostgreSQL
#include "bgworker/checkpoint/trend_row.h"

#include "bgworker/checkpoint/stored_trend.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/trend/followed_trend.h"

namespace trending {

namespace {

struct Field {
  const char* column;
  Oid type;
  int64 TrendRow::*member;
};

constexpr Field kFields[] = {
    {"keeps_values", BOOLOID, &TrendRow::keeps_values},
    {"clock", INT8OID, &TrendRow::clock},
    {"watermark", INT8OID, &TrendRow::watermark},
    {"final_until", INT8OID, &TrendRow::final_until},
    {"reported_end", INT8OID, &TrendRow::reported_end},
    {"clock_base", INT8OID, &TrendRow::clock_base},
    {"clock_wall", INT8OID, &TrendRow::clock_wall},
    {"events", INT8OID, &TrendRow::events},
    {"late", INT8OID, &TrendRow::late},
    {"ahead_rows", INT8OID, &TrendRow::ahead_rows},
    {"null_time", INT8OID, &TrendRow::null_time},
    {"failed", INT8OID, &TrendRow::failed},
    {"out_of_range", INT8OID, &TrendRow::out_of_range},
    {"refused", INT8OID, &TrendRow::refused},
    {"unmatched", INT8OID, &TrendRow::unmatched},
    {"unretracted", INT8OID, &TrendRow::unretracted},
    {"watermark_delay", INT8OID, &TrendRow::watermark_delay},
    {"allowed_lateness", INT8OID, &TrendRow::allowed_lateness},
    {"idle_timeout", INT8OID, &TrendRow::idle_timeout},
    {"max_ahead", INT8OID, &TrendRow::max_ahead},
    {"retention", INT8OID, &TrendRow::retention},
    {"history_limit", INT8OID, &TrendRow::history_limit},
    {"max_groups", INT8OID, &TrendRow::max_groups},
    {"keep_late_events", BOOLOID, &TrendRow::keep_late_events},
    {"history_table", OIDOID, &TrendRow::history_table},
    {"late_table", OIDOID, &TrendRow::late_table},
    {"tables_known", BOOLOID, &TrendRow::tables_known},
    {"panes_sum", INT8OID, &TrendRow::panes_sum},
};
// Behind them: trend_id, definition, checksum.
constexpr int kOthers = 3;

SpiValue number(Oid type, int64 value) {
  switch (type) {
    case BOOLOID:
      return spi_bool(value != 0);
    case OIDOID:
      return spi_oid(static_cast<Oid>(value));
    default:
      return spi_int8(value);
  }
}

// INSERT ... ON CONFLICT (trend_id) DO UPDATE of all columns.
const char* make_upsert() {
  StringInfoData columns;
  StringInfoData values;
  StringInfoData changes;
  initStringInfo(&columns);
  initStringInfo(&values);
  initStringInfo(&changes);
  int parameter = 0;
  const auto append = [&](const char* column) {
    const char* separator = parameter > 0 ? ", " : "";
    appendStringInfo(&columns, "%s%s", separator, column);
    appendStringInfo(&values, "%s$%d", separator, ++parameter);
    appendStringInfo(&changes, "%s%s = excluded.%s", separator, column, column);
  };
  for (const Field& field : kFields) append(field.column);
  for (const char* column : {"trend_id", "definition", "checksum"}) append(column);
  return psprintf("INSERT INTO trending.trend_state (%s) VALUES (%s) ON CONFLICT (trend_id) DO UPDATE SET %s",
                  columns.data, values.data, changes.data);
}

int64 shown(const pg_atomic_uint64* counter) {
  return static_cast<int64>(pg_atomic_read_u64(const_cast<pg_atomic_uint64*>(counter)));
}

}  // namespace

TrendRow trend_row_of(FollowedTrend* trend) {
  const Definition& definition = *trend->definition;
  const DefinitionOptions& options = definition.options;
  const Counters& counters = trend->writer.counters();
  TrendRow row = {};
  row.definition = fingerprint_text(definition.state);
  row.keeps_values = trend->keeps_values ? 1 : 0;
  row.clock = trend->writer.clock();
  row.watermark = trend->writer.watermark();
  row.final_until = trend->writer.final_until();
  row.reported_end = trend->writer.reported_end();
  row.clock_base = trend->idle_clock->base;
  row.clock_wall = trend->idle_clock->wall;
  row.events = static_cast<int64>(counters.events);
  row.late = static_cast<int64>(counters.late);
  row.out_of_range = static_cast<int64>(counters.out_of_range);
  row.unmatched = static_cast<int64>(counters.unmatched);
  row.refused = static_cast<int64>(counters.refused);
  row.ahead_rows = shown(&trend->shared->ahead);
  row.null_time = shown(&trend->shared->null_time);
  row.failed = shown(&trend->shared->failed);
  row.unretracted = shown(&trend->shared->unretracted);
  row.watermark_delay = options.watermark_delay;
  row.allowed_lateness = options.allowed_lateness;
  row.idle_timeout = options.idle_timeout;
  row.max_ahead = options.max_ahead;
  row.retention = options.retention;
  row.history_limit = options.history_limit;
  row.max_groups = options.max_groups;
  row.keep_late_events = options.keep_late_events ? 1 : 0;
  row.history_table = definition.history;
  row.late_table = definition.late;
  row.tables_known = trend->tables->known && trend->tables->latest_known ? 1 : 0;
  row.panes_sum = static_cast<int64>(trend->stored->panes_sum);
  return row;
}

int64 trend_row_checksum(int32 trend_id, const TrendRow& row, int64 beside) {
  Checksum checksum("trend_state");
  checksum.add(int64{trend_id}).add(row.definition, strlen(row.definition));
  for (const Field& field : kFields) checksum.add(row.*field.member);
  return checksum.add(beside).value();
}

int64 trend_row_write(int32 trend_id, const TrendRow& row, int64 beside) {
  static SpiStatement upsert = {nullptr};
  if (upsert.sql == nullptr) upsert.sql = MemoryContextStrdup(TopMemoryContext, make_upsert());
  const int64 checksum = trend_row_checksum(trend_id, row, beside);
  SpiValue values[lengthof(kFields) + kOthers];
  int count = 0;
  for (const Field& field : kFields) values[count++] = number(field.type, row.*field.member);
  values[count++] = spi_int4(trend_id);
  values[count++] = spi_text(row.definition);
  values[count++] = spi_int8(checksum);
  static_assert(lengthof(values) <= kMaxSpiValues);
  spi_run(&upsert, values, count);
  return checksum;
}

const char* trend_row_read(int32 trend_id, TrendRow* row, int64* checksum, bool* found) {
  static SpiStatement select = {"SELECT * FROM trending.trend_state WHERE trend_id = $1"};
  const uint64 rows = spi_run(&select, {spi_int4(trend_id)});
  *found = rows > 0;
  if (rows == 0) return nullptr;
  if (rows > 1) return "there are several rows of it in trend_state";
  const SpiRow stored(0);
  char* definition = nullptr;
  bool good = stored.read("definition", &definition) && stored.read("checksum", checksum);
  row->definition = definition;
  for (const Field& field : kFields) {
    good = good && stored.read_number(field.column, field.type, &(row->*field.member));
  }
  return good ? nullptr : "its row in trend_state has values that are missing or of another type";
}

bool trend_row_is_valid(const TrendRow& row) {
  // What was final stays so when the clock goes back, so their order says nothing.
  const bool good_times = row.clock < kEndTime && row.watermark < kEndTime && row.final_until < kEndTime &&
                          row.reported_end < kEndTime;
  const bool good_base =
      row.clock_base == kNoTime || (row.clock_base >= kMinTime && row.clock_base < kEndTime);
  const bool good_wall = row.clock_wall >= kMinTime && row.clock_wall < kEndTime;
  const bool good_options = row.watermark_delay >= 0 && row.allowed_lateness >= 0 && row.idle_timeout >= 0 &&
                            row.max_ahead >= 0 && row.max_groups > 0 && row.max_groups <= PG_INT32_MAX;
  return good_times && good_base && good_wall && good_options;
}

}  // namespace trending
