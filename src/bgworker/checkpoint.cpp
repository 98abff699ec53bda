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

#include "bgworker/blame.h"
#include "bgworker/source_changes.h"
#include "bgworker/stored_trend.h"
#include "bgworker/varint.h"
#include "bgworker/worker.h"
#include "postgres/fault.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr int kSegmentBytes = 256 * 1024;
// A pane is written whole again when its deltas exceed this many times its whole size.
constexpr size_t kDeltaFactor = 2;

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
    execute_stored(
        "INSERT INTO trending.pane_state (trend_id, pane_start, segment, cells) VALUES ($1, $2, $3, $4)", 4,
        kPaneTypes, values);
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
  execute_stored("DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start = $2", 2, kPaneTypes,
                 values);
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
  execute_stored("DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start < $2", 2, kPaneTypes,
                 values);
}

void delete_trend(int32 trend_id) {
  Datum value = Int32GetDatum(trend_id);
  execute_stored("DELETE FROM trending.pane_state WHERE trend_id = $1", 1, kPaneTypes, &value);
  execute_stored("DELETE FROM trending.trend_state WHERE trend_id = $1", 1, kPaneTypes, &value);
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
  working_for(trend->id, Work::kStoring);
  fault_point(FaultPoint::kCheckpoint, trend->id);
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

// A trend whose filling is not settled, or which is to be filled anew, is left out, and nothing may be stored
// of it: after a restart it is filled anew.
bool is_storable(const FollowedTrend* trend) {
  return trend != nullptr && trend->state == FillState::kRunning && !trend->filter.active() && !trend->refill;
}

void delete_forgotten_trends() {
  for (const char* table :
       {"pane_state", "trend_state", "waiting_window", "waiting_redo", "waiting_late", "waiting_alert", "trend_start"}) {
    execute_stored(
        psprintf("DELETE FROM trending.%s s WHERE NOT EXISTS (SELECT FROM trending.trend t WHERE t.id = "
                 "s.trend_id)",
                 table),
        0, nullptr, nullptr);
  }
}

void write_position(XLogRecPtr position) {
  constexpr Oid types[] = {LSNOID, INT8OID};
  Datum values[] = {LSNGetDatum(position), Int64GetDatum(static_cast<int64>(GetSystemIdentifier()))};
  execute_stored(
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
      working_ended();
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
    if (strcmp(worker->entry->detail, error->message) != 0) {
      ereport(WARNING, (errmsg("trending could not write a checkpoint: %s", error->message)));
    }
    database_set_state(worker->entry, WorkerState::kRunning, "the last checkpoint failed",
                       "Results are current; WAL is kept until a checkpoint succeeds.", error->message);
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

void checkpoint_discard() {
  worker_begin();
  SPI_connect();
  execute_stored("DELETE FROM trending.pane_state", 0, nullptr, nullptr);
  execute_stored("DELETE FROM trending.trend_state", 0, nullptr, nullptr);
  execute_stored("DELETE FROM trending.checkpoint", 0, nullptr, nullptr);
  SPI_finish();
  worker_commit();
}

}  // namespace trending
