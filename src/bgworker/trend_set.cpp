// The set of trends that the worker follows, kept equal to trending.trend.
#include <algorithm>

#include "bgworker/checkpoint/stored_trend.h"
#include "bgworker/filling/backfill.h"
#include "bgworker/intake/collector.h"
#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/readings.h"
#include "bgworker/results/shown_ranks.h"
#include "bgworker/trend/blame.h"
#include "bgworker/worker.h"
#include "catalog/definition_catalog.h"
#include "catalog/definition_view.h"
#include "definition/aggregate_functions.h"
#include "definition/partition_by.h"
#include "definition/replica_identity.h"
#include "postgres/fault.h"
#include "postgres/guard.h"
#include "postgres/settings.h"
#include "values/aggregate_result.h"
#include "values/stored_value.h"

namespace trending {

namespace {

// -- what the engine asks of us; `context` is the FollowedTrend

int compare_keys(void* context, KeyView a, KeyView b) {
  return key_compare(static_cast<FollowedTrend*>(context)->definition->keys, a, b);
}

int compare_values(void* context, uint16_t aggregate, KeyView a, KeyView b) {
  return bytes_compare(static_cast<FollowedTrend*>(context)->definition->aggregates[aggregate].bytes, a, b);
}

// Reported when the lock is gone.
KeyView combine(void* context, uint16_t aggregate, KeyView a, KeyView b) {
  auto* trend = static_cast<FollowedTrend*>(context);
  const CombinedAggregate& combined = *trend->definition->aggregates[aggregate].combined;
  char message[sizeof(trend->combine_error)];
  if (!combined_combine(combined, trend->reader->account, &trend->shared->lock, a, b, &trend->combined,
                        message, sizeof(message))) {
    snprintf(trend->combine_error, sizeof(trend->combine_error), "states of %s cannot be combined: %s",
             combined.name, message);
    return {};
  }
  return {reinterpret_cast<const std::byte*>(trend->combined.data),
          static_cast<uint32_t>(trend->combined.len)};
}

KeyView partition_of(void* context, KeyView key) {
  auto* trend = static_cast<FollowedTrend*>(context);
  return partition_key(*trend->definition, key, &trend->partition);
}

bool is_key(void* context, KeyView key) {
  return stored_key_is_valid(static_cast<FollowedTrend*>(context)->definition->keys, key);
}

bool is_value(void* context, uint16_t aggregate, KeyView bytes) {
  return stored_bytes_are_valid(static_cast<FollowedTrend*>(context)->definition->aggregates[aggregate],
                                bytes);
}

bool condition(void* context, KeyView key, const int64_t* result) {
  auto* trend = static_cast<FollowedTrend*>(context);
  bool failed = false;
  bool holds =
      condition_holds(trend->condition, &trend->shared->lock, trend->writer.layout(), key, result, &failed);
  if (failed) pg_atomic_write_u64(&trend->shared->failed, pg_atomic_read_u64(&trend->shared->failed) + 1);
  return holds;
}

void crossed(void* context, KeyView key, const int64_t* result, const Window& window) {
  alerts_note(static_cast<FollowedTrend*>(context), key, result, window);
}

// One for all trends of this worker, which makes all their states: those who read alike share the hashes of
// keys.
uint64_t hash_seed() {
  static uint64_t seed = 0;
  static bool known = false;
  if (!known && !pg_strong_random(&seed, sizeof(seed))) elog(ERROR, "could not get random bytes");
  known = true;
  return seed;
}

}  // namespace

TrendOptions trend_options(const FollowedTrend* trend) {
  const Definition* definition = trend->definition;
  TrendOptions options;
  options.window = definition->window;
  options.aggregate_count = static_cast<uint16_t>(definition->aggregate_count);
  aggregate_specs(definition->aggregates, definition->aggregate_count, options.aggregates);
  options.rank_by = static_cast<uint16_t>(definition->rank_by);
  options.descending = definition->descending;
  options.nulls_first = definition->nulls_first;
  options.retractable = trend->retractable;
  options.watermark_delay = definition->options.watermark_delay;
  options.allowed_lateness = definition->options.allowed_lateness;
  options.has_condition = definition->having != nullptr;
  options.partitioned = is_partitioned(*definition);
  options.report_windows = OidIsValid(definition->history);
  options.max_groups = static_cast<uint32_t>(definition->options.max_groups);
  options.hash_seed = hash_seed();
  return options;
}

StateLayout trend_layout(const FollowedTrend* trend, bool retractable) {
  if (retractable == trend->retractable) return trend->writer.layout();
  TrendOptions options = trend_options(trend);
  options.retractable = retractable;
  return make_layout(options);
}

namespace {

FollowedTrend* find_trend(int32 id) {
  for (FollowedTrend* trend : worker->trends) {
    if (trend != nullptr && trend->id == id) return trend;
  }
  return nullptr;
}

void forget_trend(FollowedTrend* trend) {
  ranks_withdraw(trend);
  area_remove_trend(worker->entry, worker->header, trend->id);
  if (trend->arena.is_open()) trend->arena.destroy();
  worker->trends[trend->slot] = nullptr;
  readings_forget();
  if (trend->memory != nullptr) MemoryContextDelete(trend->memory);
  delete trend;
  worker->trends_forgotten = true;
  worker->checkpoint_due = true;  // its stored state goes with the next checkpoint
}

// Null when there is no room for one more.
FollowedTrend* add_trend(int32 id) {
  TrendShared* shared = area_add_trend(worker->entry, worker->header, id);
  if (shared == nullptr) return nullptr;
  auto* trend = new FollowedTrend();
  trend->id = id;
  trend->shared = shared;
  auto free_slot = std::find(worker->trends.begin(), worker->trends.end(), nullptr);
  trend->slot = static_cast<uint32_t>(free_slot - worker->trends.begin());
  if (free_slot == worker->trends.end()) {
    worker->trends.push_back(trend);
  } else {
    *free_slot = trend;
  }
  trend->blocks = AreaBlocks{worker->area, &shared->lock, &worker->owners[InvalidOid], 0};
  return trend;
}

// Whose share of the memory its state, of which there is none now, will take.
void charge(FollowedTrend* trend, Oid owner) {
  Assert(trend->blocks.bytes == 0);
  OwnerMemory* memory = &worker->owners[owner];
  memory->owner = owner;
  trend->blocks.owner = memory;
}

// Tried again after so long, then doubled up to the other: many such trends must not keep the worker busy.
constexpr int64 kMemoryPauseUs = 1000 * 1000;
constexpr int64 kMemoryLongPauseUs = 64 * kMemoryPauseUs;

void stop_without_memory(FollowedTrend* trend) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "There is no memory for its state. %s", memory_refusal());
  trend_stop(trend, reason);
  trend->definition = nullptr;  // whoever has one has a state
  trend->lacks_memory = true;
  trend->memory_pause_us = Min(Max(2 * trend->memory_pause_us, kMemoryPauseUs), kMemoryLongPauseUs);
  trend->fill_at = GetCurrentTimestamp() + trend->memory_pause_us;
}

