#include "bgworker/collector.h"

#include <algorithm>

#include "bgworker/idle_clock.h"
#include "bgworker/source_changes.h"
#include "decoder/direct_replay.h"
#include "definition/aggregate_functions.h"
#include "shmem/settings.h"

namespace trending {

namespace {

// One trend that follows a table.
struct Follower {
  FollowedTrend* trend;
  RowMapping* mapping;
  SourceTable* table;
};

// A table seen in the WAL and the trends that follow it (often none).
struct SourceEntry {
  Oid relation;  // hash key, must be first
  bool valid;    // cleared by invalidations, which may come while the entry is in use: never freed there
  bool direct;   // changes can be taken without a transaction (decoder/direct_replay.h)
  RelFileLocator file;
  TupleDesc descriptor;  // of the rows in that file
  int count;
  Follower* followers;
  MemoryContext memory;
  TransactionId left_out;  // the last transaction that changed it when nobody followed it
};

// Which table a file belongs to, as transactions replayed by the server have shown.
struct FileEntry {
  RelFileLocator file;  // hash key, must be first
  SourceEntry* source;
};

HTAB* sources = nullptr;
HTAB* files = nullptr;
SourceEntry* last_source = nullptr;     // of the last change; null after an invalidation
MemoryContext direct_memory = nullptr;  // of one transaction that is taken directly
bool skip_transaction = false;          // trending.skip_commit names it

void invalidate(Datum, Oid relation) {
  source_invalidated(relation);
  // Re-parenting a partition may not invalidate the leaf, so ancestors count too: any change to a table that
  // is a source or unknown forgets everything. That is rare, and finding it again is cheap.
  if (OidIsValid(relation)) {
    bool found = false;
    hash_search(sources, &relation, HASH_FIND, &found);
    if (relation == worker->catalog) worker->catalog_changed = true;
    bool is_source = false;
    for (FollowedTrend* trend : worker->trends) {
      if (trend != nullptr && trend->definition != nullptr && trend->definition->source == relation) {
        is_source = true;
      }
    }
    if (!found && !is_source) return;
  }
  collector_forget();
}

bool follows(const FollowedTrend* trend, Oid relation, List* ancestors) {
  return trend->definition->source == relation || list_member_oid(ancestors, trend->definition->source);
}

// Whether changes of the entry's table can be taken without a transaction: what is done with a row looks into
// no catalog.
bool is_direct(const SourceEntry* entry) {
  if (entry->relation == worker->catalog) return false;
  for (int i = 0; i < entry->count; i++) {
    const FollowedTrend* trend = entry->followers[i].trend;
    if (!trend->reader->is_plain || OidIsValid(trend->definition->late) ||
        trend->definition->having != nullptr) {
      return false;
    }
  }
  return true;
}

void remember_file(SourceEntry* entry, const RelFileLocator& file) {
  // A rewritten table has left its old file.
  hash_search(files, &entry->file, HASH_REMOVE, nullptr);
  entry->file = file;
  static_cast<FileEntry*>(hash_search(files, &file, HASH_ENTER, nullptr))->source = entry;
}

// Where a replica identity was extended the engine lacks what taking rows back needs: the trend begins anew,
// with it. Unless it has done so already and still lacks it, for the identity is extended only here in the
// WAL, and reduced again since: then these changes are in what it was filled with.
void check_identity(FollowedTrend* trend, RowMapping* mapping) {
  if (!mapping->retractable || trend->retractable || !keeps_values(*trend->definition)) return;
  if (trend->asked_to_retract) {
    mapping->retractable = false;
  } else {
    trend->asked_to_retract = true;
    source_ask_to_fill(trend);
  }
}

void find_followers(SourceEntry* entry, Relation relation) {
  MemoryContextReset(entry->memory);
  MemoryContext caller = MemoryContextSwitchTo(entry->memory);
  entry->count = 0;
  entry->valid = true;  // an invalidation from here on clears it again
  entry->followers = static_cast<Follower*>(palloc0(sizeof(Follower) * (worker->trends.size() + 1)));
  List* ancestors =
      relation->rd_rel->relispartition ? get_partition_ancestors(RelationGetRelid(relation)) : NIL;
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->state == FillState::kStopped || trend->definition == nullptr) continue;
    if (!follows(trend, RelationGetRelid(relation), ancestors)) continue;
    char reason[kMessageSize];
    RowMapping* mapping = row_mapping_create(trend->definition, relation, reason, sizeof(reason));
    if (mapping == nullptr) {
      trend_stop(trend, reason);
      continue;
    }
    check_identity(trend, mapping);
    entry->followers[entry->count++] = Follower{trend, mapping, source_table(trend, relation)};
  }
  entry->descriptor = CreateTupleDescCopyConstr(RelationGetDescr(relation));
  entry->direct = is_direct(entry);
  MemoryContextSwitchTo(caller);
  remember_file(entry, compat::relation_file(relation));
}

