// Checkpoints: the state of all trends and the WAL position, committed in one ordinary transaction.
//
// Ordinary tables make the state crash-safe, replicated to standbys and part of base backups for free. Only
// cells that changed since the last checkpoint are written, as a delta of their pane; when a pane's deltas
// outgrow what it holds it is written whole again. A cell stands for itself (key and absolute state), so
// reading the segments of a pane in order, the last one wins, gives the pane back. The worker alone changes
// state, and it is the one that writes checkpoints, so no reader is held up.
//
// The slot is confirmed only after the transaction's commit has been flushed: after a crash the stored
// position is never behind the slot's, and transactions committed before it are skipped.
#include <algorithm>

#include "bgworker/source_changes.h"
#include "bgworker/varint.h"
#include "bgworker/worker.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr int kSegmentBytes = 256 * 1024;
// A pane is written whole again when its deltas exceed this many times its whole size.
constexpr size_t kDeltaFactor = 2;

// Counters of a trend in trend_state.counters, in the order of counters_datum().
constexpr int kStoredCounters = 9;
// trend_state.options: options and tables, then the watermark and what is final.
constexpr int kStoredOptions = 12;

void execute(const char* sql, int count, const Oid* types, const Datum* values) {
  int result = SPI_execute_with_args(sql, count, const_cast<Oid*>(types), const_cast<Datum*>(values), nullptr,
                                     false, 0);
  if (result < 0) elog(ERROR, "checkpoint statement failed: %s", SPI_result_code_string(result));
}

// Values of statements that are all about (trend, pane start, ...).
constexpr Oid kPaneTypes[] = {INT4OID, INT8OID, INT4OID, BYTEAOID};

// -- writing
// ----------------------------------------------------------------------------------------------------

// Gathers cells and writes them as segments of one pane.
struct SegmentWriter {
  FollowedTrend* trend;
  Time pane_start;
  StoredPane* stored;
  StringInfoData data;
  size_t written;

  void flush() {
    if (data.len == VARHDRSZ) return;
    SET_VARSIZE(data.data, data.len);
    Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(pane_start), Int32GetDatum(stored->segments++),
                      PointerGetDatum(data.data)};
    execute("INSERT INTO trending.pane_state (trend_id, pane_start, segment, cells) VALUES ($1, $2, $3, $4)",
            4, kPaneTypes, values);
    written += static_cast<size_t>(data.len);
    data.len = VARHDRSZ;
    CHECK_FOR_INTERRUPTS();
  }

  void add(const CellView& cell) {
    varint_append(&data, cell.key.size);
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(cell.key.data),
                           static_cast<int>(cell.key.size));
    varint_append(&data, uint64_t{cell.state_size} << 1 | cell.store);
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(cell.state),
                           static_cast<int>(cell.state_size));
    if (data.len > kSegmentBytes) flush();
  }
};

SegmentWriter segment_writer(FollowedTrend* trend, Time pane_start) {
  SegmentWriter writer = {trend, pane_start, &trend->stored_panes[pane_start], {}, 0};
  initStringInfo(&writer.data);
  writer.data.len = VARHDRSZ;
  return writer;
}

void delete_pane(FollowedTrend* trend, Time pane_start) {
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(pane_start)};
  execute("DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start = $2", 2, kPaneTypes, values);
}

size_t write_pane(FollowedTrend* trend, const PaneView& pane) {
  StoredPane& stored = trend->stored_panes[pane.span.start];
  bool whole = stored.segments == 0 || stored.delta_bytes > stored.whole_bytes * kDeltaFactor;
  if (whole && stored.segments > 0) {
    delete_pane(trend, pane.span.start);
    stored = StoredPane{};
  }
  SegmentWriter writer = segment_writer(trend, pane.span.start);
  auto add = [&writer](const CellView& cell) { writer.add(cell); };
  Status status = whole ? trend->writer.for_each_cell(pane.span.start, add)
                        : trend->writer.for_each_dirty_cell(pane.span.start, add);
  if (status != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for a checkpoint")));
  }
  writer.flush();
  pfree(writer.data.data);
  (whole ? stored.whole_bytes : stored.delta_bytes) += writer.written;
  return writer.written;
}

void delete_gone_panes(FollowedTrend* trend) {
  auto kept = trend->stored_panes.lower_bound(trend->writer.kept_from());
  if (kept == trend->stored_panes.begin()) return;
  trend->stored_panes.erase(trend->stored_panes.begin(), kept);
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(trend->writer.kept_from())};
  execute("DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start < $2", 2, kPaneTypes, values);
}

void delete_trend(int32 trend_id) {
  Datum value = Int32GetDatum(trend_id);
  execute("DELETE FROM trending.pane_state WHERE trend_id = $1", 1, kPaneTypes, &value);
  execute("DELETE FROM trending.trend_state WHERE trend_id = $1", 1, kPaneTypes, &value);
}

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