// Takes the state away from readers.
void drop_state(FollowedTrend* trend) {
  ranks_withdraw(trend);
  hold_trend(trend->shared);
  trend->shared->arena = trend->shared->root = 0;
  if (trend->arena.is_open()) trend->arena.destroy();
  release_trend(trend->shared);
}

// A new empty one, and its place in the batch that fills it.
Status make_own_state(FollowedTrend* trend) {
  const Status status = trend_make_state(trend, trend_options(trend));
  if (status != Status::kOk) return status;
  return worker->filling.open_slot(trend->slot, trend->writer.windows(), trend->writer.hash_seed());
}

// The ids in trending.trend, in TopMemoryContext; false when the extension is not installed.
bool read_ids(List** ids) {
  worker_begin();
  bool installed = OidIsValid(get_extension_oid("trending", true));
  if (installed) {
    worker->catalog = trend_table();
    MemoryContextSwitchTo(TopMemoryContext);
    *ids = definition_ids();
  }
  worker_commit();
  return installed;
}

}  // namespace

void trend_note_retractable(FollowedTrend* trend, const Definition& definition) {
  Retractable retractable = identity_covers(definition) ? Retractable::kYes : Retractable::kNo;
  pg_atomic_write_u32(&trend->shared->retractable, static_cast<uint32>(retractable));
}

void trend_set_phase(FollowedTrend* trend, TrendPhase phase) {
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(phase));
  pg_atomic_fetch_add_u64(&trend->shared->version, 1);
  ConditionVariableBroadcast(&worker->entry->changed);
}

