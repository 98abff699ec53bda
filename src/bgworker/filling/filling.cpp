// SPDX-License-Identifier: PostgreSQL
// Filling a trend from rows that are already in its source, exactly, while writers write and without a lock
// that they would wait for. README.md has the protocol; comments here name its steps. Which rows are counted
// and which windows reported: source_count.cpp.
#include "bgworker/filling/filling.h"

#include <algorithm>

#include "bgworker/filling/backfill.h"
#include "bgworker/filling/dimension_scan.h"
#include "bgworker/filling/filling_part.h"
#include "bgworker/checkpoint/kept_clocks.h"
#include "bgworker/filling/load.h"
#include "bgworker/filling/source_count.h"
#include "bgworker/filling/source_scan.h"
#include "bgworker/filling/source_watch.h"
#include "bgworker/intake/apply.h"
#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/intake/refill.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/process/title.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "bgworker/trend/turns.h"
#include "postgres/fault.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// A trend that could not be filled is tried again after this long.
constexpr int64 kFillPauseUs = 1000 * 1000;
constexpr char kUnknownTimes[] =
    "rows that were there when the trend was refilled do not count: the server does not keep commit times "
    "(track_commit_timestamp)";

void note_writers(FollowedTrend* trend) {
  List* relations = find_all_inheritors(trend->definition->source, AccessShareLock, nullptr);
  for (int d = 0; d < trend->definition->dimension_count; d++) {
    relations = list_concat_unique_oid(
        relations, find_all_inheritors(trend->definition->dimensions[d].relation, NoLock, nullptr));
  }
  for (Oid departed : trend->tables->departed) relations = list_append_unique_oid(relations, departed);
  ListCell* cell = nullptr;
  foreach (cell, relations) {
    LOCKTAG tag;
    SET_LOCKTAG_RELATION(tag, MyDatabaseId, lfirst_oid(cell));
    int count = 0;
    VirtualTransactionId* holders = GetLockConflicts(&tag, ShareLock, &count);
    trend->filling->writers.insert(trend->filling->writers.end(), holders, holders + count);
  }
  list_free(relations);
  trend->tables->departed.clear();
}

