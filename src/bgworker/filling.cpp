// Filling a trend from rows that are already in its source, exactly, while writers write and without a lock
// that they would wait for.
//
// 1. At a position P between two records the trend begins. The transactions that hold a writer's lock on the
//    source at this moment are noted: one of them may have its commit record before P (so that it is never
//    decoded for this trend) and yet not be visible to a snapshot.
// 2. From P on, the trend's decoded events are recorded with their xids, until those transactions have ended.
// 3. Then an ordinary snapshot S is taken and the source is read under it. Whoever wrote and committed before
// P
//    is visible in S now, since locks are given up only after a transaction has become visible.
// 4. A transaction decoded from P on counts exactly when its top-level xid is not visible in S: the recorded
// ones
//    first, then those to come, until all xids that S saw running have ended.
//
// A trend that is filled anew may have history that ends long ago (its slot was lost, and windows closed
// since). Then the source is read in the order of event time, beginning with the windows that history could
// still have corrected, so that every window closes again as it would have.
//
// With session windows the source is read backwards in event time until no session that matters can begin
// earlier, since how far back one reaches is known only when its first row is met.
//
// The protocol needs nothing but P, so it serves new trends, trends whose source was truncated, and all
// trends after their slot was lost. Nothing of an unfinished filling is stored: after a crash it begins anew.
#include <algorithm>

#include "bgworker/refill.h"
#include "bgworker/source_changes.h"
#include "bgworker/source_scan.h"
#include "bgworker/worker.h"
#include "postgres/fault.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// Recorded events that may pile up while a trend waits for writers; beyond it begins anew.
constexpr size_t kMaxRecordedBytes = size_t{256} << 20;
// Events of the source that are applied together.
constexpr size_t kPortionBytes = size_t{8} << 20;
// A trend that could not be filled is tried again after this long.
constexpr int64 kFillPauseUs = 1000 * 1000;
constexpr char kUnknownTimes[] =
    "rows that were there when the trend was filled anew do not count: the server does not keep commit times "
    "(track_commit_timestamp)";

void note_writers(FollowedTrend* trend) {
  List* relations = find_all_inheritors(trend->definition->source, AccessShareLock, nullptr);
  for (Oid departed : trend->departed) relations = list_append_unique_oid(relations, departed);
  ListCell* cell = nullptr;
  foreach (cell, relations) {
    LOCKTAG tag;
    SET_LOCKTAG_RELATION(tag, MyDatabaseId, lfirst_oid(cell));
    int count = 0;
    VirtualTransactionId* holders = GetLockConflicts(&tag, ShareLock, &count);
    trend->writers.insert(trend->writers.end(), holders, holders + count);
  }
  list_free(relations);
  trend->departed.clear();
}

// Whether all noted writers have ended.
bool writers_ended(FollowedTrend* trend) {
  auto& writers = trend->writers;
  writers.erase(std::remove_if(writers.begin(), writers.end(),
                               [](const VirtualTransactionId& id) { return VirtualXactLock(id, false); }),
                writers.end());
  return writers.empty();
}

// -- counting the source
// ----------------------------------------------------------------------------------------------------------

// Windows that end up to here are final when the event clock stands at `clock`.
Time final_until(const FollowedTrend* trend, Time clock) {
  const DefinitionOptions& options = trend->definition->options;
  Time until =
      subtract_saturated(subtract_saturated(clock, options.watermark_delay), options.allowed_lateness);
  return trend->writer.has_sessions() ? subtract_saturated(until, trend->definition->window.size) : until;
}

// The first instant of any window that can still change then.
Time earliest_needed(const FollowedTrend* trend, Time clock) {
  Time oldest = final_until(trend, clock);
  const Windows& windows = trend->writer.windows();
  return windows.in_range(oldest) ? windows.first_window(oldest).start : kMinTime;
}

// Whether a window ends after `from` and not after `until`: history needs it, or what has come to it since.
bool some_window_ends(const FollowedTrend* trend, Time from, Time until) {
  const Windows& windows = trend->writer.windows();
  return windows.in_range(from) ? windows.first_window(from).end <= until : from < until;
}

void apply_batch(FollowedTrend* trend) {
  trend_apply(trend, worker->filling.slice(trend->slot), GetCurrentTimestamp(), InvalidXLogRecPtr);
  worker->filling.clear();
}

