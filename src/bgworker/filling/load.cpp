// SPDX-License-Identifier: PostgreSQL
#include "bgworker/filling/load.h"

#include <algorithm>

#include "bgworker/checkpoint/kept_clocks.h"
#include "bgworker/checkpoint/stored_trend.h"
#include "bgworker/filling/backfill.h"
#include "bgworker/filling/filling_part.h"
#include "bgworker/intake/ahead_times.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/intake/joined_rows.h"
#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/passed_over.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/intake/refill.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/intake/source_map.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/working.h"
#include "bgworker/results/alerts.h"
#include "bgworker/results/history.h"
#include "bgworker/results/late_table.h"
#include "bgworker/results/shown_ranks.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/definition_catalog.h"
#include "catalog/definition_view.h"
#include "definition/aggregate_functions.h"
#include "definition/replica_identity.h"
#include "postgres/fault.h"

namespace trending {

FollowedTrend::FollowedTrend()
    : tables(std::make_unique<SourceTables>()),
      ahead(std::make_unique<AheadTimes>()),
      gone(std::make_unique<RowsGone>()),
      passed(std::make_unique<PassedOver>()),
      idle_clock(std::make_unique<IdleClock>()),
      history(std::make_unique<TrendHistory>()),
      ranks(std::make_unique<ShownRanks>()),
      late(std::make_unique<RefusedRows>()),
      alerts(std::make_unique<TrendAlerts>()),
      stored(std::make_unique<StoredTrend>()),
      kept(std::make_unique<KeptClocks>()),
      filling(std::make_unique<Filling>()),
      pace(std::make_unique<BackfillPace>()) {}

FollowedTrend::~FollowedTrend() = default;

namespace {

void crossed(void* context, KeyView key, const int64_t* result, const Window& window) {
  alerts_note(static_cast<FollowedTrend*>(context), key, result, window);
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
  trend->trouble.lacks_memory = true;
  trend->filling->memory_pause_us =
      std::min(std::max(2 * trend->filling->memory_pause_us, kMemoryPauseUs), kMemoryLongPauseUs);
  trend->fill.not_before = GetCurrentTimestamp() + trend->filling->memory_pause_us;
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
  const Status status = trend_make_state(trend, trend_options(trend), crossed);
  if (status != Status::kOk) return status;
  Status joined = Status::kOk;
  if (trend->joined != nullptr) {
    joined = worker->joined.open_slot(trend->slot, trend->writer.windows(), trend->writer.hash_seed());
  }
  if (joined != Status::kOk) return joined;
  return worker->filling.open_slot(trend->slot, trend->writer.windows(), trend->writer.hash_seed());
}

}  // namespace

bool trend_reset_state(FollowedTrend* trend) {
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(TrendPhase::kFilling));
  drop_state(trend);
  charge(trend, trend->definition->owner);
  const Status status = make_own_state(trend);
  if (status == Status::kInvalidOptions) elog(ERROR, "options of trend %d are out of range", trend->id);
  if (status != Status::kOk) {
    shared_readers_forget();
    drop_state(trend);
    stop_without_memory(trend);
    return false;
  }
  hold_trend(trend->shared);
  trend->filling->memory_pause_us = 0;
  trend->shared->arena = new_identity();
  trend->shared->root = trend->arena.root_handle();
  trend->shared->definition = trend->definition->state;
  release_trend(trend->shared);
  shared_readers_forget();
  history_reset(trend);
  forget_stored_trend(trend);
  trend->fill.filter = SnapshotFilter{};
  trend->idle_clock->base = kNoTime;
  trend->ahead->clear();
  trend->tables->latest_known = false;
  trend->gone->changed.clear();
  trend->gone->judged_by = InvalidTransactionId;
  for (auto& [oid, table] : trend->tables->all) {
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

namespace {

// Whether rows or groups cost more than a look at columns.
bool computes(const FollowedTrend* trend, const Definition& definition) {
  return trend->reader->may_fail || definition.having != nullptr || definition.expression_count > 0;
}

void check_owner(const FollowedTrend* trend, const Definition& definition) {
  char reason[kMessageSize];
  if (!computes(trend, definition) || !blame_bans(definition.owner, reason)) return;
  ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg_internal("%s", reason)));
}

}  // namespace

bool trend_load(FollowedTrend* trend) {
  if (trend->memory == nullptr) {
    trend->memory = AllocSetContextCreate(TopMemoryContext, "trending trend", ALLOCSET_DEFAULT_SIZES);
  }
  keep_options(trend);
  MemoryContextReset(trend->memory);
  trend->definition = nullptr;
  shared_readers_forget();
  bool found = false;
  ErrorData* error = worker_try([trend, &found] {
    working_for(trend->id, Work::kLoading);
    fault_point(FaultPoint::kLoad, trend->id);
    trend->source = definition_source(trend->id, &trend->view);
    MemoryContextSwitchTo(trend->memory);
    Definition* definition = definition_load(trend->id);
    if (definition != nullptr) {
      trend->reader = row_reader_create(definition);
      check_owner(trend, *definition);
      trend->buffers.make();
      trend->condition = condition_create(definition);
      trend->rank_keys = rank_keys_create(definition);
      trend_note_retractable(trend, *definition);
      trend->keeps_values =
          needs_values(*definition) && (definition->dimension_count > 0 || identity_covers_some(*definition));
      definition_view_confirm(*definition);
      take_options(trend, definition);
      trend->definition = definition;
      joined_create(trend);
      found = true;
    }
  });
  if (error != nullptr) trend->definition = nullptr;
  source_map_forget();
  own_rows_learn(trend);
  if (error != nullptr) {
    // A locked table is waited for; anything else is for the user to see.
    if (!is_conflict(error)) {
      trend_stop(trend, error->message);
      trend->trouble.unfit = true;
    }
    FreeErrorData(error);
    return false;
  }
  return found;
}

}  // namespace trending