// Who they are, the ones that nobody may be about to end first. A prepared transaction keeps the virtual
// number that it had, or is known by its own. Needs a transaction.
const char* names_of(const std::vector<VirtualTransactionId>& writers) {
  constexpr char kNames[] =
      "WITH waited AS (SELECT l.pid, max(l.transactionid::pg_catalog.text) AS xid FROM pg_catalog.pg_locks l "
      "WHERE l.virtualtransaction OPERATOR(pg_catalog.=) ANY ($1) GROUP BY l.pid, l.virtualtransaction) "
      "SELECT pg_catalog.string_agg(n.name, ', ' ORDER BY n.place, n.since) FROM "
      "(SELECT 1 AS place, p.prepared AS since, "
      "pg_catalog.format('prepared transaction %L (transaction %s, since %s)', p.gid, p.transaction, "
      "pg_catalog.date_trunc('second', p.prepared)) AS name "
      "FROM pg_catalog.pg_prepared_xacts p JOIN waited w ON w.xid OPERATOR(pg_catalog.=) "
      "p.transaction::pg_catalog.text UNION ALL "
      "SELECT 2, a.xact_start, pg_catalog.format('process %s (transaction %s, since %s)', a.pid, "
      "coalesce(w.xid, 'without a number'), pg_catalog.date_trunc('second', a.xact_start)) "
      "FROM pg_catalog.pg_stat_activity a JOIN waited w ON w.pid OPERATOR(pg_catalog.=) a.pid "
      "ORDER BY 1, 2 LIMIT 3) n";
  constexpr size_t kMostNamed = 100;
  ArrayBuildState* ids = initArrayResult(TEXTOID, CurrentMemoryContext, false);
  for (size_t i = 0; i < writers.size() && i < kMostNamed; i++) {
    const char* id = psprintf("%d/%u", compat::backend_of(writers[i]), writers[i].localTransactionId);
    accumArrayResult(ids, CStringGetTextDatum(id), false, TEXTOID, CurrentMemoryContext);
  }
  Oid type = TEXTARRAYOID;
  Datum value = makeArrayResult(ids, CurrentMemoryContext);
  SPI_connect();
  if (SPI_execute_with_args(kNames, 1, &type, &value, nullptr, true, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not look up transactions");
  }
  const char* names = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  if (names != nullptr) names = MemoryContextStrdup(TopTransactionContext, names);
  SPI_finish();
  return names;
}

// Says in the status, and so to readers, whom the trend awaits, without those who are about to end. Needs a
// transaction.
void tell_writers(FollowedTrend* trend) {
  constexpr int64 kShortUs = 500 * 1000;
  constexpr int64 kPauseUs = 2000 * 1000;
  const TimestampTz now = GetCurrentTimestamp();
  if (now - trend->filling->awaits_since < kShortUs || now - trend->filling->told_at < kPauseUs) return;
  trend->filling->told_at = now;
  const char* names = names_of(trend->filling->writers);
  if (names == nullptr) return;
  char text[kMessageSize];
  snprintf(text, sizeof(text), "%s%sIt waits for transactions that have written to its source: %s",
           trend->fill.why, trend->fill.why[0] != '\0' ? " " : "", names);
  text[pg_mbcliplen(text, static_cast<int>(strlen(text)), sizeof(text) - 1)] = '\0';
  trend_tell(trend, text);
}

void tell_locked(FollowedTrend* trend) {
  char text[kMessageSize];
  snprintf(text, sizeof(text),
           "%s%sIt waits for its source, or a partition of it, which somebody keeps locked", trend->fill.why,
           trend->fill.why[0] != '\0' ? " " : "");
  if (strcmp(trend->shared->reason, text) != 0) trend_tell(trend, text);
}

// Whether all noted writers have ended.
bool writers_ended(FollowedTrend* trend) {
  auto& writers = trend->filling->writers;
  writers.erase(std::remove_if(writers.begin(), writers.end(),
                               [](const VirtualTransactionId& id) { return VirtualXactLock(id, false); }),
                writers.end());
  return writers.empty();
}

// --- counting ---

void replay_recorded(FollowedTrend* trend) {
  for (size_t i = 0; i < trend->recorded.transactions.size(); i++) {
    RecordedTransaction& transaction = trend->recorded.transactions[i];
    settle_candidates(trend, i, transaction.xid);
    if (trend->joined != nullptr) {
      trend->joined->changes = std::move(transaction.changes);
      dimension_changes_settle(trend, transaction.xid);
    }
    if (!takes(trend, transaction.xid)) {
      count_passed_over(trend, transaction.xid, transaction.begin(), transaction.end());
      if (trend->joined != nullptr) dimension_changes_clear(trend);
      continue;
    }
    for (const BatchRecord* record = transaction.begin(); record != transaction.end();
         record = record->next()) {
      (void)worker->filling.append(trend->slot, *record);
    }
    meet_while_backfilling(trend, transaction.xid);
    apply_to_trend(trend, worker->filling.slice(trend->slot), transaction.commit_time, transaction.lsn);
    worker->filling.clear();
  }
  settle_candidates(trend, trend->recorded.transactions.size(), InvalidTransactionId);
  trend->recorded.clear();
  trend->passed->recorded_late = 0;
}

// Without backfill, what is decoded from the very beginning is all there is to count.
bool counts_source(const FollowedTrend* trend) {
  return trend->definition->options.backfill != Backfill::kNone || !trend->fill.is_new;
}

// Step 3, in a transaction.
void fill_from_source(FollowedTrend* trend) {
  fault_point(FaultPoint::kFill, trend->id);
  working_for(trend->id, Work::kFilling);
  title_show("filling", trend->definition->relation);
  trend->tables->latest_known = true;
  trend->passed->counted_since = kNoTime;
  // Without event times the trend begins with the rows to come; what it has in history stays.
  if (counts_source(trend) && knows_event_times(*trend->definition)) {
    // In this order. Attaching a partition waits for nobody who reads: one that comes after the look is not noted,
    // so its coming will be met, and the rows in it that this snapshot does not see with it.
    source_note_files(trend);
    if (trend->joined != nullptr) dimensions_note_tables(trend);
    worker_see_latest();
    trend->fill.filter = filter_of(GetActiveSnapshot());
    if (trend->joined != nullptr) dimensions_read(trend);
    source_count(trend);
  } else if (trend->joined != nullptr) {
    dimensions_note_tables(trend);
    worker_see_latest();
    dimensions_read(trend);
  }
}

// Something that is needed is locked. Waiting for it would keep the other trends waiting.
void pause_filling(FollowedTrend* trend, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "waits to be filled: %.200s", message);
  trend_report(trend, reason);
  trend->fill.not_before = GetCurrentTimestamp() + kFillPauseUs;
  trend->filling->paused = true;
}

