// SPDX-License-Identifier: PostgreSQL
// What the checkpoint tables hold of one trend: writing all but its panes, and reading it all back.
//
// Reading takes nothing for granted: see trend_row.h and checksum.h. What is read goes into a state just
// made, and is installed when all of it is good; otherwise the trend is as if nothing had been stored, and is
// refilled.
#include "bgworker/checkpoint/stored_trend.h"

#include "bgworker/checkpoint/checkpoint.h"
#include "bgworker/checkpoint/source_rows.h"
#include "bgworker/checkpoint/trend_row.h"
#include "bgworker/checkpoint/varint.h"
#include "bgworker/intake/ahead_times.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/results/history.h"
#include "bgworker/results/redo.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "postgres/guard.h"

namespace trending {

int64 segment_checksum(int32 trend_id, Time pane_start, int32 segment, const void* cells, size_t size) {
  return Checksum("pane_state")
      .add(int64{trend_id})
      .add(pane_start)
      .add(int64{segment})
      .add(cells, size)
      .value();
}

void write_trend_row(FollowedTrend* trend) {
  const int64 source = write_source_rows(trend);
  trend->stored->row_checksum = trend_row_write(trend->id, trend_row_of(trend), source);
}

void delete_stored_trend(FollowedTrend* trend) {
  static SpiStatement deletions[] = {{"DELETE FROM trending.pane_state WHERE trend_id = $1"},
                                     {"DELETE FROM trending.trend_source_table WHERE trend_id = $1"},
                                     {"DELETE FROM trending.trend_ahead_range WHERE trend_id = $1"},
                                     {"DELETE FROM trending.trend_state WHERE trend_id = $1"}};
  for (SpiStatement& deletion : deletions) spi_run(&deletion, {spi_int4(trend->id)});
  forget_stored_trend(trend);
}

void forget_stored_trend(FollowedTrend* trend) {
  trend->stored->exists = false;
  trend->stored->panes.clear();
  trend->stored->tables.clear();
  trend->stored->ahead.clear();
  trend->stored->panes_sum = 0;
}

namespace {

// -- reading

// Why a state cannot be used; palloc'd.
const char* wrong_segment(Time pane_start, int32 segment, const char* what) {
  return psprintf("pane_state, pane " INT64_FORMAT ", segment %d: %s", pane_start, segment, what);
}

const char* status_text(Status status) {
  switch (status) {
    case Status::kOutOfMemory:
      return "there is no memory for it";
    case Status::kOutOfRange:
      return "it does not belong to the trend's time";
    default:
      return "it is no part of such a trend";
  }
}

const char* restore_cells(FollowedTrend* trend, Time pane_start, const SpiBytes& cells) {
  const char* position = cells.data;
  const char* end = cells.data + cells.size;
  while (position < end) {
    uint64_t key_size = 0;
    if (!varint_read(&position, end, &key_size) || key_size > static_cast<size_t>(end - position))
      return "a key is cut off";
    KeyView key{reinterpret_cast<const std::byte*>(position), static_cast<uint32_t>(key_size)};
    position += key_size;
    uint64_t head = 0;
    if (!varint_read(&position, end, &head) || head >> 1 > static_cast<size_t>(end - position))
      return "a state is cut off";
    const auto* state = reinterpret_cast<const std::byte*>(position);
    const auto state_size = static_cast<uint32_t>(head >> 1);
    position += state_size;
    Status status =
        trend->writer.restore_cell(pane_start, static_cast<uint8_t>(head & 1), key, state, state_size);
    if (status != Status::kOk) return status_text(status);
  }
  return nullptr;
}

const char* restore_segment(FollowedTrend* trend, const SpiRow& row) {
  Time pane_start = 0;
  int32 segment = 0;
  int64 checksum = 0;
  SpiBytes cells = {};
  if (!row.read("pane_start", &pane_start) || !row.read("segment", &segment) ||
      !row.read("checksum", &checksum) || !row.read("cells", &cells)) {
    return "a row of it in pane_state has values that are missing or of another type";
  }
  if (checksum != segment_checksum(trend->id, pane_start, segment, cells.data, cells.size)) {
    return wrong_segment(pane_start, segment, "the checksum does not match");
  }
  const char* wrong = restore_cells(trend, pane_start, cells);
  if (wrong != nullptr) return wrong_segment(pane_start, segment, wrong);
  StoredPane& stored = trend->stored->panes[pane_start];
  if (segment != stored.segments) return wrong_segment(pane_start, segment, "segments are missing");
  (stored.segments == 0 ? stored.whole_bytes : stored.delta_bytes) += cells.size;
  stored.segments++;
  stored.sum += spread(checksum);
  trend->stored->panes_sum += spread(checksum);
  return nullptr;
}

// Under the trend's lock in name only: readers are kept out by its phase.
const char* restore_panes(FollowedTrend* trend, uint64 sum) {
  static SpiStatement select = {
      "SELECT pane_start, segment, cells, checksum FROM trending.pane_state WHERE trend_id = $1 ORDER BY "
      "pane_start, segment"};
  Portal cursor = spi_open(&select, {spi_int4(trend->id)});
  MemoryContext portion =
      AllocSetContextCreate(CurrentMemoryContext, "trending stored panes", ALLOCSET_DEFAULT_SIZES);
  const char* wrong = nullptr;
  while (wrong == nullptr) {
    SPI_cursor_fetch(cursor, true, 16);
    if (SPI_processed == 0) break;
    MemoryContext caller = MemoryContextSwitchTo(portion);
    for (uint64 row = 0; row < SPI_processed && wrong == nullptr; row++) {
      wrong = restore_segment(trend, SpiRow(row));
      CHECK_FOR_INTERRUPTS();
    }
    MemoryContextSwitchTo(caller);
    if (wrong != nullptr) wrong = pstrdup(wrong);
    MemoryContextReset(portion);
    SPI_freetuptable(SPI_tuptable);
  }
  SPI_cursor_close(cursor);
  MemoryContextDelete(portion);
  if (wrong == nullptr && trend->stored->panes_sum != sum) {
    wrong = "rows of it in pane_state are missing, or not of this checkpoint";
  }
  return wrong;
}

// A table that was dropped since is not written any more.
Oid existing_table(int64 oid) {
  const auto table = static_cast<Oid>(oid);
  return OidIsValid(table) && get_rel_name(table) != nullptr ? table : InvalidOid;
}

// The options that were in force at the position, which are not those of today where a later transaction
// altered them.
void take_options(const TrendRow& row, Definition* definition) {
  DefinitionOptions& options = definition->options;
  options.watermark_delay = row.watermark_delay;
  options.allowed_lateness = row.allowed_lateness;
  options.idle_timeout = row.idle_timeout;
  options.max_ahead = row.max_ahead;
  options.retention = row.retention;
  options.history_limit = row.history_limit;
  options.max_groups = static_cast<int32>(row.max_groups);
  options.keep_late_events = row.keep_late_events != 0;
  definition->history = existing_table(row.history_table);
  definition->late = existing_table(row.late_table);
}

const char* restore_engine(FollowedTrend* trend, const TrendRow& row) {
  const TrendTuning tuning = tuning_of(*trend->definition);
  // There may be more groups than the limit that was set last.
  TrendTuning unlimited = tuning;
  unlimited.max_groups = kMaxGroups;
  TrendWriter& writer = trend->writer;
  if (!writer.alter(unlimited) || writer.restore_clock(row.clock, row.reported_end) != Status::kOk) {
    return "its row in trend_state has times that are no times of such a trend";
  }
  writer.restore_horizon(row.watermark, row.final_until);
  const char* wrong = restore_panes(trend, static_cast<uint64>(row.panes_sum));
  if (wrong == nullptr && !writer.alter(tuning)) wrong = "its options are out of range";
  return wrong;
}

void install_counters(FollowedTrend* trend, const TrendRow& row) {
  Counters counters;
  counters.events = static_cast<uint64_t>(row.events);
  counters.late = static_cast<uint64_t>(row.late);
  counters.out_of_range = static_cast<uint64_t>(row.out_of_range);
  counters.unmatched = static_cast<uint64_t>(row.unmatched);
  counters.refused = static_cast<uint64_t>(row.refused);
  trend->writer.restore_counters(counters);
  pg_atomic_write_u64(&trend->shared->ahead, static_cast<uint64>(row.ahead_rows));
  pg_atomic_write_u64(&trend->shared->null_time, static_cast<uint64>(row.null_time));
  pg_atomic_write_u64(&trend->shared->failed, static_cast<uint64>(row.failed));
  pg_atomic_write_u64(&trend->shared->unretracted, static_cast<uint64>(row.unretracted));
}

// Without source tables these are looked up when something of the source changes, and whatever goes from it
// refills the trend.
void install(FollowedTrend* trend, const TrendRow& row, int64 checksum) {
  install_counters(trend, row);
  for (const auto& [first, last] : trend->stored->ahead) trend->ahead->restore_range(first, last);
  trend->idle_clock->base = row.clock_base;
  trend->idle_clock->wall = row.clock_wall;
  trend->tables->known = trend->tables->latest_known = row.tables_known != 0;
  for (const auto& [relation, stored] : trend->stored->tables) {
    SourceTable& table = trend->tables->all[relation];
    table.listed = stored.listed;
    table.latest = stored.latest;
    table.surveyed = stored.surveyed;
    table.filenode = stored.filenode;
  }
  trend->stored->row_checksum = checksum;
  trend->stored->exists = true;
}

// Reads everything and says whether the trend goes on with it. *wrong: why it is not good, if that is so.
bool restore_state(FollowedTrend* trend, const char** wrong) {
  TrendRow row = {};
  int64 checksum = 0;
  bool found = false;
  const auto expected = worker->checkpoint.states.find(trend->id);
  const bool expects = expected != worker->checkpoint.states.end();
  *wrong = trend_row_read(trend->id, &row, &checksum, &found);
  if (*wrong != nullptr) return false;
  if (!found) {
    if (expects) *wrong = "its row in trend_state is missing";
    return false;
  }
  int64 source = 0;
  *wrong = read_source_rows(trend, &source);
  if (*wrong != nullptr) return false;
  if (checksum != trend_row_checksum(trend->id, row, source)) {
    *wrong = "trend_state, trend_source_table or trend_ahead_range: the checksum does not match";
  } else if (!expects || expected->second != checksum) {
    *wrong = "its row in trend_state is not of this checkpoint";
  } else if (!trend_row_is_valid(row) || !ahead_ranges_are_valid(trend)) {
    *wrong = "its row in trend_state has impossible values";
  }
  if (*wrong != nullptr) return false;
  trend->fill.before = {row.clock,     row.watermark, row.final_until, row.late,
                        row.null_time, row.failed,    row.unretracted};
  if (strcmp(row.definition, fingerprint_text(trend->definition->state)) != 0) return false;
  if ((row.keeps_values != 0) != trend->keeps_values) return false;

  take_options(row, trend->definition);
  *wrong = restore_engine(trend, row);
  if (*wrong != nullptr) return false;
  if (!redo_is_good(trend)) {
    *wrong = "its row in waiting_redo cannot be read";
    return false;
  }
  install(trend, row, checksum);
  history_restore(trend);
  return true;
}

// As if nothing had been stored.
void undo_restore(FollowedTrend* trend, const DefinitionOptions& options, Oid history, Oid late) {
  trend->definition->options = options;
  trend->definition->history = history;
  trend->definition->late = late;
  trend->tables->all.clear();
  trend->tables->known = false;
  for (pg_atomic_uint64* counter : {&trend->shared->ahead, &trend->shared->null_time, &trend->shared->failed,
                                    &trend->shared->unretracted}) {
    pg_atomic_write_u64(counter, 0);
  }
}

bool restore_with_spi(FollowedTrend* trend, char (&reason)[kMessageSize]) {
  const char* wrong = nullptr;
  SPI_connect();
  const bool restored = restore_state(trend, &wrong);
  if (wrong != nullptr) strlcpy(reason, wrong, sizeof(reason));
  SPI_finish();
  return restored;
}

void report_unreadable(FollowedTrend* trend, const char* reason) {
  char message[kMessageSize];
  snprintf(message, sizeof(message), "is refilled, since its stored state cannot be used: %.200s", reason);
  trend_report(trend, message);
}

}  // namespace

bool checkpoint_restore(FollowedTrend* trend) {
  const DefinitionOptions options = trend->definition->options;
  const Oid history = trend->definition->history;
  const Oid late = trend->definition->late;
  char reason[kMessageSize] = "";
  bool restored = false;
  ErrorData* error = worker_try([&] { restored = restore_with_spi(trend, reason); });
  if (error != nullptr) {
    // Somebody in the way is no damage: the next worker tries again.
    if (is_conflict(error)) ReThrowError(error);
    // Pages that cannot be read are not written either.
    worker->checkpoint.tables_suspect = true;
    strlcpy(reason, error->message, sizeof(reason));
    FreeErrorData(error);
    restored = false;
  }
  if (restored) return true;
  undo_restore(trend, options, history, late);
  if (reason[0] != '\0') report_unreadable(trend, reason);
  return false;
}

}  // namespace trending
