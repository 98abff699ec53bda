#include "bgworker/history.h"

#include <algorithm>

#include "bgworker/blame.h"
#include "bgworker/group_insert.h"
#include "bgworker/shown_ranks.h"
#include "bgworker/waiting.h"
#include "bgworker/worker.h"
#include "definition/history_table.h"
#include "postgres/as_owner.h"
#include "postgres/fault.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr size_t kLargeHistory = size_t{32} << 20;
// Windows that close at once, a hundred thousand perhaps when a clock jumps, may take so much memory and
// time.
constexpr size_t kMostTaken = size_t{512} << 20;
constexpr int64 kLongestTakeUs = 20 * INT64CONST(1000000);
// Results are taken for previous ranks no more often than this.
constexpr int64 kTakeIntervalUs = 100 * 1000;
// What retention no longer covers goes no more often than this, and not at once after a start.
constexpr int64 kExpiryIntervalUs = 60 * INT64CONST(1000000);

// A correction replaces what waits for the same window.
ClosedWindow* place_for(FollowedTrend* trend, const Window& window) {
  auto [place, is_new] = trend->closed_places.try_emplace({window.end, window.start}, trend->closed.size());
  if (is_new) {
    trend->closed.emplace_back();
  } else {
    trend->closed[place->second] = ClosedWindow{};
  }
  return &trend->closed[place->second];
}

// -- writing
// ----------------------------------------------------------------------------------------------------

SPIPlanPtr prepare_deletion(const Definition& definition, const char* table) {
  Oid type = window_bound_type(definition);
  Oid types[] = {type, type};
  SPIPlanPtr plan = SPI_prepare(psprintf("DELETE FROM %s WHERE %s = $2 AND %s = $1", table,
                                         history_window_column(definition, ColumnRole::kWindowEnd),
                                         history_window_column(definition, ColumnRole::kWindowStart)),
                                2, types);
  if (plan == nullptr) elog(ERROR, "could not prepare a deletion from history");
  return plan;
}

void delete_window(const Definition& definition, SPIPlanPtr deletion, const Window& window) {
  Oid type = window_bound_type(definition);
  Datum values[] = {window_bound_datum(type, window.start), window_bound_datum(type, window.end)};
  if (SPI_execute_plan(deletion, values, nullptr, false, 0) != SPI_OK_DELETE) {
    elog(ERROR, "could not delete a window from history");
  }
}

void execute_with_bound(const Definition& definition, const char* sql, Time bound) {
  Oid type = window_bound_type(definition);
  Datum value = window_bound_datum(type, bound);
  int result = SPI_execute_with_args(sql, 1, &type, &value, nullptr, false, 0);
  if (result < 0) elog(ERROR, "could not change history: %s", SPI_result_code_string(result));
}

// Windows that lost all their rows while the source changed are not reported again.
void delete_redone(const FollowedTrend* trend, const char* table) {
  const Definition& definition = *trend->definition;
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  execute_with_bound(definition, psprintf("DELETE FROM %s WHERE NOT final AND %s > $1", table, end),
                     trend->redo_after);
  execute_with_bound(definition, psprintf("DELETE FROM %s WHERE %s > $1", table, end),
                     trend->redo_final_after);
}

void write_windows(FollowedTrend* trend, const char* table, const std::vector<ClosedWindow>& windows) {
  const Definition& definition = *trend->definition;
  // Prepared once: with session windows there are as many windows as rows.
  GroupInsert insert = group_insert_prepare(definition, table, true, {{"final", BOOLOID}});
  SPIPlanPtr deletion = prepare_deletion(definition, table);
  // Of windows that were put by before the trend was filled anew with another replica identity.
  const StateLayout other_layout = trend_layout(trend, !trend->retractable);
  Patience patience;
  for (const ClosedWindow& closed : windows) {
    patience.spend();
    trend->oldest_end = Min(trend->oldest_end, closed.window.end);
    delete_window(definition, deletion, closed.window);
    const bool same = closed.retractable == trend->retractable;
    const StateLayout& layout = same ? trend->writer.layout() : other_layout;
    for (const ClosedWindow::Row& row : closed.rows) {
      CHECK_FOR_INTERRUPTS();
      patience.spend();
      group_insert_begin(&insert, layout, closed.window, closed.key(row), closed.result(row), row.rank);
      group_insert_put(&insert, BoolGetDatum(closed.is_final));
      group_insert_run(&insert);
    }
  }
  group_insert_end(&insert);
  SPI_freeplan(deletion);
}

