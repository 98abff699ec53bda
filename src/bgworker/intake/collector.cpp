// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/collector.h"

#include <algorithm>

#include "bgworker/intake/ahead_times.h"
#include "bgworker/intake/apply.h"
#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/intake/refill.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/intake/source_map.h"
#include "bgworker/process/memory_bound.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/late_table.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/overload.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/definition_catalog.h"
#include "decoder/direct_replay.h"
#include "definition/aggregate_functions.h"
#include "postgres/settings.h"
#include "values/evaluation.h"

namespace trending {

namespace {

MemoryContext direct_memory = nullptr;  // of one transaction that is replayed directly
bool skip_transaction = false;          // trending.skip_commit names it

void count_refused(FollowedTrend* trend, RowOutcome outcome) {
  pg_atomic_uint64* counter = outcome == RowOutcome::kNullTime ? &trend->shared->null_time
                              : outcome == RowOutcome::kAhead  ? &trend->shared->ahead
                                                               : &trend->shared->failed;
  pg_atomic_write_u64(counter, pg_atomic_read_u64(counter) + 1);
  trend->dirty = true;  // the counter is stored
}

constexpr char kMayHaveBeenRefused[] = "A row was deleted that may have been refused as too far ahead.";

// Whether an old version of a row is not to be retracted, since it was too far ahead when it came and
// refused. While it still is, the event clock tells: what has counted has moved it. Later nobody knows, if
// one of the same time was refused.
bool was_refused(FollowedTrend* trend, Time time, TimestampTz commit_time) {
  if (trend->state == FillState::kStopped || trend->state == FillState::kLoading) return false;
  if (time > commit_time + trend->definition->options.max_ahead) return time > trend->writer.clock();
  if (!trend->ahead->contains(time)) return false;
  trend_ask_to_fill(trend, kMayHaveBeenRefused);
  return true;
}

// The same for all that read alike. Where they differ, one having come later, say, those that refused the row
// leave out this transaction and begin again after it.
bool was_refused(const Followers& followers, Time time, TimestampTz commit_time) {
  int refusals = 0;
  for (int i = 0; i < followers.count; i++) {
    if (was_refused(followers.trends[i].trend, time, commit_time)) refusals++;
  }
  if (refusals == 0 || refusals == followers.count) return refusals > 0;
  for (int i = 0; i < followers.count; i++) {
    FollowedTrend* trend = followers.trends[i].trend;
    if (!was_refused(trend, time, commit_time)) continue;
    trend->fill.outdated = true;
    trend_ask_to_fill(trend, kMayHaveBeenRefused);
  }
  return false;
}

void count_refused(const Followers& followers, RowOutcome outcome, Time time, TransactionId xid) {
  for (int i = 0; i < followers.count; i++) {
    FollowedTrend* trend = followers.trends[i].trend;
    if (trend->state == FillState::kStopped) continue;
    // Filling has met it.
    if (outcome == RowOutcome::kAhead && !trend->fill.filter.counts(xid)) continue;
    count_refused(trend, outcome);
    if (outcome == RowOutcome::kFailed) trend_note_failure(trend);
    if (outcome == RowOutcome::kAhead) trend->ahead->add(time);
  }
}

// Slow rows have taken more time than the owner of the trends may have.
pg_noinline void stop_overdrawn(const Followers& followers) {
  for (int i = 0; i < followers.count; i++) {
    if (followers.trends[i].trend->state == FillState::kStopped) continue;
    trend_set_aside(followers.trends[i].trend, evaluation_overdrawn_reason());
  }
}

// A transaction is larger than what may be held in memory: the trends of its largest source are refilled
// after it, from what it has made of the source.
pg_noinline void leave_to_filling(TransactionId xid) {
  const uint32_t slot = worker->batch.largest_slot();
  if (slot == Batch::kNoSlot) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for a transaction's events")));
  }
  const BatchSlice events = worker->batch.slice(slot);
  for (FollowedTrend* trend : shared_readers()[slot].trends) {
    if (trend->state == FillState::kStopped) continue;
    trend->fill.outdated = true;
    count_passed_over(trend, xid, events.begin, events.end);
    trend_ask_to_fill(trend, "A transaction changed more rows of its source than can be held in memory.");
  }
  worker->batch.drop(slot);
}

// For whom a row is read; at least one runs.
FollowedTrend* first_running(const Followers& followers) {
  int i = 0;
  while (i + 1 < followers.count && followers.trends[i].trend->state == FillState::kStopped) i++;
  return followers.trends[i].trend;
}

// Reads a row for the trends of a shared reader.
RowOutcome read(const Followers& followers, TupleDesc descriptor, HeapTuple row, HeapTuple complete,
                TimestampTz judged_at, RowEvent* event) {
  working_for(first_running(followers)->id, Work::kReading);
  RowOutcome outcome =
      row_read(followers.reader, followers.mapping, descriptor, row, complete, judged_at, event);
  if (unlikely(evaluation_overdrawn())) stop_overdrawn(followers);
  return outcome;
}

// A row of a transaction that none of the trends takes any more.
void pass_over(const Followers& followers, TransactionId xid, const RowEvent& event) {
  for (int i = 0; i < followers.count; i++) {
    FollowedTrend* trend = followers.trends[i].trend;
    if (trend->state != FillState::kStopped) count_passed_over(trend, xid, event);
  }
}

// Whether all have stopped, and whether none takes the transaction.
bool all_have_stopped(const Followers& followers) {
  return std::all_of(followers.trends, followers.trends + followers.count,
                     [](const Follower& follower) { return follower.trend->state == FillState::kStopped; });
}
bool all_are_out(const Followers& followers) {
  return std::all_of(followers.trends, followers.trends + followers.count, [](const Follower& follower) {
    return follower.trend->state == FillState::kStopped || follower.trend->fill.outdated;
  });
}

// The engine judges and counts an event when it is applied, by the same clock; the row is at hand only here.
void keep_refused(const Followers& followers, ReorderBufferTXN* txn, RowOutcome outcome,
                  const RowEvent& event, TupleDesc descriptor, HeapTuple row) {
  for (int i = 0; i < followers.count; i++) {
    keep_refused(followers.trends[i].trend, txn, outcome, event, descriptor, row);
  }
}

void append(Followers* followers, TransactionId xid, const RowEvent& event, int weight,
            TimestampTz commit_time) {
  if (weight < 0 && was_refused(*followers, event.time, commit_time)) return;
  KeyView key{event.key.data, event.key.size};
  Status status = worker->batch.append(followers->shared_reader, event.time, weight, key, event.valid,
                                       event.arguments, event.is_first);
  if (unlikely(status != Status::kOk || worker->batch.bytes() > transaction_bound())) leave_to_filling(xid);
  if (weight > 0) note_event_time(followers, event.time);
}

void collect_event(Followers* followers, ReorderBufferTXN* txn, RowOutcome outcome, const RowEvent& event,
                   int weight) {
  if (outcome == RowOutcome::kEvent) {
    if (unlikely(all_are_out(*followers))) {
      if (weight > 0 && event.is_first) pass_over(*followers, txn->xid, event);
    } else {
      append(followers, txn->xid, event, weight, compat::commit_time(txn));
    }
  } else if (weight > 0) {
    count_refused(*followers, outcome, event.time, txn->xid);
  }
}

// One version of a row. `complete` holds toasted values that `row` left out (may be null).
void collect_row(Followers* followers, ReorderBufferTXN* txn, TupleDesc descriptor, HeapTuple row,
                 HeapTuple complete, int weight) {
  // An old version was judged when it came.
  TimestampTz judged_at =
      weight > 0 ? compat::commit_time(txn) : DT_NOEND - followers->reader->definition->options.max_ahead;
  RowEvent event;
  event.time = kNoTime;
  RowOutcome outcome = read(*followers, descriptor, row, complete, judged_at, &event);
  if (outcome == RowOutcome::kFiltered) return;
  do {
    collect_event(followers, txn, outcome, event, weight);
    if (weight > 0 && followers->keep_late && event.is_first) {
      keep_refused(*followers, txn, outcome, event, descriptor, row);
    }
  } while (next_event(&event, &outcome));
}

void count_unretracted(const Followers& followers) {
  for (int i = 0; i < followers.count; i++) {
    FollowedTrend* trend = followers.trends[i].trend;
    if (trend->state == FillState::kStopped) continue;
    pg_atomic_uint64* counter = &trend->shared->unretracted;
    pg_atomic_write_u64(counter, pg_atomic_read_u64(counter) + 1);
  }
}

// A row that is retracted may be one that was there when the table joined the source.
void check_survey(const Followers& followers, XLogRecPtr lsn) {
  for (int i = 0; i < followers.count; i++) {
    const Follower& follower = followers.trends[i];
    if (follower.trend->state != FillState::kStopped && lsn < follower.table->surveyed) {
      trend_ask_to_fill(follower.trend, "A row was deleted that may have come with a partition.");
    }
  }
}

// A row is deleted or updated that the trend's state cannot retract. Such trends read alone.
void replace_row(Followers* followers, ReorderBufferTXN* txn, TupleDesc descriptor, HeapTuple old_row,
                 HeapTuple new_row) {
  FollowedTrend* trend = followers->trends[0].trend;
  const TimestampTz commit_time = compat::commit_time(txn);
  auto is_filled_anew = [&](HeapTuple row, HeapTuple complete, TimestampTz judged_at) {
    RowEvent event;
    RowOutcome outcome = read(*followers, descriptor, row, complete, judged_at, &event);
    if (outcome == RowOutcome::kFiltered || outcome == RowOutcome::kFailed) return false;
    do {
      if (outcome == RowOutcome::kEvent && refill_for_row(trend, event, txn->xid)) return true;
    } while (next_event(&event, &outcome));
    return false;
  };
  (void)is_filled_anew(old_row, nullptr, DT_NOEND - trend->definition->options.max_ahead);
  if (new_row == nullptr || is_filled_anew(new_row, old_row, commit_time)) return;
  collect_row(followers, txn, descriptor, new_row, old_row, 1);
}

void collect_change(Followers* followers, ReorderBufferTXN* txn, TupleDesc descriptor,
                    ReorderBufferChange* change) {
  if (unlikely(all_have_stopped(*followers))) return;
  HeapTuple old_row = compat::decoded_tuple(change->data.tp.oldtuple);
  HeapTuple new_row = compat::decoded_tuple(change->data.tp.newtuple);
  if (change->action == REORDER_BUFFER_CHANGE_INSERT) {
    if (new_row != nullptr) collect_row(followers, txn, descriptor, new_row, nullptr, 1);
    return;
  }
  if (!followers->mapping->retractable) {
    // What the row counted as before is not in the WAL; create_trend says so.
    count_unretracted(*followers);
    return;
  }
  check_survey(*followers, change->lsn);
  // Without an old version the identity, which covers all that the trends read, is unchanged.
  if (old_row == nullptr) return;
  if (new_row != nullptr &&
      row_reads_same(followers->reader, followers->mapping, descriptor, old_row, new_row)) {
    return;
  }
  if (!can_retract(*followers->reader->definition)) {
    replace_row(followers, txn, descriptor, old_row, new_row);
    return;
  }
  collect_row(followers, txn, descriptor, old_row, nullptr, -1);
  if (new_row != nullptr) collect_row(followers, txn, descriptor, new_row, old_row, 1);
}

void begin(void*, ReorderBufferTXN* txn) {
  overload_awake();
  skip_transaction = false;
  worker->catalog.replayed = txn->xid;
  sources_begin(txn->xid);
  if (settings.skip_commit == nullptr || settings.skip_commit[0] == '\0') return;
  char position[32];
  snprintf(position, sizeof(position), "%X/%X", TRENDING_LSN_ARGS(txn->final_lsn));
  if (pg_strcasecmp(position, settings.skip_commit) == 0) {
    skip_transaction = true;
    ereport(WARNING,
            (errmsg("trending skips the commit at %s", position),
             errhint("Reset trending.skip_commit, and drop and create the trends it should have changed.")));
  }
}

// The row is taken from the WAL, for the table itself may have been changed again since.
void note_trend(TupleDesc descriptor, ReorderBufferChange* change) {
  HeapTuple row = compat::decoded_tuple(change->data.tp.newtuple);
  if (row == nullptr) return;
  StoredOptions stored = stored_options(descriptor, row);
  if (change->action == REORDER_BUFFER_CHANGE_INSERT) {
    known_trends_note_created(stored.id);
  } else {
    worker->catalog.altered.push_back({stored.id, stored.options, stored.history, stored.late});
  }
}

void change(void*, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change) {
  if (RelationGetRelid(relation) == worker->catalog.table) {
    worker->catalog.changed = true;
    note_trend(RelationGetDescr(relation), change);
    return;
  }
  if (skip_transaction) return;
  SourceEntry* entry = source_of(relation);
  if (entry->count == 0) entry->left_out = txn->xid;
  for (int i = 0; i < entry->count; i++) {
    collect_change(&entry->followers[i], txn, RelationGetDescr(relation), change);
  }
  for (int i = 0; i < entry->dimension_count; i++) {
    collect_dimension(entry->dimensions[i], RelationGetDescr(relation), change);
  }
  working_ended();
  overload_look(compat::commit_time(txn));
}

void truncate(void*, ReorderBufferTXN* txn, int count, Relation relations[]) {
  for (int r = 0; r < count; r++) {
    SourceEntry* entry = source_of(relations[r]);
    if (entry->count == 0) entry->left_out = txn->xid;
    for (int i = 0; i < entry->dimension_count; i++) dimension_truncated(entry->dimensions[i].trend);
    source_map_note_latest();
    for (int i = 0; i < entry->count; i++) {
      const Followers& followers = entry->followers[i];
      for (int f = 0; f < followers.count; f++) {
        source_truncated(followers.trends[f].trend, RelationGetRelid(relations[r]));
      }
    }
  }
}

void apply_events(ReorderBufferTXN* txn) {
  overload_look(compat::commit_time(txn));
  pg_atomic_write_u64(&worker->entry->transactions, pg_atomic_read_u64(&worker->entry->transactions) + 1);
  if (worker->batch.empty() && !dimension_changes_any()) return;
  source_map_note_latest();
  apply_batch(txn);
  working_ended();
}

void commit(void*, ReorderBufferTXN* txn, XLogRecPtr) {
  for (uint32_t i = 0; i < worker->batch.touched_count(); i++) {
    for (FollowedTrend* trend : shared_readers()[worker->batch.touched_slot(i)].trends) source_learn(trend);
  }
  apply_events(txn);
  sources_commit(txn);
}

bool is_external(HeapTuple row) {
  return row != nullptr && HeapTupleHasExternal(row);
}

bool is_replayable(const ReorderBufferChange* change) {
  if (change->action != REORDER_BUFFER_CHANGE_INSERT && change->action != REORDER_BUFFER_CHANGE_UPDATE &&
      change->action != REORDER_BUFFER_CHANGE_DELETE) {
    return false;
  }
  SourceEntry* entry = source_of_file(change);
  if (entry == nullptr || !entry->valid || !entry->direct) return false;
  last_source = entry;
  return (entry->count == 0 && entry->dimension_count == 0) ||
         (!is_external(compat::decoded_tuple(change->data.tp.oldtuple)) &&
          !is_external(compat::decoded_tuple(change->data.tp.newtuple)));
}

bool replay(void*, ReorderBufferTXN* txn) {
  if (!settings.direct_replay) return false;
  if (settings.skip_commit != nullptr && settings.skip_commit[0] != '\0') return false;
  if (!for_all_changes(txn, is_replayable)) return false;
  overload_awake();
  MemoryContext caller = MemoryContextSwitchTo(direct_memory);
  for_all_changes(txn, [txn](ReorderBufferChange* change) {
    CHECK_FOR_INTERRUPTS();
    // Stopping a trend on the way makes entries invalid; they stay as they are until the server replays.
    const SourceEntry* entry = source_of_file(change);
    for (int f = 0; f < entry->count; f++) {
      collect_change(&entry->followers[f], txn, entry->descriptor, change);
    }
    for (int i = 0; i < entry->dimension_count; i++) {
      collect_dimension(entry->dimensions[i], entry->descriptor, change);
    }
    working_ended();
    return true;
  });
  apply_events(txn);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(direct_memory);
  return true;
}

bool wants_own(void*, XLogReaderState* reader) {
  return own_rows_wanted(reader);
}

}  // namespace

const ChangeSink* collector_create() {
  source_map_create();
  direct_memory = AllocSetContextCreate(TopMemoryContext, "trending transaction", ALLOCSET_DEFAULT_SIZES);
  static const ChangeSink sink = {nullptr,  replay, begin,     change,
                                  truncate, commit, wants_own, idle_clocks_note};
  return &sink;
}

}  // namespace trending