bool set_clock(FollowedTrend* trend, Time clock, Time reported_end) {
  LWLockAcquire(&trend->shared->lock, LW_EXCLUSIVE);
  Status status = trend->writer.restore_clock(clock, reported_end);
  LWLockRelease(&trend->shared->lock);
  return status == Status::kOk;
}

void append_event(FollowedTrend* trend, const RowEvent& event) {
  KeyView key{event.key.data, event.key.size};
  (void)worker->filling.append(trend->slot, event.time, 1, key, event.valid, event.arguments);
}

// Counts the source from the windows that history may still correct, in the order of event time. In portions
// that end with the current window, so that windows close one after the other and nothing is late.
void count_since(FollowedTrend* trend, Time reported, Time clock) {
  if (!set_clock(trend, reported, reported)) return;
  Time from = earliest_needed(trend, reported);
  scan_source(trend, from, ScanOrder::kForward, [&](const RowEvent& event) {
    if (event.time < from || event.time > clock) return true;
    bool full = event.time >= trend->writer.window().end || worker->filling.bytes() > kPortionBytes;
    if (full && !worker->filling.empty()) {
      apply_batch(trend);
      if (history_is_large(trend)) {
        history_write(trend);
        history_written(trend);
      }
    }
    append_event(trend, event);
    return true;
  });
  if (!worker->filling.empty()) apply_batch(trend);
}

// Counts the source under the clock that it gives. The clock first, so that rows in whatever order, applied
// in portions, are all judged alike: none is late. Final windows are not reported: some of their rows were
// left out.
void count_open_windows(FollowedTrend* trend, Time from, Time clock) {
  if (!set_clock(trend, clock, final_until(trend, clock))) return;
  scan_source(trend, from, ScanOrder::kAny, [&](const RowEvent& event) {
    if (event.time < from || event.time > clock) return true;
    append_event(trend, event);
    if (worker->filling.bytes() > kPortionBytes) apply_batch(trend);
    return true;
  });
  if (!worker->filling.empty()) apply_batch(trend);
}

// Counts the sessions that end after `keep_after`, all of each. The clock comes last: until then no session
// closes and no row is late.
void count_sessions(FollowedTrend* trend, Time keep_after, Time clock) {
  LWLockAcquire(&trend->shared->lock, LW_EXCLUSIVE);
  trend->writer.start_filling(keep_after);
  LWLockRelease(&trend->shared->lock);
  scan_source(trend, kNoTime, ScanOrder::kBackward, [&](const RowEvent& event) {
    if (event.time > clock) return true;
    append_event(trend, event);
    if (worker->filling.bytes() <= kPortionBytes) return true;
    apply_batch(trend);
    return event.time >= trend->writer.concerned_from();
  });
  if (!worker->filling.empty()) apply_batch(trend);
  if (!set_clock(trend, clock, kNoTime)) return;
  trend->clock_base = trend->writer.clock();
  trend->clock_wall = GetCurrentTimestamp();
}

// Who created the trend may still be about to let go of its tables. Those who hold a lock for long are not
// waited for again and again: history_last_end() then raises an error at once.
// The source's lock comes first, as for DROP TABLE.
void await_history(const FollowedTrend* trend) {
  LockRelationOid(trend->definition->source, AccessShareLock);
  if (!OidIsValid(trend->definition->history) || trend->fill_paused) return;
  LockRelationOid(trend->definition->history, RowExclusiveLock);
}