void trend_stop(FollowedTrend* trend, const char* reason) {
  trend->state = FillState::kStopped;
  trend->unfit = trend->rights_lost = trend->lacks_memory = false;
  hold_trend(trend->shared);
  bool changed = strcmp(trend->shared->reason, reason) != 0;
  strlcpy(trend->shared->reason, reason, kMessageSize);
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(TrendPhase::kStopped));
  release_trend(trend->shared);
  trend->recorded.clear();
  trend->recorded_bytes = 0;
  trend_set_phase(trend, TrendPhase::kStopped);
  worker->checkpoint_due = true;  // nothing may stay stored of it
  if (changed) ereport(LOG, (errmsg("trend %d is stopped", trend->id), errdetail("%s", reason)));
}

void trend_tell(FollowedTrend* trend, const char* message) {
  hold_trend(trend->shared);
  strlcpy(trend->shared->reason, message, kMessageSize);
  release_trend(trend->shared);
}

void trend_note_failure(FollowedTrend* trend) {
  constexpr int64 kPauseUs = 60 * INT64CONST(1000000);
  const TimestampTz now = GetCurrentTimestamp();
  if (now - trend->failure_told < kPauseUs) return;
  trend->failure_told = now;
  ereport(LOG, (errcode(evaluation_failure.sqlstate), errmsg("trend %d could not count a row", trend->id),
                errdetail("%s", evaluation_failure.message)));
}

void trend_report(FollowedTrend* trend, const char* message) {
  hold_trend(trend->shared);
  bool changed = strcmp(trend->shared->reason, message) != 0;
  strlcpy(trend->shared->reason, message, kMessageSize);
  release_trend(trend->shared);
  if (changed && message[0] != '\0') {
    ereport(WARNING, (errmsg("trend %d: %s", trend->id, message)));
  }
}

Status trend_make_state(FollowedTrend* trend, const TrendOptions& options) {
  Hooks hooks;
  hooks.context = trend;
  hooks.compare_keys = compare_keys;
  hooks.partition_of = partition_of;
  hooks.condition = condition;
  hooks.crossed = crossed;
  hooks.compare_values = compare_values;
  hooks.combine = combine;
  hooks.is_key = is_key;
  hooks.is_value = is_value;
  const uint64_t limit = static_cast<uint64_t>(settings.memory_limit_mb) * 1024 * 1024;
  Status status = trend->arena.create(block_source(&trend->blocks), limit);
  if (status == Status::kOk) {
    status = trend->writer.create(&trend->arena, options, hooks, trend->definition->calendar);
  }
  if (status == Status::kOk) trend->writer.report_crossings(false);  // until the state is what it was
  return status;
}

bool trend_reset_state(FollowedTrend* trend) {
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(TrendPhase::kFilling));
  drop_state(trend);
  charge(trend, trend->definition->owner);
  const Status status = make_own_state(trend);
  if (status == Status::kInvalidOptions) elog(ERROR, "options of trend %d are out of range", trend->id);
  if (status != Status::kOk) {
    readings_forget();
    drop_state(trend);
    stop_without_memory(trend);
    return false;
  }
  hold_trend(trend->shared);
  trend->memory_pause_us = 0;
  trend->shared->arena = new_identity();
  trend->shared->root = trend->arena.root_handle();
  trend->shared->definition = trend->definition->state;
  release_trend(trend->shared);
  readings_forget();
  history_reset(trend);
  forget_stored_trend(trend);
  trend->filter = SnapshotFilter{};
  trend->clock_base = kNoTime;
  trend->ahead.clear();
  trend->latest_known = false;
  trend->changed.clear();
  trend->judged_by = InvalidTransactionId;
  for (auto& [oid, table] : trend->tables) {
    table.latest = kNoTime;
    table.surveyed = InvalidXLogRecPtr;
  }
  return true;
}

namespace {

void keep_options(FollowedTrend* trend) {
  const Definition* definition = trend->definition;
  if (definition != nullptr) {
    trend->in_force = {true, definition->options, definition->history, definition->late};
  }
}

Oid existing_table(Oid table) {
  return OidIsValid(table) && get_rel_name(table) != nullptr ? table : InvalidOid;
}

void take_options(FollowedTrend* trend, Definition* definition) {
  if (!trend->in_force.known) return;
  definition->options = trend->in_force.options;
  definition->history = existing_table(trend->in_force.history);
  definition->late = existing_table(trend->in_force.late);
}

}  // namespace

