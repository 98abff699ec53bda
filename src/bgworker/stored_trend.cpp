// What the checkpoint tables hold of one trend: its row in trending.trend_state, and reading it all back.
#include "bgworker/stored_trend.h"

#include "bgworker/varint.h"
#include "bgworker/worker.h"
#include "postgres/guard.h"

namespace trending {

void execute_stored(const char* sql, int count, const Oid* types, const Datum* values, const char* nulls) {
  int result =
      SPI_execute_with_args(sql, count, const_cast<Oid*>(types), const_cast<Datum*>(values), nulls, false, 0);
  if (result < 0) elog(ERROR, "checkpoint statement failed: %s", SPI_result_code_string(result));
}

namespace {

// Counters of a trend in trend_state.counters, in the order of counters_datum().
constexpr int kStoredCounters = 9;
// trend_state.options: options and tables, then the watermark and what is final.
constexpr int kStoredOptions = 12;
// Numbers of a table in trend_state.tables, in the order of tables_datum().
constexpr int kStoredTable = 5;

Datum counters_datum(FollowedTrend* trend) {
  const Counters& counters = trend->writer.counters();
  Datum values[] = {Int64GetDatum(static_cast<int64>(counters.events)),
                    Int64GetDatum(static_cast<int64>(counters.late)),
                    Int64GetDatum(static_cast<int64>(counters.out_of_range)),
                    Int64GetDatum(static_cast<int64>(counters.unmatched)),
                    Int64GetDatum(static_cast<int64>(counters.refused)),
                    Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&trend->shared->ahead))),
                    Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&trend->shared->null_time))),
                    Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&trend->shared->failed))),
                    Int64GetDatum(static_cast<int64>(pg_atomic_read_u64(&trend->shared->unretracted)))};
  static_assert(lengthof(values) == kStoredCounters);
  return PointerGetDatum(construct_array(values, kStoredCounters, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

// The options as they are at the position, in the order of restore_options().
Datum options_datum(const FollowedTrend* trend) {
  const Definition& definition = *trend->definition;
  const DefinitionOptions& options = definition.options;
  Datum values[] = {Int64GetDatum(options.watermark_delay),   Int64GetDatum(options.allowed_lateness),
                    Int64GetDatum(options.idle_timeout),      Int64GetDatum(options.max_ahead),
                    Int64GetDatum(options.retention),         Int64GetDatum(options.history_limit),
                    Int64GetDatum(options.max_groups),        Int64GetDatum(options.keep_late_events ? 1 : 0),
                    Int64GetDatum(definition.history),        Int64GetDatum(definition.late),
                    Int64GetDatum(trend->writer.watermark()), Int64GetDatum(trend->writer.final_until())};
  static_assert(lengthof(values) == kStoredOptions);
  return PointerGetDatum(construct_array(values, kStoredOptions, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

// First and last of each range. What windows that are final have been is forgotten on the way.
Datum ahead_datum(FollowedTrend* trend) {
  trend->ahead.forget_before(trend->writer.concerned_from());
  const auto& ranges = trend->ahead.ranges();
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * (2 * ranges.size() + 1)));
  int count = 0;
  for (const auto& [first, last] : ranges) {
    values[count++] = Int64GetDatum(first);
    values[count++] = Int64GetDatum(last);
  }
  return PointerGetDatum(construct_array(values, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

// The tables that the source consists of at the position, and how late their rows are; NULL: not known.
Datum tables_datum(const FollowedTrend* trend, bool* isnull) {
  *isnull = !trend->tables_known || !trend->latest_known;
  if (*isnull) return Datum{0};
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * (trend->tables.size() * kStoredTable + 1)));
  int count = 0;
  for (const auto& [oid, table] : trend->tables) {
    values[count++] = Int64GetDatum(oid);
    values[count++] = Int64GetDatum(table.listed ? 1 : 0);
    values[count++] = Int64GetDatum(table.latest);
    values[count++] = Int64GetDatum(static_cast<int64>(table.surveyed));
    values[count++] = Int64GetDatum(table.filenode);
  }
  return PointerGetDatum(construct_array(values, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

// Which definition a state is of: only the very same goes on with it.
Datum state_of(const FollowedTrend* trend) {
  const Fingerprint& state = trend->definition->state;
  auto* value = static_cast<bytea*>(palloc(VARHDRSZ + sizeof(state.bytes)));
  SET_VARSIZE(value, VARHDRSZ + sizeof(state.bytes));
  memcpy(VARDATA(value), state.bytes, sizeof(state.bytes));
  return PointerGetDatum(value);
}

bool is_state_of(const FollowedTrend* trend, const bytea* stored) {
  const Fingerprint& state = trend->definition->state;
  return VARSIZE_ANY_EXHDR(stored) == sizeof(state.bytes) &&
         memcmp(VARDATA_ANY(stored), state.bytes, sizeof(state.bytes)) == 0;
}

}  // namespace

void write_trend_row(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, BYTEAOID, INT8OID,      INT8OID,      INT8ARRAYOID, INT8OID,
                           INT8OID, BOOLOID,  INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID};
  bool unknown = false;
  Datum tables = tables_datum(trend, &unknown);
  Datum values[] = {Int32GetDatum(trend->id),
                    state_of(trend),
                    Int64GetDatum(trend->writer.clock()),
                    Int64GetDatum(trend->writer.reported_end()),
                    counters_datum(trend),
                    Int64GetDatum(trend->clock_base),
                    Int64GetDatum(trend->clock_wall),
                    BoolGetDatum(trend->retractable),
                    options_datum(trend),
                    ahead_datum(trend),
                    tables};
  execute_stored(
      "INSERT INTO trending.trend_state (trend_id, definition, clock, reported_end, counters, clock_base, "
      "clock_wall, retractable, options, ahead, tables) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (trend_id) DO UPDATE SET "
      "definition = excluded.definition, clock = excluded.clock, reported_end = excluded.reported_end, "
      "counters = excluded.counters, "
      "clock_base = excluded.clock_base, clock_wall = excluded.clock_wall, retractable = "
      "excluded.retractable, options = excluded.options, ahead = excluded.ahead, tables = excluded.tables",
      11, types, values, unknown ? "          n" : nullptr);
}

namespace {

// -- reading
// ----------------------------------------------------------------------------------------------------

bool restore_cells(FollowedTrend* trend, Time pane_start, const char* data, size_t size) {
  const char* position = data;
  const char* end = data + size;
  while (position < end) {
    uint64_t key_size = 0;
    if (!varint_read(&position, end, &key_size) || key_size > static_cast<size_t>(end - position))
      return false;
    KeyView key{reinterpret_cast<const std::byte*>(position), static_cast<uint32_t>(key_size)};
    position += key_size;
    uint64_t head = 0;
    if (!varint_read(&position, end, &head) || head >> 1 > static_cast<size_t>(end - position)) return false;
    const auto* state = reinterpret_cast<const std::byte*>(position);
    const auto state_size = static_cast<uint32_t>(head >> 1);
    position += state_size;
    Status status =
        trend->writer.restore_cell(pane_start, static_cast<uint8_t>(head & 1), key, state, state_size);
    if (status != Status::kOk) return false;
  }
  return true;
}

bool restore_panes(FollowedTrend* trend) {
  Datum value = Int32GetDatum(trend->id);
  Oid type = INT4OID;
  SPIPlanPtr plan = SPI_prepare_cursor(
      "SELECT pane_start, segment, cells FROM trending.pane_state WHERE trend_id = $1 ORDER BY pane_start, "
      "segment",
      1, &type, 0);
  if (plan == nullptr) elog(ERROR, "could not read the stored panes");
  Portal cursor = SPI_cursor_open(nullptr, plan, &value, nullptr, true);
  bool good = true;
  for (;;) {
    SPI_cursor_fetch(cursor, true, 16);
    if (SPI_processed == 0 || !good) break;
    for (uint64 row = 0; row < SPI_processed && good; row++) {
      bool isnull = false;
      HeapTuple tuple = SPI_tuptable->vals[row];
      TupleDesc descriptor = SPI_tuptable->tupdesc;
      Time pane_start = DatumGetInt64(SPI_getbinval(tuple, descriptor, 1, &isnull));
      bytea* cells = DatumGetByteaP(SPI_getbinval(tuple, descriptor, 3, &isnull));
      size_t size = VARSIZE(cells) - VARHDRSZ;
      good = restore_cells(trend, pane_start, VARDATA(cells), size);
      StoredPane& stored = trend->stored_panes[pane_start];
      (stored.segments == 0 ? stored.whole_bytes : stored.delta_bytes) += size;
      stored.segments = DatumGetInt32(SPI_getbinval(tuple, descriptor, 2, &isnull)) + 1;
      CHECK_FOR_INTERRUPTS();
    }
    SPI_freetuptable(SPI_tuptable);
  }
  SPI_cursor_close(cursor);
  return good;
}

void restore_counters(FollowedTrend* trend, ArrayType* array) {
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &values, nullptr, &count);
  if (count != kStoredCounters) return;
  auto value = [values](int i) { return static_cast<uint64_t>(DatumGetInt64(values[i])); };
  Counters counters;
  counters.events = value(0);
  counters.late = value(1);
  counters.out_of_range = value(2);
  counters.unmatched = value(3);
  counters.refused = value(4);
  trend->writer.restore_counters(counters);
  pg_atomic_write_u64(&trend->shared->ahead, value(5));
  pg_atomic_write_u64(&trend->shared->null_time, value(6));
  pg_atomic_write_u64(&trend->shared->failed, value(7));
  pg_atomic_write_u64(&trend->shared->unretracted, value(8));
}

void restore_ahead(FollowedTrend* trend, ArrayType* array) {
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &values, nullptr, &count);
  for (int i = 0; i + 1 < count; i += 2) {
    trend->ahead.restore_range(DatumGetInt64(values[i]), DatumGetInt64(values[i + 1]));
  }
}

// Goes on under the options that were in force at the position, which are not those of today where a later
// transaction altered them. A table that was dropped since is not written any more.
bool restore_options(FollowedTrend* trend, ArrayType* array, Time clock, Time reported_end) {
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &values, nullptr, &count);
  if (count != kStoredOptions) return false;
  auto table = [values](int i) {
    Oid oid = static_cast<Oid>(DatumGetInt64(values[i]));
    return OidIsValid(oid) && get_rel_name(oid) != nullptr ? oid : InvalidOid;
  };
  Definition* definition = trend->definition;
  DefinitionOptions& options = definition->options;
  options.watermark_delay = DatumGetInt64(values[0]);
  options.allowed_lateness = DatumGetInt64(values[1]);
  options.idle_timeout = DatumGetInt64(values[2]);
  options.max_ahead = DatumGetInt64(values[3]);
  options.retention = DatumGetInt64(values[4]);
  options.history_limit = DatumGetInt64(values[5]);
  options.max_groups = static_cast<int32>(DatumGetInt64(values[6]));
  options.keep_late_events = DatumGetInt64(values[7]) != 0;
  definition->history = table(8);
  definition->late = table(9);
  if (!trend->writer.alter(tuning_of(*definition))) return false;
  if (trend->writer.restore_clock(clock, reported_end) != Status::kOk) return false;
  trend->writer.restore_horizon(DatumGetInt64(values[10]), DatumGetInt64(values[11]));
  return true;
}

// Without them the tables are looked up when something of the source changes, and whatever goes from it fills
// the trend anew.
void restore_tables(FollowedTrend* trend, ArrayType* array) {
  Datum* values = nullptr;
  int count = 0;
  deconstruct_array(array, INT8OID, 8, true, TYPALIGN_DOUBLE, &values, nullptr, &count);
  for (int i = 0; i + kStoredTable <= count; i += kStoredTable) {
    SourceTable& table = trend->tables[static_cast<Oid>(DatumGetInt64(values[i]))];
    table.listed = DatumGetInt64(values[i + 1]) != 0;
    table.latest = DatumGetInt64(values[i + 2]);
    table.surveyed = static_cast<XLogRecPtr>(DatumGetInt64(values[i + 3]));
    table.filenode = static_cast<Oid>(DatumGetInt64(values[i + 4]));
  }
  trend->tables_known = trend->latest_known = true;
}

// Restores within a transaction. Reading is under the trend's lock in name only: readers are kept out by its
// phase.
bool restore_state(FollowedTrend* trend) {
  Oid type = INT4OID;
  Datum value = Int32GetDatum(trend->id);
  int result = SPI_execute_with_args(
      "SELECT definition, clock, reported_end, counters, clock_base, clock_wall, retractable, options, "
      "ahead, "
      "tables FROM trending.trend_state WHERE trend_id = $1",
      1, &type, &value, nullptr, true, 1);
  if (result != SPI_OK_SELECT) elog(ERROR, "could not read trending.trend_state");
  if (SPI_processed == 0) return false;
  HeapTuple tuple = SPI_tuptable->vals[0];
  TupleDesc descriptor = SPI_tuptable->tupdesc;
  bool isnull = false;
  bytea* definition = DatumGetByteaPP(SPI_getbinval(tuple, descriptor, 1, &isnull));
  bool retractable = DatumGetBool(SPI_getbinval(tuple, descriptor, 7, &isnull));
  if (!is_state_of(trend, definition) || retractable != trend->retractable) return false;
  Time clock = DatumGetInt64(SPI_getbinval(tuple, descriptor, 2, &isnull));
  Time reported_end = DatumGetInt64(SPI_getbinval(tuple, descriptor, 3, &isnull));
  Datum options = SPI_getbinval(tuple, descriptor, 8, &isnull);
  if (!restore_options(trend, DatumGetArrayTypeP(options), clock, reported_end)) return false;
  Datum counters = SPI_getbinval(tuple, descriptor, 4, &isnull);
  Time clock_base = DatumGetInt64(SPI_getbinval(tuple, descriptor, 5, &isnull));
  TimestampTz clock_wall = DatumGetInt64(SPI_getbinval(tuple, descriptor, 6, &isnull));
  if (!restore_panes(trend)) return false;
  restore_counters(trend, DatumGetArrayTypeP(counters));
  restore_ahead(trend, DatumGetArrayTypeP(SPI_getbinval(tuple, descriptor, 9, &isnull)));
  trend->clock_base = clock_base;
  trend->clock_wall = clock_wall;
  Datum tables = SPI_getbinval(tuple, descriptor, 10, &isnull);
  if (!isnull) restore_tables(trend, DatumGetArrayTypeP(tables));
  trend->stored = true;
  history_restore(trend);
  return true;
}

}  // namespace

bool checkpoint_restore(FollowedTrend* trend) {
  worker_begin();
  SPI_connect();
  bool restored = restore_state(trend);
  SPI_finish();
  worker_commit();
  if (!restored) (void)trend_reset_state(trend);
  return restored;
}

}  // namespace trending
