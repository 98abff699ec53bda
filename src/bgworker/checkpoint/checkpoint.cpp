// SPDX-License-Identifier: PostgreSQL
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
#include "bgworker/checkpoint/checkpoint.h"

#include <algorithm>

#include "bgworker/checkpoint/confirmation.h"
#include "bgworker/checkpoint/kept_clocks.h"
#include "bgworker/checkpoint/stored_trend.h"
#include "bgworker/checkpoint/varint.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/process/title.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/alerts.h"
#include "bgworker/results/history.h"
#include "bgworker/results/late_table.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/checksum.h"
#include "postgres/fault.h"
#include "postgres/guard.h"
#include "postgres/owned_table.h"
#include "postgres/spi.h"

namespace trending {

namespace {

constexpr int kSegmentBytes = 256 * 1024;
// A pane is written whole again when its deltas exceed this many times its whole size.
constexpr size_t kDeltaFactor = 2;

// --- writing ---

// Gathers cells and writes them as segments of one pane.
struct SegmentWriter {
  FollowedTrend* trend;
  Time pane_start;
  StoredPane* stored;
  StringInfoData data;
  size_t written;

  void flush() {
    if (data.len == VARHDRSZ) return;
    static SpiStatement insert = {
        "INSERT INTO trending.pane_state (trend_id, pane_start, segment, cells, checksum) VALUES ($1, $2, "
        "$3, $4, $5)"};
    const int32 segment = stored->segments++;
    const int64 checksum = segment_checksum(trend->id, pane_start, segment, data.data + VARHDRSZ,
                                            static_cast<size_t>(data.len - VARHDRSZ));
    SET_VARSIZE(data.data, data.len);
    spi_run(&insert, {spi_int4(trend->id), spi_int8(pane_start), spi_int4(segment),
                      SpiValue{BYTEAOID, PointerGetDatum(data.data)}, spi_int8(checksum)});
    stored->sum += spread(checksum);
    trend->stored->panes_sum += spread(checksum);
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
  SegmentWriter writer = {trend, pane_start, &trend->stored->panes[pane_start], {}, 0};
  initStringInfo(&writer.data);
  writer.data.len = VARHDRSZ;
  return writer;
}

void delete_pane(FollowedTrend* trend, Time pane_start, StoredPane* stored) {
  static SpiStatement deletion = {"DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start = $2"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(pane_start)});
  trend->stored->panes_sum -= stored->sum;
  *stored = StoredPane{};
}

size_t write_pane(FollowedTrend* trend, const PaneView& pane) {
  StoredPane& stored = trend->stored->panes[pane.span.start];
  bool whole = stored.segments == 0 || stored.delta_bytes > stored.whole_bytes * kDeltaFactor;
  if (whole && stored.segments > 0) delete_pane(trend, pane.span.start, &stored);
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
  const Time kept_from = trend->writer.kept_from();
  auto& panes = trend->stored->panes;
  if (panes.empty() || panes.begin()->first >= kept_from) return;
  static SpiStatement deletion = {"DELETE FROM trending.pane_state WHERE trend_id = $1 AND pane_start < $2"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(kept_from)});
  while (!panes.empty() && panes.begin()->first < kept_from) {
    trend->stored->panes_sum -= panes.begin()->second.sum;
    panes.erase(panes.begin());
  }
}

// Of a trend that is about to be refilled, what was harvested before. A state that is ahead of the position
// has windows of rows that are yet to be decoded: after a crash it is made again, and so are they.
bool has_history_to_write(const FollowedTrend* trend) {
  if (trend->fill.filter.active()) return false;
  if (trend->state == FillState::kRunning) return history_is_due(trend);
  return trend->state == FillState::kLoading && trend->fill.is_whole &&
         !trend->history->windows.items.empty();
}

// What is written to the tables of the trend's owner.
void write_tables(FollowedTrend* trend) {
  if (has_history_to_write(trend)) {
    if (trend->state == FillState::kRunning) history_harvest(trend);
    history_write(trend);
  }
  late_table_write(trend);
  alerts_write(trend);
}

size_t write_trend(FollowedTrend* trend) {
  working_for(trend->id, Work::kStoring);
  fault_point(FaultPoint::kCheckpoint, trend->id);
  if (!trend->stored->exists) delete_stored_trend(trend);
  size_t bytes = 0;
  write_tables(trend);
  trend->writer.for_each_pane([&](const PaneView& pane) {
    if (pane.dirty_cells > 0 || trend->stored->panes.count(pane.span.start) == 0)
      bytes += write_pane(trend, pane);
  });
  delete_gone_panes(trend);
  write_trend_row(trend);
  kept_clocks_forget(trend);
  return bytes;
}

// A trend whose filling is not settled, or which is to be refilled, is left out, and nothing may be stored
// of it: after a restart it is refilled. So is one with joined tables, whose rows and what was counted by them are in
// memory only.
bool is_storable(const FollowedTrend* trend) {
  return trend != nullptr && trend->joined == nullptr && trend->state == FillState::kRunning &&
         !trend->fill.filter.active() && !trend->fill.wanted;
}

// Of trends that were dropped.
void delete_forgotten_trends() {
  if (!worker->checkpoint.trends_forgotten) return;
  static SpiStatement deletions[] = {
#define TRENDING_DELETION(table)                                     \
  {"DELETE FROM trending." table                                     \
   " s WHERE NOT EXISTS (SELECT FROM trending.trend t WHERE t.id = " \
   "s.trend_id)"}
      TRENDING_DELETION("pane_state"),        TRENDING_DELETION("trend_source_table"),
      TRENDING_DELETION("trend_ahead_range"), TRENDING_DELETION("trend_state"),
      TRENDING_DELETION("waiting_window"),    TRENDING_DELETION("waiting_redo"),
      TRENDING_DELETION("waiting_late"),      TRENDING_DELETION("waiting_alert"),
      TRENDING_DELETION("waiting_count"),     TRENDING_DELETION("trend_start"),
      TRENDING_DELETION("trend_clock")};
#undef TRENDING_DELETION
  for (SpiStatement& deletion : deletions) spi_run(&deletion);
}

// Which trends are stored is tied to the position: a sum over the rows of checkpoint_trend.
uint64 tie(int32 trend_id, int64 state_checksum) {
  return spread(Checksum("checkpoint_trend").add(int64{trend_id}).add(state_checksum).value());
}

int64 checkpoint_checksum(XLogRecPtr position, int64 system, uint64 ties) {
  Checksum checksum("checkpoint");
  return checksum.add(static_cast<int64>(position)).add(system).add(static_cast<int64>(ties)).value();
}

bool is_stored(const FollowedTrend* trend) {
  return trend != nullptr && is_storable(trend) && (trend->stored->exists || trend->stored->included);
}

// Writes which trends are stored, with the checksums of their rows. Returns the sum of their ties.
uint64 write_stored_trends() {
  static SpiStatement deletion = {
      "DELETE FROM trending.checkpoint_trend WHERE trend_id OPERATOR(pg_catalog.<>) ALL ($1)"};
  static SpiStatement upsert = {
      "INSERT INTO trending.checkpoint_trend AS old (trend_id, state_checksum) SELECT s.id, s.checksum "
      "FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS s (id, checksum) ON CONFLICT "
      "(trend_id) DO UPDATE SET state_checksum = excluded.state_checksum WHERE old.state_checksum "
      "OPERATOR(pg_catalog.<>) excluded.state_checksum"};
  auto* ids = static_cast<int64*>(palloc(sizeof(int64) * (worker->trends.size() + 1)));
  auto* checksums = static_cast<int64*>(palloc(sizeof(int64) * (worker->trends.size() + 1)));
  int count = 0;
  uint64 ties = 0;
  for (const FollowedTrend* trend : worker->trends) {
    if (!is_stored(trend)) continue;
    ids[count] = trend->id;
    checksums[count++] = trend->stored->row_checksum;
    ties += tie(trend->id, trend->stored->row_checksum);
  }
  spi_run(&deletion, {spi_int8_array(ids, count)});
  spi_run(&upsert, {spi_int8_array(ids, count), spi_int8_array(checksums, count)});
  return ties;
}

void write_position(XLogRecPtr position) {
  static SpiStatement upsert = {
      "INSERT INTO trending.checkpoint (format, lsn, system_identifier, checksum) VALUES ($1, $2, $3, $4) "
      "ON CONFLICT (only_row) DO UPDATE SET format = excluded.format, lsn = excluded.lsn, "
      "system_identifier = excluded.system_identifier, checksum = excluded.checksum, "
      "written_at = pg_catalog.clock_timestamp()"};
  const uint64 ties = write_stored_trends();
  const auto system = static_cast<int64>(GetSystemIdentifier());
  spi_run(&upsert, {spi_int4(kStoredFormat), spi_lsn(position), spi_int8(system),
                    spi_int8(checkpoint_checksum(position, system, ties))});
}

// At once if nobody looks at them, which also does away with pages that cannot be read.
void empty_tables(std::initializer_list<const char*> tables) {
  bool locked = true;
  for (const char* table : tables) {
    const Oid relation = get_relname_relid(table, get_namespace_oid("trending", false));
    locked = locked && ConditionalLockRelationOid(relation, AccessExclusiveLock);
  }
  for (const char* table : tables) {
    const char* sql = psprintf(locked ? "TRUNCATE ONLY trending.%s" : "DELETE FROM ONLY trending.%s", table);
    if (SPI_execute(sql, false, 0) < 0) elog(ERROR, "could not empty trending.%s", table);
  }
}

void empty_state_tables() {
  empty_tables({"pane_state", "trend_source_table", "trend_ahead_range", "trend_state", "checkpoint_trend",
                "checkpoint"});
  for (FollowedTrend* trend : worker->trends) {
    if (trend != nullptr) forget_stored_trend(trend);
  }
}

bool needs_writing(const FollowedTrend* trend) {
  return is_storable(trend) &&
         (trend->dirty || trend->idle_clock->moved || !trend->stored->exists || late_table_is_due(trend) ||
          alerts_are_due(trend) || has_history_to_write(trend));
}

// Rows of a trend that is not storable. They come from before the position that is about to be stored and
// would not be met again, or, of closed windows, fill the memory. After a crash the trend is refilled, with
// the same effect on its history.
bool has_rows(const FollowedTrend* trend) {
  return trend->definition != nullptr && trend->state != FillState::kStopped &&
         (late_table_is_due(trend) || alerts_are_due(trend) || has_history_to_write(trend));
}

// Whether final windows are in memory only. Where the clocks stood may not be stored then: what they call final
// is not made again.
bool keeps_windows_back(const FollowedTrend* trend) {
  if (!trend->fill.is_whole) return false;        // they were deferred before it was filled
  if (trend->fill.filter.active()) return false;  // the clocks are those from before
  const bool written = trend->stored->rows_included && has_history_to_write(trend);
  return (!trend->history->windows.items.empty() && !written) ||
         (trend->writer.has_sessions() && trend->writer.has_pending_window());
}

size_t write_all(XLogRecPtr position) {
  size_t bytes = 0;
  sources_check_rights();
  SPI_connect();
  if (worker->checkpoint.tables_suspect) empty_state_tables();
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    trend->stored->rows_included = trend->stored->included = needs_writing(trend);
    if (trend->stored->included) {
      bytes += write_trend(trend);
      working_ended();
    } else if (!is_storable(trend)) {
      // What is stored of it belongs to an older position than the one that is about to be stored.
      delete_stored_trend(trend);
      trend->stored->rows_included = has_rows(trend);
      if (trend->stored->rows_included) write_tables(trend);
      if (!keeps_windows_back(trend)) kept_clocks_write(trend);
    }
  }
  delete_forgotten_trends();
  known_trends_write();
  write_position(position);
  SPI_finish();
  return bytes;
}

