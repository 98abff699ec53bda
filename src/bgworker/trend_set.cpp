// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend_set.h"

#include <algorithm>
#include <map>

#include "bgworker/alter.h"
#include "bgworker/checkpoint/checkpoint.h"
#include "bgworker/filling/backfill.h"
#include "bgworker/filling/filling.h"
#include "bgworker/filling/load.h"
#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/intake/source_map.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/worker_end.h"
#include "bgworker/results/shown_ranks.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/definition_catalog.h"
#include "postgres/guard.h"

namespace trending {

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
  shared_readers_forget();
  if (trend->memory != nullptr) MemoryContextDelete(trend->memory);
  delete trend;
  worker->checkpoint.trends_forgotten = true;
  worker->checkpoint.due = true;  // the next checkpoint deletes its stored state
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

// The ids in trending.trend, in TopMemoryContext; false when the extension is not installed.
bool read_ids(List** ids) {
  worker_begin();
  bool installed = OidIsValid(get_extension_oid("trending", true));
  VersionWords words;
  const bool fits = version_fits(&words);
  if (installed && fits) {
    worker->catalog.table = trend_table();
    if (!OidIsValid(worker->catalog.table)) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table trending.trend is missing"),
                      errhint("If schema \"trending\" was renamed, give it its name back.")));
    }
    MemoryContextSwitchTo(TopMemoryContext);
    *ids = definition_ids();
  }
  worker_commit();
  if (!fits) leave_unavailable(words.message, words.hint);
  return installed;
}

}  // namespace

namespace {

// At the worker's start: goes on with the stored state of a trend, if there is one.
bool trend_restore(FollowedTrend* trend) {
  if (!trend_load(trend) || !trend_reset_state(trend)) return trend->state == FillState::kStopped;
  if (!checkpoint_restore(trend)) {
    (void)trend_reset_state(trend);
    return false;
  }
  own_rows_learn(trend);        // under the options that are stored
  if (!RecoveryInProgress()) {  // a standby fills nothing
    worker_begin();
    backfill_load(trend);
    worker_commit();
  }
  trend->writer.report_crossings(true);
  trend->fill.is_whole = true;
  trend->fill.before = {};
  trend->state = FillState::kRunning;
  trend_set_phase(trend, TrendPhase::kRunning);
  return true;
}

}  // namespace

namespace {

// How the trend was loaded last: the checksum of its row in trend_state.
std::map<int32, int64> shown_states;

void show_stored(int32 id) {
  const auto stored = worker->checkpoint.states.find(id);
  const bool is_stored = stored != worker->checkpoint.states.end();
  const auto before = shown_states.find(id);
  FollowedTrend* trend = find_trend(id);
  if (trend != nullptr && is_stored && before != shown_states.end() && before->second == stored->second)
    return;
  shown_states.erase(id);
  if (trend == nullptr) trend = add_trend(id);
  if (trend == nullptr) return;
  if (is_stored && trend_restore(trend) && trend->state == FillState::kRunning) {
    shown_states[id] = stored->second;
  } else if (trend->state != FillState::kStopped || !is_stored) {
    trend_stop(
        trend,
        "The last checkpoint has nothing of it: it was being filled, or other tables are joined to it.");
  }
}

}  // namespace

bool trends_show_stored() {
  List* ids = NIL;
  if (!read_ids(&ids)) return false;
  for (FollowedTrend* trend : worker->trends) {
    if (trend != nullptr && !list_member_int(ids, trend->id)) forget_trend(trend);
  }
  ListCell* cell = nullptr;
  foreach (cell, ids) {
    CHECK_FOR_INTERRUPTS();
    show_stored(lfirst_int(cell));
  }
  list_free(ids);
  return true;
}

bool trends_refresh() {
  List* ids = NIL;
  if (!read_ids(&ids)) return false;
  for (size_t slot = 0; slot < worker->trends.size(); slot++) {
    FollowedTrend* trend = worker->trends[slot];
    if (trend != nullptr && !list_member_int(ids, trend->id)) forget_trend(trend);
  }
  ListCell* cell = nullptr;
  for (AlteredTrend& altered : worker->catalog.altered) {
    FollowedTrend* trend = find_trend(altered.id);
    if (trend != nullptr) trend_alter(trend, altered);
  }
  worker->catalog.altered.clear();
  foreach (cell, ids) {
    if (find_trend(lfirst_int(cell)) != nullptr || !trend_is_known(lfirst_int(cell))) continue;
    FollowedTrend* trend = add_trend(lfirst_int(cell));
    if (trend == nullptr) {
      ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                        errmsg("trend %d is not followed: this database has more than %d trends",
                               lfirst_int(cell), worker->header->capacity),
                        errhint("Drop one, or raise trending.max_trends and restart the server.")));
      continue;
    }
    trend->fill.is_new = trend_was_created(trend->id);
    char reason[kMessageSize];
    if (blame_sets_aside(trend->id, reason)) {
      trend_put_aside(trend, reason);
      continue;
    }
    if (!worker->checkpoint.restoring || !trend_restore(trend)) filling_start(trend);
  }
  known_trends_looked();
  list_free(ids);
  source_map_forget();
  return true;
}

}  // namespace trending
