#include "functions/past.h"

#include "definition/history_rows.h"
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
  TrendRead* read = trend_read_begin(definition.id);
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
  if (definition.window.kind == WindowKind::kSession) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("trend \"%s\" has no ranking of a past time", get_rel_name(definition.relation)),
             errdetail("Each of its sessions has a window of its own."),
             errhint("Look into its history for sessions that begin before that time and end after it.")));
  }
  Windows windows(definition.window, definition.calendar);
  if (TIMESTAMP_NOT_FINITE(at) || !windows.in_range(at)) {
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("no window contains this time")));
  }
  return windows.first_window(at);
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
  if (!OidIsValid(definition.history) || !history_has_keys(definition)) {
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             OidIsValid(definition.history) ? errmsg("the history of trend \"%s\" lacks its keys", name)
                                            : errmsg("trend \"%s\" keeps no history", name),
             errdetail("The window of this time, %s, is closed.", window_text(definition, window)),
             OidIsValid(definition.history)
                 ? errhint("Create it again with every key in its select list.")
                 : errhint("Create it with history_limit greater than 0, or NULL for all groups.")));
  }
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

const char* history_name(const Definition& definition) {
  LockRelationOid(definition.history, AccessShareLock);
  const char* name = get_rel_name(definition.history);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the history table of trend \"%s\" was dropped",
                                                             get_rel_name(definition.relation))));
  }
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(definition.history)), name);
}

// The ranks of the window that closed right before.
PreviousRanks* ranks_before(const Definition& definition, const char* table, const Window& window) {
  Window before;
  Windows windows(definition.window, definition.calendar);
  if (!history_last_window(definition, table, &window, &before)) return nullptr;
  if (!(windows.next_window(before) == window)) return nullptr;
  HistoryRows rows = history_read(definition, table, before, kMaxPreviousRanks);
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (rows.count + 1)));
  for (uint64 i = 0; i < rows.count; i++) keys[i] = {rows.rows[i].key, rows.rows[i].rank};
  return previous_ranks_make(keys, rows.count);
}

CopiedGroup* copy_row(const HistoryRow& row, const Window& window) {
  auto* group = static_cast<CopiedGroup*>(palloc(sizeof(CopiedGroup) + row.key.size));
  group->rank = row.rank;
  group->key_size = row.key.size;
  group->words = 0;
  group->window = window;
  if (row.key.size > 0) memcpy(group + 1, row.key.data, row.key.size);
  return group;
}

}  // namespace

Time history_final_before(const Definition& definition, TimestampTz wanted) {
  // How far behind the watermark windows are final; see session_writer.h for sessions.
  int64 margin = definition.options.allowed_lateness;
  if (definition.window.kind == WindowKind::kSession) margin += definition.window.size;
  Progress progress = read_progress(definition);
  if (progress.clock == kNoTime) return kNoTime;
  Time until = Min(progress.watermark, add_saturated(wanted, margin));
  wait_until_written(definition, until, &progress);
  return subtract_saturated(progress.history_until, margin);
}

bool read_past(const Definition& definition, TimestampTz at, int64 k, PastRanking* past) {
  Window window = window_at(definition, at);
  Progress progress = read_progress(definition);
  if (window == progress.window) return false;
  past->snapshot = static_cast<TrendSnapshot*>(palloc0(sizeof(TrendSnapshot)));
  past->snapshot->window = window;
  past->values = nullptr;
  if (progress.clock == kNoTime) return true;  // nothing ever happened
  check_closed(definition, window, progress);
  wait_until_written(definition, window.end, &progress);
  const char* table = history_name(definition);
  HistoryRows rows = history_read(definition, table, window, k);
  past->snapshot->count = rows.count;
  past->snapshot->groups =
      static_cast<RankedGroup*>(palloc_extended(sizeof(RankedGroup) * (rows.count + 1), MCXT_ALLOC_HUGE));
  past->values = static_cast<PastRanking::Value*>(
      palloc_extended(sizeof(PastRanking::Value) * (rows.count + 1), MCXT_ALLOC_HUGE));
  for (uint64 i = 0; i < rows.count; i++) {
    past->snapshot->groups[i] = RankedGroup{0, 0, copy_row(rows.rows[i], window), 0};
    past->values[i] = {rows.rows[i].value_is_null, rows.rows[i].value};
  }
  if (rows.count > 0) past->snapshot->previous = ranks_before(definition, table, window);
  return true;
}

}  // namespace trending