SourceEntry* source_of(Relation relation) {
  Oid oid = RelationGetRelid(relation);
  if (last_source != nullptr && last_source->relation == oid) return last_source;
  bool found = false;
  auto* entry = static_cast<SourceEntry*>(hash_search(sources, &oid, HASH_ENTER, &found));
  if (!found) {
    entry->valid = false;
    entry->file = {};
    entry->left_out = InvalidTransactionId;
    entry->memory = AllocSetContextCreate(TopMemoryContext, "trending source", ALLOCSET_SMALL_SIZES);
  }
  if (!entry->valid) find_followers(entry, relation);
  last_source = entry->valid ? entry : nullptr;
  return entry;
}

const char* reason_of(RowOutcome outcome) {
  switch (outcome) {
    case RowOutcome::kNullTime:
      return "null time";
    case RowOutcome::kAhead:
      return "too far ahead";
    default:
      return "failed";
  }
}

void count_refused(FollowedTrend* trend, RowOutcome outcome) {
  pg_atomic_uint64* counter = outcome == RowOutcome::kNullTime ? &trend->shared->null_time
                              : outcome == RowOutcome::kAhead  ? &trend->shared->ahead
                                                               : &trend->shared->failed;
  pg_atomic_write_u64(counter, pg_atomic_read_u64(counter) + 1);
  trend->dirty = true;  // the counter is stored
}

// Whether refused rows of this transaction go to the trend's table of late rows.
bool keeps_late(const FollowedTrend* trend, const ReorderBufferTXN* txn) {
  return OidIsValid(trend->definition->late) && trend->state == FillState::kRunning &&
         trend->filter.counts(txn->xid);
}

// Whether an old version of a row is not to be taken back, since it was too far ahead when it came and
// refused. While it still is, the event clock tells: what has counted has moved it. Later nobody knows, if
// one of the same time was refused.
bool was_refused(FollowedTrend* trend, Time time, TimestampTz commit_time) {
  if (time > commit_time + trend->definition->options.max_ahead) return time > trend->writer.clock();
  if (!trend->ahead.contains(time)) return false;
  source_ask_to_fill(trend);
  return true;
}

// One version of a row for one trend. `complete` holds toasted values that `row` left out (may be null).
void collect_row(const Follower& follower, ReorderBufferTXN* txn, TupleDesc descriptor, HeapTuple row,
                 HeapTuple complete, int weight) {
  FollowedTrend* trend = follower.trend;
  const TimestampTz commit_time = txn->xact_time.commit_time;
  // An old version was judged when it came.
  TimestampTz judged_at = weight > 0 ? commit_time : DT_NOEND - trend->definition->options.max_ahead;
  RowEvent event;
  event.time = kNoTime;
  RowOutcome outcome =
      row_read(trend->reader, follower.mapping, descriptor, row, complete, judged_at, &event);
  if (outcome == RowOutcome::kFiltered) return;
  if (outcome == RowOutcome::kEvent) {
    if (weight < 0 && was_refused(trend, event.time, commit_time)) return;
    KeyView key{event.key.data, event.key.size};
    Status status = worker->batch.append(trend->slot, event.time, weight, key, event.valid, event.arguments);
    if (status != Status::kOk) {
      ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for a transaction's events")));
    }
    // The engine judges and counts the event when it is applied, by the same clock; the row is at hand only
    // here.
    if (weight > 0) follower.table->latest = std::max(follower.table->latest, event.time);
    if (weight > 0 && keeps_late(trend, txn) && trend->writer.is_late(event.time)) {
      late_keep(trend, event.time, txn, "late", descriptor, row);
    }
  } else if (weight > 0) {
    count_refused(trend, outcome);
    if (outcome == RowOutcome::kAhead) trend->ahead.add(event.time);
    if (keeps_late(trend, txn)) {
      Time time = outcome == RowOutcome::kAhead ? event.time : kNoTime;
      late_keep(trend, time, txn, reason_of(outcome), descriptor, row);
    }
  }
}