void write_trend_row(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, TEXTOID, INT8OID, INT8OID,      INT8ARRAYOID,
                           INT8OID, INT8OID, BOOLOID, INT8ARRAYOID, INT8ARRAYOID};
  Datum values[] = {Int32GetDatum(trend->id),
                    CStringGetTextDatum(trend->definition->text),
                    Int64GetDatum(trend->writer.clock()),
                    Int64GetDatum(trend->writer.reported_end()),
                    counters_datum(trend),
                    Int64GetDatum(trend->clock_base),
                    Int64GetDatum(trend->clock_wall),
                    BoolGetDatum(trend->retractable),
                    options_datum(trend),
                    ahead_datum(trend)};
  execute(
      "INSERT INTO trending.trend_state (trend_id, definition, clock, reported_end, counters, clock_base, "
      "clock_wall, retractable, options, ahead) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (trend_id) DO UPDATE SET definition = "
      "excluded.definition, "
      "clock = excluded.clock, reported_end = excluded.reported_end, counters = excluded.counters, "
      "clock_base = excluded.clock_base, clock_wall = excluded.clock_wall, retractable = "
      "excluded.retractable, options = excluded.options, ahead = excluded.ahead",
      10, types, values);
}

bool has_history_to_write(const FollowedTrend* trend) {
  return trend->state == FillState::kRunning && history_is_due(trend);
}

// What is written to the tables of the trend's owner.
void write_tables(FollowedTrend* trend) {
  if (has_history_to_write(trend)) {
    history_take(trend);
    history_write(trend);
  }
  late_write(trend);
  alerts_write(trend);
}

size_t write_trend(FollowedTrend* trend) {
  if (!trend->stored) delete_trend(trend->id);
  size_t bytes = 0;
  write_tables(trend);
  trend->writer.for_each_pane([&](const PaneView& pane) {
    if (pane.dirty_cells > 0 || trend->stored_panes.count(pane.span.start) == 0)
      bytes += write_pane(trend, pane);
  });
  delete_gone_panes(trend);
  write_trend_row(trend);
  return bytes;
}

// A trend whose filling is not settled is left out, and nothing may be stored of it: after a restart it is
// filled anew.
bool is_storable(const FollowedTrend* trend) {
  return trend != nullptr && trend->state == FillState::kRunning && !trend->filter.active() && !trend->refill;
}

void delete_forgotten_trends() {
  for (const char* table :
       {"pane_state", "trend_state", "waiting_window", "waiting_redo", "waiting_late", "waiting_alert"}) {
    execute(psprintf("DELETE FROM trending.%s s WHERE NOT EXISTS (SELECT FROM trending.trend t WHERE t.id = "
                     "s.trend_id)",
                     table),
            0, nullptr, nullptr);
  }
}

void write_position(XLogRecPtr position) {
  constexpr Oid types[] = {LSNOID, INT8OID};
  Datum values[] = {LSNGetDatum(position), Int64GetDatum(static_cast<int64>(GetSystemIdentifier()))};
  execute(
      "INSERT INTO trending.checkpoint (lsn, system_identifier) VALUES ($1, $2) "
      "ON CONFLICT (only_row) DO UPDATE SET lsn = excluded.lsn, system_identifier = "
      "excluded.system_identifier, "
      "written_at = pg_catalog.clock_timestamp()",
      2, types, values);
}

void confirm_slot(XLogRecPtr position) {
  LogicalConfirmReceivedLocation(position);
  ReplicationSlotMarkDirty();
  worker->confirmed = position;
  pg_atomic_write_u64(&worker->entry->confirmed_lsn, position);
}

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

// Restores within a transaction. Reading is under the trend's lock in name only: readers are kept out by its
// phase.
bool restore_state(FollowedTrend* trend) {
  Oid type = INT4OID;
  Datum value = Int32GetDatum(trend->id);
  int result = SPI_execute_with_args(
      "SELECT definition, clock, reported_end, counters, clock_base, clock_wall, retractable, options, ahead "
      "FROM "
      "trending.trend_state WHERE trend_id = $1",
      1, &type, &value, nullptr, true, 1);
  if (result != SPI_OK_SELECT) elog(ERROR, "could not read trending.trend_state");
  if (SPI_processed == 0) return false;
  HeapTuple tuple = SPI_tuptable->vals[0];
  TupleDesc descriptor = SPI_tuptable->tupdesc;
  bool isnull = false;
  char* definition = TextDatumGetCString(SPI_getbinval(tuple, descriptor, 1, &isnull));
  bool retractable = DatumGetBool(SPI_getbinval(tuple, descriptor, 7, &isnull));
  if (strcmp(definition, trend->definition->text) != 0 || retractable != trend->retractable) return false;
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
  trend->stored = true;
  history_restore(trend);
  return true;
}

}  // namespace