void count_source(FollowedTrend* trend) {
  if (trend->definition->event_time == nullptr) {
    count_open_windows(trend, kTimelessEvent, kTimelessEvent);
    return;
  }
  await_history(trend);
  SPI_connect();
  history_restore(trend);
  const bool has_sessions = trend->writer.has_sessions();
  Time reported = history_last_end(trend, has_sessions);
  SPI_finish();
  Time clock = clock_of_source(trend);
  if (clock == kNoTime) {  // no rows but those that are too far ahead: what is final stays
    history_redo(trend, kNoTime, DT_NOEND);
    scan_source(trend, kNoTime, ScanOrder::kAny, [](const RowEvent&) { return true; });
    return;
  }
  if (has_sessions) {
    // Sessions that are not final may come to have other bounds; those that are stay, as in the windows
    // below.
    Time keep_after = final_until(trend, clock);
    if (reported != kNoTime) keep_after = std::min(keep_after, reported);
    history_redo(trend, kNoTime, keep_after);
    return count_sessions(trend, keep_after, clock);
  }
  // The clock may have gone back, with the rows that had moved it. Then windows are not final any more.
  history_redo(trend, final_until(trend, reported == kNoTime ? clock : std::min(clock, reported)),
               final_until(trend, clock));
  if (reported != kNoTime &&
      some_window_ends(trend, final_until(trend, reported), final_until(trend, clock))) {
    count_since(trend, reported, clock);
  } else {
    count_open_windows(trend, earliest_needed(trend, clock), clock);
  }
}

// -- the filter
// -------------------------------------------------------------------------------------------------

SnapshotFilter filter_of(const Snapshot snapshot) {
  SnapshotFilter filter;
  filter.xmax = snapshot->xmax;
  filter.in_progress.assign(snapshot->xip, snapshot->xip + snapshot->xcnt);
  std::sort(filter.in_progress.begin(), filter.in_progress.end());
  return filter;
}

// Once nothing that the snapshot saw running runs any more, all commits from here on count.
void settle_filter(FollowedTrend* trend) {
  SnapshotFilter& filter = trend->filter;
  if (!filter.active()) return;
  if (filter.until == InvalidXLogRecPtr) {
    for (TransactionId xid : filter.in_progress) {
      if (TransactionIdIsInProgress(xid)) return;
    }
    filter.until = GetXLogInsertRecPtr();
  }
  if (worker->loop.position() >= filter.until) filter = SnapshotFilter{};
}

void replay_recorded(FollowedTrend* trend) {
  for (const RecordedTransaction& transaction : trend->recorded) {
    if (!trend->filter.counts(transaction.xid)) continue;
    const auto* record = reinterpret_cast<const BatchRecord*>(transaction.records.data());
    const auto* end =
        reinterpret_cast<const BatchRecord*>(transaction.records.data() + transaction.records.size());
    for (; record != end; record = record->next()) (void)worker->filling.append(trend->slot, *record);
    trend_apply(trend, worker->filling.slice(trend->slot), transaction.commit_time, transaction.lsn);
    worker->filling.clear();
  }
  trend->recorded.clear();
  trend->recorded_bytes = 0;
}

bool counts_source(const FollowedTrend* trend) {
  return trend->definition->options.backfill || trend->refill;
}

// Step 3. A function of its own, never inlined: its locals must not live in the frame that PG_TRY returns to.
pg_noinline void fill_from_source(FollowedTrend* trend) {
  worker_begin();
  fault_point(FaultPoint::kFill, trend->id);
  trend->latest_known = true;
  // Without event times the trend begins with the rows to come; what it has in history stays.
  if (counts_source(trend) && knows_event_times(*trend->definition)) {
    trend->filter = filter_of(GetActiveSnapshot());
    count_source(trend);
    source_note_files(trend);
  }
  worker_commit();
}

// Something that is needed is locked. Waiting for it would keep the other trends waiting.
void pause_filling(FollowedTrend* trend, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "waits to be filled: %.200s", message);
  trend_report(trend, reason);
  trend->fill_at = GetCurrentTimestamp() + kFillPauseUs;
  trend->fill_paused = true;
}

void fill(FollowedTrend* trend) {
  const TimestampTz began = GetCurrentTimestamp();
  ErrorData* volatile error = nullptr;
  PG_TRY();
  { fill_from_source(trend); }
  PG_CATCH();
  { error = worker_abort(); }
  PG_END_TRY();
  if (error != nullptr) {
    worker->filling.clear();
    if (!is_conflict(error)) {
      trend_stop(trend, error->message);
    } else {
      trend->state = FillState::kLoading;  // parts may have been counted: begins anew
      pause_filling(trend, error->message);
    }
    FreeErrorData(error);
    return;
  }
  trend->writer.report_crossings(true);  // what is recorded is new
  worker_begin();                        // comparing keys may need catalogs
  replay_recorded(trend);
  worker_commit();
  const bool lacks_rows = counts_source(trend) && !knows_event_times(*trend->definition);
  trend->filled_at = GetCurrentTimestamp();
  trend->fill_us = trend->filled_at - began;
  trend->refill = trend->fill_paused = false;
  trend->unfit = trend->rights_lost = false;  // why it was stopped, if it was, is past
  trend->state = FillState::kRunning;
  trend_report(trend, lacks_rows ? kUnknownTimes : "");
  trend->dirty = true;
  trend_set_phase(trend, TrendPhase::kRunning);
  worker->checkpoint_due = true;
  refill_again(trend);
}