void count_unretracted(FollowedTrend* trend) {
  pg_atomic_uint64* counter = &trend->shared->unretracted;
  pg_atomic_write_u64(counter, pg_atomic_read_u64(counter) + 1);
}

void collect_change(const Follower& follower, ReorderBufferTXN* txn, TupleDesc descriptor,
                    ReorderBufferChange* change) {
  HeapTuple old_row = compat::decoded_tuple(change->data.tp.oldtuple);
  HeapTuple new_row = compat::decoded_tuple(change->data.tp.newtuple);
  if (change->action == REORDER_BUFFER_CHANGE_INSERT) {
    if (new_row != nullptr) collect_row(follower, txn, descriptor, new_row, nullptr, 1);
    return;
  }
  if (!follower.mapping->retractable) {
    // What the row counted as before is not in the WAL; create_trend says so.
    count_unretracted(follower.trend);
    return;
  }
  // The row may be one that was there when the table joined the source.
  if (change->lsn < follower.table->surveyed) source_ask_to_fill(follower.trend);
  // Without an old version the identity, which covers all that the trend reads, is unchanged.
  if (old_row == nullptr) return;
  if (new_row != nullptr &&
      row_reads_same(follower.trend->reader, follower.mapping, descriptor, old_row, new_row)) {
    return;
  }
  if (follower.trend->writer.has_sessions()) {
    count_unretracted(follower.trend);
    return;
  }
  collect_row(follower, txn, descriptor, old_row, nullptr, -1);
  if (new_row != nullptr) collect_row(follower, txn, descriptor, new_row, old_row, 1);
}