// Whether the trend is to be filled later, for others need the worker.
bool awaits_turn(FollowedTrend* trend) {
  if (!counts_source(trend)) return false;
  const TimestampTz due = turn_due(trend);
  if (due <= GetCurrentTimestamp()) return false;
  trend_fill_later(trend, due);
  char text[kMessageSize];
  snprintf(text, sizeof(text), "waits for its turn to be filled, at %s: %s", timestamptz_to_str(due),
           turn_reason());
  trend_report(trend, text);
  trend->filling->paused = true;
  return true;
}

void fill(FollowedTrend* trend) {
  const TimestampTz began = GetCurrentTimestamp();
  const Oid owner = trend->definition->owner;
  ErrorData* error = worker_try([trend] { fill_from_source(trend); });
  turn_took(owner, GetCurrentTimestamp() - began);
  if (error != nullptr) {
    worker->filling.clear();
    trend->fill.filter = {};
    if (trend->trouble.set_aside) {
      trend_set_aside(trend, error->message);
    } else if (!is_conflict(error)) {
      trend_stop(trend, error->message);
    } else {
      trend->state = FillState::kLoading;  // parts may have been counted: begins again
      pause_filling(trend, error->message);
    }
    FreeErrorData(error);
    return;
  }
  trend->state = FillState::kRunning;
  trend->writer.report_crossings(true);  // what is recorded is new
  worker_begin();                        // comparing keys may need catalogs
  replay_recorded(trend);
  worker_commit();
  if (trend->trouble.set_aside) return;  // by what was applied to it
  const bool lacks_rows = counts_source(trend) && !knows_event_times(*trend->definition);
  trend->fill.ended_at = GetCurrentTimestamp();
  trend->fill.took_us = trend->fill.ended_at - began;
  trend->fill.wanted = trend->filling->paused = trend->fill.is_new = false;
  trend->fill.is_whole = true;
  trend->trouble.unfit = trend->trouble.rights_lost = false;  // why it was stopped, if it was, is past
  trend_report(trend, lacks_rows ? kUnknownTimes : "");
  trend->dirty = true;
  trend_set_phase(trend, TrendPhase::kRunning);
  worker->checkpoint.due = true;
  trend->fill.why = "";
  refill_again(trend);
  working_ended();
}

// Final windows are harvested at once, but final sessions with the next checkpoint only.
bool has_final_sessions(const FollowedTrend* trend) {
  return trend->fill.is_whole && trend->definition != nullptr && trend->writer.has_sessions() &&
         trend->writer.has_pending_window();
}