// What the failed transaction wrote is lost: every trend is written whole next time.
void forget_stored_state() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    forget_stored_trend(trend);
    trend->kept->known = false;
    trend->history->windows.deferred = true;
    trend->late->rows.deferred = true;
    trend->alerts->rows.deferred = true;
    trend->history->redo.done = false;
  }
}

void mark_written() {
  worker->checkpoint.tables_suspect = false;
  worker->checkpoint.trends_forgotten = false;
  known_trends_written();
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    if (trend->stored->rows_included) {
      late_table_written(trend);
      alerts_written(trend);
      if (!trend->fill.filter.active()) history_written(trend);
    }
    if (!trend->stored->included) continue;
    trend->writer.for_each_pane([&](const PaneView& pane) { trend->writer.mark_clean(pane.span.start); });
    trend->dirty = false;
    trend->idle_clock->moved = false;
    trend->stored->exists = true;
  }
}

}  // namespace

bool checkpoint_write() {
  TimestampTz started = GetCurrentTimestamp();
  XLogRecPtr position = worker->loop.position();
  size_t bytes = 0;
  longest_hold_us = 0;
  title_show("writing a checkpoint");
  ErrorData* error = worker_try([&] { bytes = write_all(position); });
  const int64 hold_us = longest_hold_us;
  longest_hold_us = -1;
  TimestampTz ended = GetCurrentTimestamp();
  worker->checkpoint.ended_at = ended;
  worker->checkpoint.due = false;
  if (error != nullptr) {
    forget_stored_state();
    worker->checkpoint.tables_suspect = !passes_by_itself(error->sqlerrcode);
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
  (void)pgstat_report_stat(true);  // a quiet database may have no other transaction for long
  worker->checkpoint.position = position;
  confirm_when_safe(position, XactLastCommitEnd);
  if (confirming_is_held_up()) {
    database_set_state(
        worker->entry, WorkerState::kRunning, "WAL is kept, since a standby is behind",
        "Results are current. See pg_replication_slots for the slots that "
        "synchronized_standby_slots names: their standbys have not received the last checkpoints.");
  } else if (worker->entry->message[0] != '\0') {
    database_set_state(worker->entry, WorkerState::kRunning, nullptr, nullptr);
  }
  pg_atomic_write_u64(&worker->entry->checkpoint_at, static_cast<uint64>(ended));
  pg_atomic_write_u64(&worker->entry->checkpoint_us, static_cast<uint64>(ended - started));
  pg_atomic_write_u64(&worker->entry->checkpoint_bytes, bytes);
  pg_atomic_write_u64(&worker->entry->checkpoint_hold_us, static_cast<uint64>(hold_us));
  return true;
}

namespace {

// Into worker->checkpoint.states.
const char* read_stored_trends(uint64* ties) {
  static SpiStatement select = {"SELECT trend_id, state_checksum FROM trending.checkpoint_trend"};
  const uint64 rows = spi_run(&select);
  *ties = 0;
  for (uint64 i = 0; i < rows; i++) {
    const SpiRow row(i);
    int32 id = 0;
    int64 checksum = 0;
    if (!row.read("trend_id", &id) || !row.read("state_checksum", &checksum)) {
      return "a row in trending.checkpoint_trend has values that are missing or of another type";
    }
    worker->checkpoint.states[id] = checksum;
    *ties += tie(id, checksum);
  }
  return nullptr;
}

// Null when the stored checkpoint is good, and when there is none: then the position is invalid.
const char* read_checkpoint(XLogRecPtr* position) {
  static SpiStatement select = {"SELECT * FROM trending.checkpoint"};
  const uint64 rows = spi_run(&select);
  if (rows == 0) return nullptr;
  if (rows > 1) return "there are several rows in trending.checkpoint";
  const SpiRow row(0);
  int32 format = 0;
  XLogRecPtr lsn = InvalidXLogRecPtr;
  int64 system = 0;
  int64 checksum = 0;
  if (!row.read("format", &format) || !row.read("lsn", &lsn) || !row.read("system_identifier", &system) ||
      !row.read("checksum", &checksum)) {
    return "the row in trending.checkpoint has values that are missing or of another type";
  }
  if (format != kStoredFormat) return "it was stored by another version of the extension";
  uint64 ties = 0;
  const char* wrong = read_stored_trends(&ties);
  if (wrong != nullptr) return wrong;
  if (checksum != checkpoint_checksum(lsn, system, ties)) {
    return "trending.checkpoint or checkpoint_trend: the checksum does not match";
  }
  if (static_cast<uint64>(system) != GetSystemIdentifier()) return "it is of another server";
  const XLogRecPtr end = RecoveryInProgress() ? GetXLogReplayRecPtr(nullptr) : GetXLogInsertRecPtr();
  if (lsn == InvalidXLogRecPtr || lsn > end) return "its position is not in the server's WAL";
  *position = lsn;
  return nullptr;
}

XLogRecPtr stored_position() {
  XLogRecPtr position = InvalidXLogRecPtr;
  worker->checkpoint.states.clear();
  SPI_connect();
  const char* wrong = read_checkpoint(&position);
  if (wrong != nullptr) {
    worker->checkpoint.states.clear();
    ereport(WARNING, (errmsg("the stored checkpoint of trending cannot be used: %s", wrong),
                      errdetail("All trends of database \"%s\" are refilled.", worker->database_name)));
  }
  SPI_finish();
  return position;
}

}  // namespace

XLogRecPtr checkpoint_position() {
  XLogRecPtr position = InvalidXLogRecPtr;
  ErrorData* error = worker_try([&] { position = stored_position(); });
  if (error == nullptr) return position;
  if (is_conflict(error)) ReThrowError(error);
  ereport(WARNING, (errmsg("the stored checkpoint of trending cannot be read: %s", error->message),
                    errdetail("All trends of database \"%s\" are refilled.", worker->database_name)));
  worker->checkpoint.tables_suspect = true;
  FreeErrorData(error);
  return InvalidXLogRecPtr;
}

void checkpoint_discard() {
  worker_begin();
  SPI_connect();
  empty_state_tables();
  SPI_finish();
  worker_commit();
}

}  // namespace trending