void begin(void*, ReorderBufferTXN* txn) {
  skip_transaction = false;
  worker->replayed = txn->xid;
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

void change(void*, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change) {
  if (RelationGetRelid(relation) == worker->catalog) {
    worker->catalog_changed = true;
    if (change->action == REORDER_BUFFER_CHANGE_UPDATE) {
      trend_note_altered(RelationGetDescr(relation), compat::decoded_tuple(change->data.tp.newtuple));
    }
    return;
  }
  if (skip_transaction) return;
  SourceEntry* entry = source_of(relation);
  if (entry->count == 0) entry->left_out = txn->xid;
  for (int i = 0; i < entry->count; i++) {
    if (entry->followers[i].trend->state == FillState::kStopped) continue;
    collect_change(entry->followers[i], txn, RelationGetDescr(relation), change);
  }
}

void truncate(void*, ReorderBufferTXN*, int count, Relation relations[]) {
  for (int r = 0; r < count; r++) {
    SourceEntry* entry = source_of(relations[r]);
    for (int i = 0; i < entry->count; i++) {
      source_truncated(entry->followers[i].trend, RelationGetRelid(relations[r]));
    }
  }
}

void apply_events(ReorderBufferTXN* txn) {
  pg_atomic_write_u64(&worker->entry->transactions, pg_atomic_read_u64(&worker->entry->transactions) + 1);
  Batch& batch = worker->batch;
  if (batch.empty()) return;
  TimestampTz commit_time = txn->xact_time.commit_time;
  for (uint32_t i = 0; i < batch.touched_count(); i++) {
    FollowedTrend* trend = worker->trends[batch.touched_slot(i)];
    BatchSlice slice = batch.slice(trend->slot);
    if (trend->state == FillState::kWaiting) {
      filling_record(trend, txn->xid, commit_time, txn->final_lsn, slice);
    } else if (trend->state == FillState::kRunning && trend->filter.counts(txn->xid)) {
      trend_apply(trend, slice, commit_time, txn->final_lsn);
    }
  }
  batch.clear();
}

void commit(void*, ReorderBufferTXN* txn, XLogRecPtr) {
  for (uint32_t i = 0; i < worker->batch.touched_count(); i++) {
    source_learn(worker->trends[worker->batch.touched_slot(i)]);
  }
  apply_events(txn);
  sources_commit(txn);
}

// The table of a change by its file, or null. Whether the entry still holds is for the caller to see.
SourceEntry* source_of_file(const ReorderBufferChange* change) {
  const RelFileLocator& file = compat::changed_file(change);
  if (last_source != nullptr && compat::is_same_file(last_source->file, file)) return last_source;
  auto* found = static_cast<FileEntry*>(hash_search(files, &file, HASH_FIND, nullptr));
  return found != nullptr ? found->source : nullptr;
}

bool is_external(HeapTuple row) {
  return row != nullptr && HeapTupleHasExternal(row);
}

bool is_takeable(const ReorderBufferChange* change) {
  if (change->action != REORDER_BUFFER_CHANGE_INSERT && change->action != REORDER_BUFFER_CHANGE_UPDATE &&
      change->action != REORDER_BUFFER_CHANGE_DELETE) {
    return false;
  }
  SourceEntry* entry = source_of_file(change);
  if (entry == nullptr || !entry->valid || !entry->direct) return false;
  last_source = entry;
  return entry->count == 0 || (!is_external(compat::decoded_tuple(change->data.tp.oldtuple)) &&
                               !is_external(compat::decoded_tuple(change->data.tp.newtuple)));
}

bool take(void*, ReorderBufferTXN* txn) {
  if (!settings.direct_replay) return false;
  if (settings.skip_commit != nullptr && settings.skip_commit[0] != '\0') return false;
  if (!for_all_changes(txn, is_takeable)) return false;
  MemoryContext caller = MemoryContextSwitchTo(direct_memory);
  for_all_changes(txn, [txn](ReorderBufferChange* change) {
    CHECK_FOR_INTERRUPTS();
    // Stopping a trend on the way makes entries invalid; they stay as they are until the server replays.
    const SourceEntry* entry = source_of_file(change);
    for (int f = 0; f < entry->count; f++) {
      if (entry->followers[f].trend->state == FillState::kStopped) continue;
      collect_change(entry->followers[f], txn, entry->descriptor, change);
    }
    return true;
  });
  apply_events(txn);
  MemoryContextSwitchTo(caller);
  MemoryContextReset(direct_memory);
  return true;
}

}  // namespace

bool collector_left_out(Oid relation, TransactionId xid) {
  auto* entry = static_cast<SourceEntry*>(hash_search(sources, &relation, HASH_FIND, nullptr));
  return entry != nullptr && entry->left_out == xid;
}

void collector_forget() {
  last_source = nullptr;
  HASH_SEQ_STATUS scan;
  hash_seq_init(&scan, sources);
  while (auto* entry = static_cast<SourceEntry*>(hash_seq_search(&scan))) entry->valid = false;
}

const ChangeSink* collector_create() {
  HASHCTL control = {};
  control.keysize = sizeof(Oid);
  control.entrysize = sizeof(SourceEntry);
  control.hcxt = TopMemoryContext;
  sources = hash_create("trending sources", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  CacheRegisterRelcacheCallback(invalidate, 0);
  control.keysize = sizeof(RelFileLocator);
  control.entrysize = sizeof(FileEntry);
  files = hash_create("trending files", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
  direct_memory = AllocSetContextCreate(TopMemoryContext, "trending transaction", ALLOCSET_DEFAULT_SIZES);
  static const ChangeSink sink = {nullptr, take, begin, change, truncate, commit, idle_clocks_note};
  return &sink;
}

}  // namespace trending