pg_noinline void put_by_taken(FollowedTrend* trend) {
  worker_begin();
  history_put_by(trend);
  worker_commit();
}

// What was taken from the state that is to be replaced. False: not possible now.
bool put_by_history(FollowedTrend* trend) {
  if (trend->closed.empty()) return true;
  ErrorData* volatile error = nullptr;
  PG_TRY();
  { put_by_taken(trend); }
  PG_CATCH();
  { error = worker_abort(); }
  PG_END_TRY();
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
  if (!put_by_history(trend) || !trend_load(trend)) return;
  trend_reset_state(trend);
  trend->writers.clear();
  trend->recorded.clear();
  trend->recorded_bytes = 0;
  ErrorData* volatile error = nullptr;
  PG_TRY();
  {
    worker_begin();
    note_writers(trend);
    worker_commit();
  }
  PG_CATCH();
  { error = worker_abort(); }
  PG_END_TRY();
  if (error != nullptr) {
    if (!is_conflict(error)) trend_stop(trend, error->message);
    FreeErrorData(error);
    return;  // kLoading: tried again
  }
  trend->state = FillState::kWaiting;
}

void poll_waiting(FollowedTrend* trend) {
  worker_begin();
  bool ended = writers_ended(trend);
  worker_commit();
  if (ended && !source_is_locked(trend)) fill(trend);
}

}  // namespace

bool SnapshotFilter::counts(TransactionId xid) const {
  if (!active() || TransactionIdFollowsOrEquals(xid, xmax)) return true;
  return std::binary_search(in_progress.begin(), in_progress.end(), xid);
}

void filling_start(FollowedTrend* trend) {
  trend->state = FillState::kLoading;
  trend->outdated = false;
  trend->recheck = false;
  trend->arrived.clear();
  if (source_is_locked(trend)) {
    // What is there is known to be wrong.
    if (pg_atomic_read_u32(&trend->shared->phase) != static_cast<uint32>(TrendPhase::kFilling))
      trend_set_phase(trend, TrendPhase::kFilling);
    return;
  }
  begin_waiting(trend);
  if (trend->state == FillState::kLoading) trend->fill_at = GetCurrentTimestamp() + kFillPauseUs;
  if (trend->state != FillState::kWaiting) return;
  // Without backfill everything from here on counts, whoever is writing.
  if (!trend->definition->options.backfill && !trend->refill) trend->writers.clear();
  if (trend->writers.empty()) fill(trend);
}

void filling_poll() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    if (trend->state == FillState::kLoading) {
      if (GetCurrentTimestamp() >= trend->fill_at) filling_start(trend);
    } else if (trend->state == FillState::kWaiting) {
      poll_waiting(trend);
    } else if (trend->state == FillState::kRunning && trend->filter.active()) {
      worker_begin();
      settle_filter(trend);
      worker_commit();
    }
  }
}

void filling_record(FollowedTrend* trend, TransactionId xid, TimestampTz commit_time, XLogRecPtr lsn,
                    const BatchSlice& slice) {
  const auto* begin = reinterpret_cast<const std::byte*>(slice.begin);
  const auto* end = reinterpret_cast<const std::byte*>(slice.end);
  trend->recorded.push_back(RecordedTransaction{xid, commit_time, lsn, std::vector<std::byte>(begin, end)});
  trend->recorded_bytes += static_cast<size_t>(end - begin);
  // Too much: begin anew from a later position (filling_poll).
  if (trend->recorded_bytes > kMaxRecordedBytes) {
    trend->recorded.clear();
    trend->recorded_bytes = 0;
    trend->state = FillState::kLoading;
  }
}

}  // namespace trending