namespace {

bool needs_writing(const FollowedTrend* trend) {
  return is_storable(trend) && (trend->dirty || trend->clock_moved || !trend->stored || late_is_due(trend) ||
                                alerts_are_due(trend) || has_history_to_write(trend));
}

// Rows of a trend that is not storable. They come from before the position that is about to be stored and
// would not be met again, or, of closed windows, fill the memory; what a crash makes of those is what filling
// a trend anew makes of its history.
bool has_rows(const FollowedTrend* trend) {
  return trend->definition != nullptr && trend->state != FillState::kStopped &&
         (late_is_due(trend) || alerts_are_due(trend) || has_history_to_write(trend));
}

size_t write_transaction(XLogRecPtr position) {
  size_t bytes = 0;
  worker_begin();
  sources_check_rights();
  SPI_connect();
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    trend->rows_taken_along = trend->taken_along = needs_writing(trend);
    if (trend->taken_along) {
      bytes += write_trend(trend);
    } else if (!is_storable(trend)) {
      // What is stored of it belongs to an older position than the one that is about to be stored.
      delete_trend(trend->id);
      trend->rows_taken_along = has_rows(trend);
      if (trend->rows_taken_along) write_tables(trend);
    }
  }
  delete_forgotten_trends();
  write_position(position);
  SPI_finish();
  worker_commit();
  return bytes;
}

// What the failed transaction wrote is gone: every trend is written whole next time.
void forget_stored_state() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    trend->stored = false;
    trend->stored_panes.clear();
    trend->waits = true;
    trend->late_waits = true;
    trend->alerts_wait = true;
    trend->redo_done = false;
  }
}

void mark_written() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    if (trend->rows_taken_along) {
      late_written(trend);
      alerts_written(trend);
      history_written(trend);
    }
    if (!trend->taken_along) continue;
    trend->writer.for_each_pane([&](const PaneView& pane) { trend->writer.mark_clean(pane.span.start); });
    trend->dirty = false;
    trend->clock_moved = false;
    trend->stored = true;
  }
}

}  // namespace

bool checkpoint_write() {
  TimestampTz started = GetCurrentTimestamp();
  XLogRecPtr position = worker->loop.position();
  volatile size_t bytes = 0;
  longest_hold_us = 0;
  ErrorData* volatile error = nullptr;
  PG_TRY();
  { bytes = write_transaction(position); }
  PG_CATCH();
  { error = worker_abort(); }
  PG_END_TRY();
  TimestampTz ended = GetCurrentTimestamp();
  worker->last_checkpoint = ended;
  worker->checkpoint_due = false;
  if (error != nullptr) {
    forget_stored_state();
    // The state in memory is whole and goes on; the slot keeps the WAL since the last good checkpoint.
    char message[kMessageSize];
    snprintf(message, sizeof(message), "the last checkpoint failed: %.200s", error->message);
    if (strcmp(worker->entry->message, message) != 0) {
      ereport(WARNING, (errmsg("trending could not write a checkpoint: %s", error->message)));
    }
    database_set_state(worker->entry, WorkerState::kRunning, message,
                       "Results are current; WAL is kept until a checkpoint succeeds.");
    FreeErrorData(error);
    return false;
  }
  // Committed and flushed: from here on this is what a restart begins with.
  mark_written();
  confirm_slot(position);
  if (worker->entry->message[0] != '\0')
    database_set_state(worker->entry, WorkerState::kRunning, nullptr, nullptr);
  pg_atomic_write_u64(&worker->entry->checkpoint_at, static_cast<uint64>(ended));
  pg_atomic_write_u64(&worker->entry->checkpoint_us, static_cast<uint64>(ended - started));
  pg_atomic_write_u64(&worker->entry->checkpoint_bytes, bytes);
  pg_atomic_write_u64(&worker->entry->checkpoint_hold_us, static_cast<uint64>(longest_hold_us));
  return true;
}

XLogRecPtr checkpoint_position() {
  XLogRecPtr position = InvalidXLogRecPtr;
  worker_begin();
  SPI_connect();
  if (SPI_execute("SELECT lsn, system_identifier FROM trending.checkpoint", true, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not read trending.checkpoint");
  }
  if (SPI_processed == 1) {
    bool isnull = false;
    Datum lsn = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
    Datum system = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
    if (static_cast<uint64>(DatumGetInt64(system)) == GetSystemIdentifier()) position = DatumGetLSN(lsn);
  }
  SPI_finish();
  worker_commit();
  return position;
}

bool checkpoint_restore(FollowedTrend* trend) {
  worker_begin();
  SPI_connect();
  bool restored = restore_state(trend);
  SPI_finish();
  worker_commit();
  if (!restored) trend_reset_state(trend);
  return restored;
}

void checkpoint_discard() {
  worker_begin();
  SPI_connect();
  execute("DELETE FROM trending.pane_state", 0, nullptr, nullptr);
  execute("DELETE FROM trending.trend_state", 0, nullptr, nullptr);
  execute("DELETE FROM trending.checkpoint", 0, nullptr, nullptr);
  SPI_finish();
  worker_commit();
}

}  // namespace trending