// Defers what was harvested from the state that is replaced. False: not possible now.
bool defer_history(FollowedTrend* trend) {
  if (trend->history->windows.items.empty() && !has_final_sessions(trend)) return true;
  ErrorData* error = worker_try([trend] {
    if (has_final_sessions(trend)) history_harvest(trend);
    history_defer(trend);
  });
  if (error == nullptr) {
    history_written(trend);
    return true;
  }
  pause_filling(trend, error->message);
  FreeErrorData(error);
  return false;
}

// Steps 1 and 2 at the present position.
void begin_waiting(FollowedTrend* trend) {
  if (!defer_history(trend) || !trend_load(trend) || awaits_turn(trend)) return;
  pass_over_recorded(trend);
  // The event clock does not go back with the rows that moved it, and what is final stays so.
  trend->fill.before = clocks_of(trend);
  trend->fill.is_whole = false;
  if (!trend_reset_state(trend)) return;
  take_counters(trend);
  trend->filling->writers.clear();
  trend->passed->recorded_latest = kNoTime;
  ErrorData* error = worker_try([trend] {
    backfill_load(trend);
    note_writers(trend);
  });
  if (error != nullptr) {
    if (!is_conflict(error)) trend_stop(trend, error->message);
    FreeErrorData(error);
    return;  // kLoading: tried again
  }
  take_counters(trend);
  trend->filling->awaits_since = GetCurrentTimestamp();
  trend->filling->told_at = 0;
  trend->state = FillState::kAwaiting;
}

void poll_waiting(FollowedTrend* trend) {
  worker_begin();
  bool ended = writers_ended(trend);
  if (!ended) tell_writers(trend);
  worker_commit();
  if (!ended) return;
  if (source_is_locked(trend)) {
    tell_locked(trend);
  } else {
    fill(trend);
  }
}

}  // namespace

void filling_start(FollowedTrend* trend) {
  if (trend->trouble.set_aside) return;
  // Its state is ahead of the position, until when it is known of each transaction whether it was counted.
  trend->fill.filter.settle(worker->loop.position());
  if (trend->fill.filter.active()) return trend_fill_later(trend, 0);
  trend->state = FillState::kLoading;
  trend->trouble.lacks_memory = false;
  if (!trend->filling->paused) trend_tell(trend, trend->fill.why);
  trend->fill.outdated = false;
  trend->tables->recheck = false;
  trend->tables->arrived.clear();
  if (source_is_locked(trend)) {
    tell_locked(trend);
    // What is there is known to be wrong.
    if (pg_atomic_read_u32(&trend->shared->phase) != static_cast<uint32>(TrendPhase::kFilling))
      trend_set_phase(trend, TrendPhase::kFilling);
    trend->fill.is_new = false;
    return;
  }
  begin_waiting(trend);
  if (trend->state == FillState::kLoading) {
    trend->fill.not_before = std::max(trend->fill.not_before, GetCurrentTimestamp() + kFillPauseUs);
  }
  if (trend->state != FillState::kAwaiting) {
    trend->fill.is_new = false;
    return;
  }
  // Without backfill everything from here on counts, whoever is writing.
  // Not so what they did to joined tables, whose locks have to be looked at, too.
  if (trend->joined != nullptr) return;
  if (!counts_source(trend)) trend->filling->writers.clear();
  if (trend->filling->writers.empty()) fill(trend);
}

void filling_poll() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    trend->passed->back_filter.settle(worker->loop.position());
    trend->fill.filter.settle(worker->loop.position());
    if (trend->joined != nullptr) trend->joined->filter.settle(worker->loop.position());
    if (trend->fill.filter.active()) continue;
    if (trend->trouble.lacks_memory && memory_may_do(trend->blocks) &&
        GetCurrentTimestamp() >= trend->fill.not_before) {
      filling_start(trend);
    } else if (trend->state == FillState::kLoading) {
      if (GetCurrentTimestamp() >= trend->fill.not_before) filling_start(trend);
    } else if (trend->state == FillState::kAwaiting) {
      poll_waiting(trend);
    }
  }
}

}  // namespace trending
