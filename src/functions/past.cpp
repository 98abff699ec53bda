// SPDX-License-Identifier: PostgreSQL
#include "functions/past.h"

#include <algorithm>

#include "definition/clauses/commit_time.h"
#include "catalog/history_table.h"
#include "functions/batch_query.h"
#include "functions/history_rows.h"
#include "functions/named_rows.h"
#include "postgres/pinned_path.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

// How far a trend has come.
struct Progress {
  Window window;
  Time clock;
  Time watermark;
  Time history_until;
};

Progress read_progress(const Definition& definition) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  auto until = static_cast<Time>(pg_atomic_read_u64(&trend_shared(read)->history_until));
  Progress progress{reader.window(), reader.clock(), reader.watermark(), until};
  trend_read_end(read);
  return progress;
}

const char* window_text(const Definition& definition, const Window& window) {
  Oid type = window_bound_type(definition);
  Oid output = InvalidOid;
  bool is_varlena = false;
  getTypeOutputInfo(type, &output, &is_varlena);
  return psprintf("%s to %s", OidOutputFunctionCall(output, window_bound_datum(type, window.start)),
                  OidOutputFunctionCall(output, window_bound_datum(type, window.end)));
}

Window window_at(const Definition& definition, TimestampTz at) {
  if (!definition.has_window) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trend \"%s\" has no past: its definition has no window function",
                           get_rel_name(definition.relation)),
                    errhint("Leave out the time.")));
  }
  Windows windows(definition.window, definition.calendar);
  if (TIMESTAMP_NOT_FINITE(at) || !windows.in_range(at)) {
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("no window contains this time")));
  }
  return windows.first_window(at);
}

void check_history(const Definition& definition, const char* detail) {
  const char* name = get_rel_name(definition.relation);
  if (OidIsValid(definition.history) && history_has_keys(definition)) {
    check_history_rights(definition);
    return;
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  OidIsValid(definition.history) ? errmsg("the history of trend \"%s\" lacks its keys", name)
                                                 : errmsg("trend \"%s\" keeps no history", name),
                  errdetail("%s", detail),
                  OidIsValid(definition.history)
                      ? errhint("Create it again with every key in its select list.")
                      : errhint("Create it with history_limit greater than 0, or NULL for all groups.")));
}

void check_closed(const Definition& definition, const Window& window, const Progress& progress) {
  const char* name = get_rel_name(definition.relation);
  if (window.end > progress.window.end) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("trend \"%s\" has not come to this time yet", name),
                    errdetail("Its current window is %s.", window_text(definition, progress.window))));
  }
  if (window.end > progress.watermark) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("this window of trend \"%s\" is not closed yet", name),
                    errdetail("The window is %s; closing it waits for watermark_delay.",
                              window_text(definition, window)),
                    errhint("See watermark in trending.status.")));
  }
  check_history(definition,
                psprintf("The window of this time, %s, is closed.", window_text(definition, window)));
}

// Waits until everything that closed up to a time is in history: what has just closed is written in a moment.
void wait_until_written(const Definition& definition, Time until, Progress* progress) {
  TimestampTz started = GetCurrentTimestamp();
  while (progress->history_until < until) {
    if ((GetCurrentTimestamp() - started) / 1000 >= kReadPatienceMs) {
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                      errmsg("windows of trend \"%s\" have closed that are not in its history yet",
                             get_rel_name(definition.relation)),
                      errhint("See trending.status and trending.worker_status.")));
    }
    wait_for_change(database_shared(), 20);
    *progress = read_progress(definition);
  }
}

// The ranks of the window that closed right before.
PreviousRanks* ranks_before(const Definition& definition, const Window& window) {
  Window before;
  Windows windows(definition.window, definition.calendar);
  if (!history_window_before(definition, window, &before)) return nullptr;
  if (!(windows.next_window(before) == window)) return nullptr;
  HistoryRows rows = history_read(definition, before, kMaxPreviousRanks);
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (rows.count + 1)));
  for (uint64 i = 0; i < rows.count; i++) keys[i] = {rows.rows[i].key, rows.rows[i].rank};
  return previous_ranks_make(keys, rows.count);
}

CopiedGroup* copy_row(const HistoryRow& row) {
  auto* group = static_cast<CopiedGroup*>(palloc(sizeof(CopiedGroup) + row.key.size));
  group->rank = row.rank;
  group->key_size = row.key.size;
  group->words = 0;
  group->window = row.window;
  if (row.key.size > 0) memcpy(group + 1, row.key.data, row.key.size);
  return group;
}

void keep_rows(const HistoryRows& rows, PastRanking* past) {
  past->snapshot->count = rows.count;
  past->snapshot->groups =
      static_cast<RankedGroup*>(palloc_extended(sizeof(RankedGroup) * (rows.count + 1), MCXT_ALLOC_HUGE));
  past->values = static_cast<PastRanking::Value*>(
      palloc_extended(sizeof(PastRanking::Value) * (rows.count + 1), MCXT_ALLOC_HUGE));
  for (uint64 i = 0; i < rows.count; i++) {
    past->snapshot->groups[i] = RankedGroup{0, 0, copy_row(rows.rows[i]), 0};
    past->values[i] = {rows.rows[i].value_is_null, rows.rows[i].value};
  }
}

// ---- sessions: those that were open at the time

constexpr const char* kOpenSessions = "trending_open_sessions";
constexpr const char* kClosedSessions = "trending_closed_sessions";