bool trend_load(FollowedTrend* trend) {
  if (trend->memory == nullptr) {
    trend->memory = AllocSetContextCreate(TopMemoryContext, "trending trend", ALLOCSET_DEFAULT_SIZES);
  }
  keep_options(trend);
  MemoryContextReset(trend->memory);
  trend->definition = nullptr;
  readings_forget();
  ErrorData* volatile error = nullptr;
  volatile bool found = false;
  PG_TRY();
  {
    worker_begin();
    working_for(trend->id, Work::kLoading);
    fault_point(FaultPoint::kLoad, trend->id);
    trend->source = definition_source(trend->id, &trend->view);
    MemoryContextSwitchTo(trend->memory);
    Definition* definition = definition_load(trend->id);
    if (definition != nullptr) {
      trend->reader = row_reader_create(definition);
      initStringInfo(&trend->partition);
      initStringInfo(&trend->combined);
      trend->condition = condition_create(definition);
      trend_note_retractable(trend, *definition);
      trend->retractable = keeps_values(*definition) && identity_covers_some(*definition);
      definition_view_confirm(*definition);
      take_options(trend, definition);
      trend->definition = definition;
      found = true;
    }
    worker_commit();
  }
  PG_CATCH();
  {
    error = worker_abort();
    trend->definition = nullptr;
  }
  PG_END_TRY();
  collector_forget();
  own_rows_learn(trend);
  if (error != nullptr) {
    // A locked table is waited for; anything else is for the user to see.
    if (!is_conflict(error)) {
      trend_stop(trend, error->message);
      trend->unfit = true;
    }
    FreeErrorData(error);
    return false;
  }
  return found;
}

namespace {

// At the worker's start: goes on with the stored state of a trend, if there is one.
bool trend_restore(FollowedTrend* trend) {
  if (!trend_load(trend) || !trend_reset_state(trend)) return trend->state == FillState::kStopped;
  if (!checkpoint_restore(trend)) return false;
  own_rows_learn(trend);  // under the options that are stored
  worker_begin();
  backfill_load(trend);
  worker_commit();
  trend->writer.report_crossings(true);
  trend->is_whole = true;
  trend->state = FillState::kRunning;
  trend_set_phase(trend, TrendPhase::kRunning);
  return true;
}

}  // namespace

void trend_apply(FollowedTrend* trend, const BatchSlice& slice, TimestampTz commit_time, XLogRecPtr lsn) {
  TrendShared* shared = trend->shared;
  working_for(trend->id, Work::kApplying);
  fault_point(FaultPoint::kApply, trend->id);
  trend->writer.prepare(trend->writer.latest_of(slice));
  hold_trend(shared);
  (void)trend->writer.apply(slice);  // what it refuses, it counts
  pg_atomic_write_u64(&shared->version, pg_atomic_read_u64(&shared->version) + 1);
  release_trend(shared);
  alerts_noted(trend, lsn, commit_time);
  if (trend->combine_error[0] != '\0') {
    trend_report(trend, trend->combine_error);
    trend->combine_error[0] = '\0';
  }
  if (unlikely(evaluation_overdrawn())) trend_set_aside(trend, evaluation_overdrawn_reason());
  trend->clock_base = trend->writer.clock();
  trend->clock_wall = commit_time;
  trend->dirty = true;
  // The next event may share a pane with a final window for which it comes too late.
  if (trend->writer.has_final_pending_window()) history_take(trend);
}

bool trends_refresh() {
  List* ids = NIL;
  if (!read_ids(&ids)) return false;
  for (size_t slot = 0; slot < worker->trends.size(); slot++) {
    FollowedTrend* trend = worker->trends[slot];
    if (trend != nullptr && !list_member_int(ids, trend->id)) forget_trend(trend);
  }
  ListCell* cell = nullptr;
  for (AlteredTrend& altered : worker->altered) {
    FollowedTrend* trend = find_trend(altered.id);
    if (trend != nullptr) trend_alter(trend, altered);
  }
  worker->altered.clear();
  foreach (cell, ids) {
    if (find_trend(lfirst_int(cell)) != nullptr) continue;
    FollowedTrend* trend = add_trend(lfirst_int(cell));
    if (trend == nullptr) {
      ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                        errmsg("trend %d is not followed: this database has more than %d trends",
                               lfirst_int(cell), worker->header->capacity),
                        errhint("Drop one, or raise trending.max_trends and restart the server.")));
      continue;
    }
    trend->is_new = TransactionIdIsValid(worker->replayed);
    char reason[kMessageSize];
    if (blame_sets_aside(trend->id, reason)) {
      trend->set_aside = true;
      trend_stop(trend, reason);
      continue;
    }
    if (!worker->restoring || !trend_restore(trend)) filling_start(trend);
  }
  list_free(ids);
  collector_forget();
  return true;
}

}  // namespace trending
