// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/history.h"

#include <algorithm>

#include "bgworker/process/worker.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/results/group_insert.h"
#include "bgworker/results/redo.h"
#include "bgworker/results/shown_ranks.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "postgres/fault.h"
#include "postgres/guard.h"
#include "postgres/owned_table.h"

namespace trending {

namespace {

constexpr size_t kLargeHistory = size_t{32} << 20;
// Windows that close at once, a hundred thousand perhaps when a clock jumps, may need so much memory and
// time.
constexpr size_t kMostTaken = size_t{512} << 20;
constexpr int64 kLongestTakeUs = 20 * INT64CONST(1000000);
// Results are harvested for previous ranks no more often than this.
constexpr int64 kTakeIntervalUs = 100 * 1000;
// What retention no longer covers is deleted no more often than this, and not at once after a start.
constexpr int64 kExpiryIntervalUs = 60 * INT64CONST(1000000);

// A correction replaces what is deferred for the same window.
ClosedWindow* place_for(FollowedTrend* trend, const Window& window) {
  auto [place, is_new] =
      trend->history->places.try_emplace({window.end, window.start}, trend->history->windows.items.size());
  if (is_new) {
    trend->history->windows.items.emplace_back();
  } else {
    trend->history->windows.items[place->second] = ClosedWindow{};
  }
  return &trend->history->windows.items[place->second];
}

// --- writing ---

void write_window(GroupInsert* insert, const StateLayout& layout, const ClosedWindow& closed) {
  delete_window(insert->table, closed.window);
  for (const ClosedWindow::Row& row : closed.rows) {
    group_insert_begin(insert, layout, closed.window, closed.key(row), closed.result(row), row.rank);
    group_insert_put(insert, BoolGetDatum(closed.is_final));
    group_insert_run(insert);
  }
}

void write_windows(FollowedTrend* trend, OwnedTable* table, const std::vector<ClosedWindow>& windows) {
  GroupInsert insert = group_insert_prepare(*trend->definition, table);
  // Of windows that were deferred before the trend was refilled with another replica identity.
  const StateLayout other_layout = trend_layout(trend, !trend->keeps_values);
  for (const ClosedWindow& closed : windows) {
    trend->history->oldest_end = std::min(trend->history->oldest_end, closed.window.end);
    const bool same = closed.keeps_values == trend->keeps_values;
    write_window(&insert, same ? trend->writer.layout() : other_layout, closed);
  }
  if (insert.failed > 0) trend_groups_failed(trend, insert.failed);
  trend_report_failed(trend);
  group_insert_end(&insert);
}

// Windows that end up to here can no longer be corrected.
Time final_before(const FollowedTrend* trend) {
  return trend->writer.final_before();
}

bool has_window_to_finish(const FollowedTrend* trend) {
  if (!trend->history->unfinal_known) return true;
  return !trend->history->unfinal_ends.empty() &&
         *trend->history->unfinal_ends.begin() <= final_before(trend);
}

void learn_unfinal(FollowedTrend* trend, OwnedTable* table) {
  add_unfinal_ends(table, &trend->history->unfinal_ends);
  trend->history->unfinal_known = true;
}

void finish_windows(FollowedTrend* trend, OwnedTable* table) {
  if (!trend->history->unfinal_known) learn_unfinal(trend, table);
  if (!has_window_to_finish(trend)) return;
  mark_final_between(table, *trend->history->unfinal_ends.begin(), final_before(trend));
}

// Retention, counted back from the watermark, so that replayed old data is kept as long as live data.
Time kept_since(const FollowedTrend* trend) {
  return subtract_saturated(trend->writer.watermark(), trend->definition->options.retention);
}

bool expiry_is_due(const FollowedTrend* trend) {
  return trend->definition->options.retention >= 0 && OidIsValid(trend->definition->history) &&
         trend->history->oldest_end < kept_since(trend) &&
         GetCurrentTimestamp() - trend->history->last_expiry >= kExpiryIntervalUs;
}

void expire_windows(FollowedTrend* trend, OwnedTable* table) {
  if (!expiry_is_due(trend)) return;
  (void)delete_expired(table, kHistoryEnd, kept_since(trend));
  trend->history->oldest_end = first_end(table);
  trend->history->last_expiry = GetCurrentTimestamp();
}

bool has_something_to_write(const FollowedTrend* trend) {
  if (!OidIsValid(trend->definition->history)) return false;
  if (!trend->history->windows.items.empty()) return true;
  return !trend->history->windows.retry.is_put_off() &&
         (trend->history->redo.wanted || trend->history->windows.deferred || has_window_to_finish(trend) ||
          expiry_is_due(trend));
}

// Tells those who look back how far history is complete.
void note_written(FollowedTrend* trend) {
  const Time watermark = trend->writer.watermark();
  const auto until = static_cast<uint64>(watermark);
  if (watermark == kNoTime || pg_atomic_read_u64(&trend->shared->history_until) == until) return;
  if (!trend->history->windows.items.empty() || trend->history->windows.deferred ||
      trend->history->redo.wanted || trend->writer.has_pending_window()) {
    return;
  }
  pg_atomic_write_u64(&trend->shared->history_until, until);
  ConditionVariableBroadcast(&worker->entry->changed);
}

}  // namespace

void history_harvest(FollowedTrend* trend) {
  const TimestampTz began = GetCurrentTimestamp();
  size_t bytes = 0;
  PendingWindow pending;
  for (Window after; trend->writer.next_pending_window(after, &pending); after = pending.window) {
    CHECK_FOR_INTERRUPTS();
    ClosedWindow* place = place_for(trend, pending.window);
    harvest_window(trend, pending, place);
    pg_atomic_fetch_add_u64(&trend->shared->windows_closed, 1);
    bytes += place->bytes();
    if (bytes > kMostTaken || (!(after == Window{}) && GetCurrentTimestamp() - began > kLongestTakeUs)) {
      trend->history->windows.items.clear();
      trend->history->places.clear();
      return trend_set_aside(trend, "more windows closed at once than the worker can write down");
    }
  }
  ranks_show_harvested(trend);
  // Frees panes that were kept for this.
  hold_trend(trend->shared);
  trend->writer.mark_reported();
  release_trend(trend->shared);
}

void history_poll(FollowedTrend* trend, TimestampTz now) {
  if (!OidIsValid(trend->definition->history)) return;
  const Time watermark = trend->writer.watermark();
  if (watermark == kNoTime) return;
  note_written(trend);
  if (trend->writer.has_sessions()) return;
  if (watermark < trend->history->next_close || now - trend->history->last_harvest < kTakeIntervalUs) return;
  const Windows& windows = trend->writer.windows();
  PendingWindow pending;
  if (trend->writer.next_pending_window({}, &pending)) {
    trend->history->last_harvest = now;
    StartTransactionCommand();
    history_harvest(trend);
    CommitTransactionCommand();
    MemoryContextSwitchTo(worker->loop.memory);
    ConditionVariableBroadcast(&worker->entry->changed);
  }
  ranks_poll(trend);
  trend->history->next_close = windows.in_range(watermark) ? windows.first_window(watermark).end : kEndTime;
}

void history_reset(FollowedTrend* trend) {
  ranks_withdraw(trend);
  trend->history->next_close = kNoTime;
  trend->history->last_expiry = GetCurrentTimestamp();
  pg_atomic_write_u64(&trend->shared->history_until, static_cast<uint64>(kNoTime));
}

bool history_is_due(const FollowedTrend* trend) {
  return has_something_to_write(trend) || trend->writer.has_pending_window();
}

bool history_is_large(const FollowedTrend* trend) {
  size_t bytes = 0;
  for (const ClosedWindow& closed : trend->history->windows.items) bytes += closed.bytes();
  return bytes > kLargeHistory;
}

namespace {

void mark_final(FollowedTrend* trend, std::vector<ClosedWindow>& windows) {
  for (ClosedWindow& closed : windows) {
    if (closed.window.end <= final_before(trend)) closed.is_final = true;
  }
}

void note_unfinal(FollowedTrend* trend, const std::vector<ClosedWindow>& written) {
  for (const ClosedWindow& closed : written) {
    if (!closed.is_final) trend->history->unfinal_ends.insert(closed.window.end);
  }
}

template <typename Body>
OwnerResult with_history(FollowedTrend* trend, OwnedUse use, char (&message)[kMessageSize], Body&& body) {
  const TableShape shape = history_shape(*trend->definition);
  return with_owned_table(trend->definition->history, shape, message, PassingError::kReport, use, body);
}

// What refilling leaves to do comes first: what is deferred was harvested since.
OwnerResult write_redone(FollowedTrend* trend, char (&message)[kMessageSize]) {
  if (!trend->history->redo.wanted || trend->history->redo.done) return OwnerResult::kDone;
  OwnerResult result = with_history(trend, OwnedUse::kWrite, message, [trend](OwnedTable* table) {
    // Windows that lost all their rows while the source changed are not reported again.
    delete_after(table, trend->history->redo.after, trend->history->redo.final_after);
  });
  if (result != OwnerResult::kDone) return result;
  redo_drop(trend);
  trend->history->redo.done = true;
  return result;
}

OwnerResult write_deferred(FollowedTrend* trend, char (&message)[kMessageSize]) {
  auto write = [&](std::vector<ClosedWindow>* windows) {
    mark_final(trend, *windows);
    OwnerResult result = with_history(trend, OwnedUse::kWrite, message, [trend, windows](OwnedTable* table) {
      write_windows(trend, table, *windows);
    });
    if (result == OwnerResult::kDone) note_unfinal(trend, *windows);
    return result;
  };
  return backlog_write_deferred(trend, &trend->history->windows, write);
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  OwnerResult result = write_redone(trend, message);
  if (result == OwnerResult::kDone) result = write_deferred(trend, message);
  if (result != OwnerResult::kDone) return result;
  return with_history(trend, OwnedUse::kWrite, message, [trend](OwnedTable* table) {
    write_windows(trend, table, trend->history->windows.items);
    finish_windows(trend, table);
    expire_windows(trend, table);
  });
}

void forget_deferred(FollowedTrend* trend) {
  trend->history->windows.loaded.clear();
  if (!trend->history->windows.deferred) return;
  spi_run(&DeferredTable<ClosedWindow>::erase_all, {spi_int4(trend->id)});
  note_deferred_counts(trend);
}

// Times that are none, of rows not looked at yet, do not count.
Time last_deferred_end(FollowedTrend* trend, bool only_final) {
  static SpiStatement select = {
      "SELECT pg_catalog.max(window_end) AS last FROM trending.waiting_window "
      "WHERE trend_id = $1 AND (final OR NOT $2) AND window_end < $3"};
  Time last = kNoTime;
  spi_run(&select, {spi_int4(trend->id), spi_bool(only_final), spi_int8(kEndTime)});
  return SpiRow(0).read("last", &last) ? last : kNoTime;
}

// Those that history_redo() has written again.
void delete_redone(FollowedTrend* trend, Time after, Time final_after) {
  static SpiStatement deletion = {
      "DELETE FROM trending.waiting_window WHERE trend_id = $1 AND window_end > CASE WHEN final THEN $3 ELSE "
      "$2 END"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(after), spi_int8(final_after)});
  note_deferred_counts(trend);
}

}  // namespace