// All sessions that contain an instant, ranked together. One that closed after it was read as open is in
// both; history has it as it is now.
const char* sessions_query(const Definition& definition, int64 k) {
  StringInfoData keys;
  StringInfoData same;
  initStringInfo(&keys);
  initStringInfo(&same);
  for (int i = 0; i < definition.keys.count; i++) {
    const char* key = selected_column(definition, ColumnRole::kKey, i, "keys");
    appendStringInfo(&keys, "x.%s, ", key);
    appendStringInfo(&same, " AND h.%s IS NOT DISTINCT FROM l.%s", key, key);
  }
  const char* at = window_bound_type(definition) == TIMESTAMPTZOID ? "$1" : "($1 AT TIME ZONE 'UTC')";
  const char* start = selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
  const char* end = selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query, "SELECT %spg_catalog.row_number() OVER (ORDER BY ", keys.data);
  append_rank_order(&query, definition);
  appendStringInfo(&query, "), x.%s, x.%s, x.%s FROM (SELECT %s FROM %s AS h UNION ALL SELECT %s FROM ",
                   ranking_column(definition, 0), start, end, column_list(definition, "h"), kClosedSessions,
                   column_list(definition, "l"));
  appendStringInfo(
      &query,
      "%s AS l WHERE l.%s <= %s AND l.%s > %s AND NOT EXISTS (SELECT FROM %s AS h WHERE true%s)) "
      "AS x ORDER BY %d LIMIT %lld",
      kOpenSessions, start, at, end, at, kClosedSessions, same.data, definition.keys.count + 1, (long long)k);
  return query.data;
}

HistoryRows read_sessions(const Definition& definition, TimestampTz at, int64 k) {
  MemoryContext memory = CurrentMemoryContext;
  const NamedRows open = named_rows_create(kOpenSessions, trend_row_type(definition));
  const NamedRows closed = named_rows_create(kClosedSessions, history_row_type(definition));
  copy_trend(definition, open);
  // Those that had closed before are in history then.
  Progress progress = read_progress(definition);
  wait_until_written(definition, progress.watermark, &progress);
  copy_history(definition, closed, {at, PG_INT64_MAX},
               [at](const Window& window) { return window.contains(at); });
  SPI_connect();
  named_rows_register(open);
  named_rows_register(closed);
  Oid type = TIMESTAMPTZOID;
  Datum value = TimestampTzGetDatum(at);
  if (pinned_execute(sessions_query(definition, k), 1, &type, &value, nullptr, false, 0) != SPI_OK_SELECT) {
    elog(ERROR, "could not rank sessions");
  }
  HistoryRows rows = history_take_rows(definition, memory);
  SPI_finish();
  MemoryContextSwitchTo(memory);
  named_rows_end(open);
  named_rows_end(closed);
  return rows;
}

void read_past_sessions(const Definition& definition, TimestampTz at, int64 k, PastRanking* past) {
  const char* name = get_rel_name(definition.relation);
  check_history(definition, "Sessions that are not open any more are there.");
  Progress progress = read_progress(definition);
  if (progress.clock == kNoTime) return;
  if (at > progress.clock) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("trend \"%s\" has not come to this time yet", name),
                    errhint("See event_clock in trending.status.")));
  }
  keep_rows(read_sessions(definition, at, k), past);
}

// How far behind the watermark windows are final; see session_writer.h for sessions.
int64 final_margin(const Definition& definition) {
  const bool has_sessions = definition.window.kind == WindowKind::kSession;
  return definition.options.allowed_lateness + (has_sessions ? definition.window.size : 0);
}

}  // namespace

Time history_final_before(const Definition& definition, TimestampTz wanted) {
  const int64 margin = final_margin(definition);
  Progress progress = read_progress(definition);
  if (progress.clock == kNoTime) return kNoTime;
  Time until = std::min(progress.watermark, add_saturated(wanted, margin));
  wait_until_written(definition, until, &progress);
  return subtract_saturated(progress.history_until, margin);
}

HistoryProgress history_progress(const Definition& definition) {
  const Progress progress = read_progress(definition);
  const Time until = progress.history_until;
  return {until, until == kNoTime ? kNoTime : subtract_saturated(until, final_margin(definition)),
          progress.clock, progress.watermark};
}

Time counted_since(const Definition& definition) {
  if (definition.by_commit_time) {
    TimestampTz since = DT_NOEND;
    (void)oldest_commit_time(&since);
    return since;
  }
  TrendGlance glance;
  if (definition.half_life == 0 || !trend_glance(definition.id, &glance) || glance.window.start == kNoTime) {
    return DT_NOEND;
  }
  return glance.window.start;
}

bool read_past(const Definition& definition, TimestampTz at, int64 k, PastRanking* past) {
  if (definition.window.kind == WindowKind::kSession) {
    past->snapshot = static_cast<TrendSnapshot*>(palloc0(sizeof(TrendSnapshot)));
    past->values = nullptr;
    read_past_sessions(definition, at, k, past);
    return true;
  }
  Window window = window_at(definition, at);
  Progress progress = read_progress(definition);
  if (window == progress.window) return false;
  past->snapshot = static_cast<TrendSnapshot*>(palloc0(sizeof(TrendSnapshot)));
  past->snapshot->window = window;
  past->values = nullptr;
  if (progress.clock == kNoTime) return true;  // nothing ever happened
  check_closed(definition, window, progress);
  wait_until_written(definition, window.end, &progress);
  HistoryRows rows = history_read(definition, window, k);
  keep_rows(rows, past);
  if (rows.count > 0) past->snapshot->previous = ranks_before(definition, window);
  return true;
}

}  // namespace trending