// Windows that end up to here can no longer be corrected.
Time final_before(const FollowedTrend* trend) {
  return trend->writer.final_before();
}

bool has_window_to_finish(const FollowedTrend* trend) {
  if (!trend->unfinal_known) return true;
  return !trend->unfinal_ends.empty() && *trend->unfinal_ends.begin() <= final_before(trend);
}

void learn_unfinal(FollowedTrend* trend, const char* table) {
  const char* end = history_window_column(*trend->definition, ColumnRole::kWindowEnd);
  if (SPI_execute(psprintf("SELECT DISTINCT %s FROM %s WHERE NOT final", end, table), true, 0) !=
      SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  for (uint64 i = 0; i < SPI_processed; i++) {
    bool isnull = false;
    Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
    if (!isnull) trend->unfinal_ends.insert(DatumGetTimestampTz(value));
  }
  trend->unfinal_known = true;
}

void finish_windows(FollowedTrend* trend, const char* table) {
  if (!trend->unfinal_known) learn_unfinal(trend, table);
  if (!has_window_to_finish(trend)) return;
  const Definition& definition = *trend->definition;
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  execute_with_bound(definition,
                     psprintf("UPDATE %s SET final = true WHERE NOT final AND %s <= $1", table, end),
                     final_before(trend));
}

// Retention, counted back from the watermark, so that replayed old data is kept as long as live data.
Time kept_since(const FollowedTrend* trend) {
  return subtract_saturated(trend->writer.watermark(), trend->definition->options.retention);
}

bool expiry_is_due(const FollowedTrend* trend) {
  return trend->definition->options.retention >= 0 && OidIsValid(trend->definition->history) &&
         trend->oldest_end < kept_since(trend) &&
         GetCurrentTimestamp() - trend->last_expiry >= kExpiryIntervalUs;
}

void learn_oldest(FollowedTrend* trend, const char* table) {
  const char* end = history_window_column(*trend->definition, ColumnRole::kWindowEnd);
  // Not read-only, to see what was deleted just now.
  if (SPI_execute(psprintf("SELECT pg_catalog.min(%s) FROM %s", end, table), false, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  bool isnull = true;
  Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
  trend->oldest_end = isnull ? kEndTime : DatumGetTimestamp(value);
}

void expire_windows(FollowedTrend* trend, const char* table) {
  if (!expiry_is_due(trend)) return;
  execute_with_bound(*trend->definition, history_expire_statement(*trend->definition, table),
                     kept_since(trend));
  learn_oldest(trend, table);
  trend->last_expiry = GetCurrentTimestamp();
}

bool has_something_to_write(const FollowedTrend* trend) {
  if (!OidIsValid(trend->definition->history)) return false;
  if (!trend->closed.empty()) return true;
  return !trend->history_retry.is_put_off() &&
         (trend->redo_history || trend->waits || has_window_to_finish(trend) || expiry_is_due(trend));
}

// Tells those who look back how far history is complete.
void note_written(FollowedTrend* trend) {
  const Time watermark = trend->writer.watermark();
  const auto until = static_cast<uint64>(watermark);
  if (watermark == kNoTime || pg_atomic_read_u64(&trend->shared->history_until) == until) return;
  if (!trend->closed.empty() || trend->waits || trend->redo_history || trend->writer.has_pending_window()) {
    return;
  }
  pg_atomic_write_u64(&trend->shared->history_until, until);
  ConditionVariableBroadcast(&worker->entry->changed);
}

}  // namespace

void history_take(FollowedTrend* trend) {
  const TimestampTz began = GetCurrentTimestamp();
  size_t bytes = 0;
  PendingWindow pending;
  for (Window after; trend->writer.next_pending_window(after, &pending); after = pending.window) {
    CHECK_FOR_INTERRUPTS();
    ClosedWindow* place = place_for(trend, pending.window);
    take_window(trend, pending, place);
    bytes += place->bytes();
    if (bytes > kMostTaken || (!(after == Window{}) && GetCurrentTimestamp() - began > kLongestTakeUs)) {
      trend->closed.clear();
      trend->closed_places.clear();
      return trend_set_aside(trend, "more windows closed at once than the worker can write down");
    }
  }
  ranks_show_taken(trend);
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
  if (watermark < trend->next_close || now - trend->last_take < kTakeIntervalUs) return;
  const Windows& windows = trend->writer.windows();
  PendingWindow pending;
  if (trend->writer.next_pending_window({}, &pending)) {
    trend->last_take = now;
    StartTransactionCommand();
    history_take(trend);
    CommitTransactionCommand();
    MemoryContextSwitchTo(worker->loop.memory);
    ConditionVariableBroadcast(&worker->entry->changed);
  }
  ranks_poll(trend);
  trend->next_close = windows.in_range(watermark) ? windows.first_window(watermark).end : kEndTime;
}

void history_reset(FollowedTrend* trend) {
  ranks_withdraw(trend);
  trend->next_close = kNoTime;
  trend->last_expiry = GetCurrentTimestamp();
  pg_atomic_write_u64(&trend->shared->history_until, static_cast<uint64>(kNoTime));
}

bool history_is_due(const FollowedTrend* trend) {
  return has_something_to_write(trend) || trend->writer.has_pending_window();
}

bool history_is_large(const FollowedTrend* trend) {
  size_t bytes = 0;
  for (const ClosedWindow& closed : trend->closed) bytes += closed.bytes();
  return bytes > kLargeHistory;
}

namespace {

void mark_final(FollowedTrend* trend, std::vector<ClosedWindow>& windows) {
  for (ClosedWindow& closed : windows) {
    if (closed.window.end <= final_before(trend)) closed.is_final = true;
  }
}

template <typename Body>
OwnerResult write_as_owner(FollowedTrend* trend, char (&message)[kMessageSize], Body&& body) {
  return run_as_owner(trend->definition->history, message, PassingError::kReport, body);
}

// What filling anew leaves to do comes first: what waits was taken since.
OwnerResult write_redone(FollowedTrend* trend, char (&message)[kMessageSize]) {
  if (!trend->redo_history || trend->redo_done) return OwnerResult::kDone;
  OwnerResult result =
      write_as_owner(trend, message, [trend](const char* table) { delete_redone(trend, table); });
  if (result != OwnerResult::kDone) return result;
  waiting_drop_redo(trend);
  trend->redo_done = true;
  return result;
}

// What waited from earlier rounds, in portions.
OwnerResult write_waiting(FollowedTrend* trend, char (&message)[kMessageSize]) {
  while (waiting_load_windows(trend)) {
    mark_final(trend, trend->retried);
    OwnerResult result = write_as_owner(
        trend, message, [trend](const char* table) { write_windows(trend, table, trend->retried); });
    if (result != OwnerResult::kDone) return result;
    for (const ClosedWindow& closed : trend->retried) {
      if (!closed.is_final) trend->unfinal_ends.insert(closed.window.end);
    }
    waiting_drop_windows(trend);
  }
  return OwnerResult::kDone;
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  OwnerResult result = write_redone(trend, message);
  if (result == OwnerResult::kDone) result = write_waiting(trend, message);
  if (result != OwnerResult::kDone) return result;
  return write_as_owner(trend, message, [trend](const char* table) {
    write_windows(trend, table, trend->closed);
    finish_windows(trend, table);
    expire_windows(trend, table);
  });
}

constexpr WaitingWords kWords = {"history waits to be written: ", "history is incomplete: "};

}  // namespace

void history_write(FollowedTrend* trend) {
  if (!has_something_to_write(trend)) return;
  fault_point(FaultPoint::kHistory, trend->id);
  // Corrections up to now have been taken, so what was taken early may have become final while it waited.
  mark_final(trend, trend->closed);
  OwnerResult result = write_or_wait(
      trend, &trend->history_retry, kWords,
      [trend](char(&message)[kMessageSize]) { return write_all(trend, message); },
      [trend] { waiting_keep_windows(trend); });
  if (result == OwnerResult::kFailed) {
    waiting_discard_windows(trend);
    waiting_drop_redo(trend);
    trend->redo_done = true;
  }
}

void history_written(FollowedTrend* trend) {
  for (const ClosedWindow& closed : trend->closed) {
    if (!closed.is_final) trend->unfinal_ends.insert(closed.window.end);
  }
  trend->closed.clear();
  trend->closed_places.clear();
  if (trend->redo_done) trend->redo_history = trend->redo_done = false;
  if (trend->history_retry.at != 0) return;  // the rest is put off
  trend->unfinal_known = true;               // or the table is broken, which was reported
  trend->unfinal_ends.erase(trend->unfinal_ends.begin(),
                            trend->unfinal_ends.upper_bound(final_before(trend)));
  // Not only when the worker has time: under load some session is always about to be written.
  if (trend->state == FillState::kRunning && OidIsValid(trend->definition->history)) note_written(trend);
}

void history_put_by(FollowedTrend* trend) {
  if (trend->closed.empty()) return;
  SPI_connect();
  waiting_keep_windows(trend);
  SPI_finish();
}

void history_redo(FollowedTrend* trend, Time after, Time final_after) {
  if (!OidIsValid(trend->definition->history)) return;
  SPI_connect();
  waiting_delete_redone(trend, after, final_after);
  // What an earlier filling has left to do is done along.
  trend->redo_after = trend->redo_history ? std::min(after, trend->redo_after) : after;
  trend->redo_final_after =
      trend->redo_history ? std::min(final_after, trend->redo_final_after) : final_after;
  trend->redo_history = true;
  trend->redo_done = false;
  waiting_keep_redo(trend);
  SPI_finish();
}

void history_restore(FollowedTrend* trend) {
  const Definition& definition = *trend->definition;
  trend->unfinal_known = !OidIsValid(definition.history);
  if (trend->unfinal_known) return;
  waiting_load_redo(trend);
  char message[kMessageSize] = "";
  // Not worth waiting for: the next writing makes up for it.
  (void)write_as_owner(trend, message, [trend](const char* table) {
    learn_unfinal(trend, table);
    learn_oldest(trend, table);
    if (!trend->writer.has_sessions()) ranks_show_stored(trend, table);
  });
}

namespace {

// The condition for windows that count: what filling has left to undo does not.
const char* last_end_condition(const FollowedTrend* trend, const char* end, bool only_final) {
  const char* valid = !trend->redo_history ? "true"
                      : only_final         ? psprintf("%s <= $2", end)
                                           : psprintf("%s <= CASE WHEN final THEN $2 ELSE $1 END", end);
  return psprintf("%s AND %s", valid, only_final ? "final" : "true");
}

Time read_last_end(FollowedTrend* trend, const char* table, bool only_final) {
  const Definition& definition = *trend->definition;
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  Oid type = window_bound_type(definition);
  Oid types[] = {type, type};
  Datum values[] = {window_bound_datum(type, trend->redo_after),
                    window_bound_datum(type, trend->redo_final_after)};
  const char* query =
      psprintf("SELECT pg_catalog.max(%s) FROM %s WHERE $1 IS NOT NULL AND $2 IS NOT NULL AND %s", end, table,
               last_end_condition(trend, end, only_final));
  if (SPI_execute_with_args(query, 2, types, values, nullptr, true, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  bool isnull = true;
  Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
  return isnull ? kNoTime : DatumGetTimestampTz(value);
}

}  // namespace

Time history_last_end(FollowedTrend* trend, bool only_final) {
  if (!OidIsValid(trend->definition->history)) return kNoTime;
  Time last = kNoTime;
  char message[kMessageSize] = "";
  OwnerResult result = write_as_owner(
      trend, message, [&](const char* table) { last = read_last_end(trend, table, only_final); });
  if (result == OwnerResult::kPassing) {
    ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("%s", message)));
  }
  if (result != OwnerResult::kDone) trend_report(trend, message);
  return std::max(last, waiting_last_end(trend, only_final));
}

}  // namespace trending