void history_write(FollowedTrend* trend) {
  if (!has_something_to_write(trend)) return;
  fault_point(FaultPoint::kHistory, trend->id);
  // Corrections up to now have been harvested, so what was harvested early may have become final since.
  mark_final(trend, trend->history->windows.items);
  const OwnerResult result =
      backlog_write(trend, &trend->history->windows,
                    [trend](char(&message)[kMessageSize]) { return write_all(trend, message); });
  if (result == OwnerResult::kFailed) {
    forget_deferred(trend);
    redo_drop(trend);
    trend->history->redo.done = true;
  }
}

void history_written(FollowedTrend* trend) {
  note_unfinal(trend, trend->history->windows.items);
  trend->history->windows.items.clear();
  trend->history->places.clear();
  if (trend->history->redo.done) trend->history->redo.wanted = trend->history->redo.done = false;
  if (trend->history->windows.retry.at != 0) return;  // the rest is for later
  trend->history->unfinal_known = true;               // or the table is broken, which was reported
  trend->history->unfinal_ends.erase(trend->history->unfinal_ends.begin(),
                                     trend->history->unfinal_ends.upper_bound(final_before(trend)));
  // Not only when the worker has time: under load some session is always about to be written.
  if (trend->state == FillState::kRunning && OidIsValid(trend->definition->history)) note_written(trend);
}

void history_defer(FollowedTrend* trend) {
  if (trend->history->windows.items.empty()) return;
  SPI_connect();
  backlog_defer(trend, &trend->history->windows);
  SPI_finish();
}

void history_redo(FollowedTrend* trend, Time after, Time final_after) {
  if (!OidIsValid(trend->definition->history)) return;
  SPI_connect();
  delete_redone(trend, after, final_after);
  // What an earlier filling has left to do is done along.
  trend->history->redo.after =
      trend->history->redo.wanted ? std::min(after, trend->history->redo.after) : after;
  trend->history->redo.final_after =
      trend->history->redo.wanted ? std::min(final_after, trend->history->redo.final_after) : final_after;
  trend->history->redo.wanted = true;
  trend->history->redo.done = false;
  redo_keep(trend);
  SPI_finish();
}

void history_restore(FollowedTrend* trend) {
  const Definition& definition = *trend->definition;
  trend->history->unfinal_known = !OidIsValid(definition.history);
  discard_stray_deferred(trend);
  if (trend->history->unfinal_known) return;
  redo_load(trend);
  char message[kMessageSize] = "";
  // Not worth waiting for: the next writing makes up for it.
  (void)with_history(trend, OwnedUse::kRead, message, [trend](OwnedTable* table) {
    learn_unfinal(trend, table);
    trend->history->oldest_end = first_end(table);
    if (!trend->writer.has_sessions()) ranks_show_stored(trend, table);
  });
}

Time history_last_end(FollowedTrend* trend, bool only_final) {
  if (!OidIsValid(trend->definition->history)) return kNoTime;
  Time last = kNoTime;
  char message[kMessageSize] = "";
  OwnerResult result = with_history(trend, OwnedUse::kRead, message, [&](OwnedTable* table) {
    // What filling has left to undo does not count.
    const Time until = trend->history->redo.wanted ? trend->history->redo.after : kEndTime;
    const Time final_until = trend->history->redo.wanted ? trend->history->redo.final_after : kEndTime;
    last = last_end(table, only_final ? kNoTime : until, final_until);
  });
  if (result == OwnerResult::kPassing) {
    ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("%s", message)));
  }
  if (result != OwnerResult::kDone) trend_report(trend, message);
  return std::max(last, last_deferred_end(trend, only_final));
}

}  // namespace trending
