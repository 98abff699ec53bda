// SPDX-License-Identifier: PostgreSQL
#include "bgworker/alter.h"

#include "bgworker/intake/own_rows.h"
#include "bgworker/intake/shared_readers.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/change_trend.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "postgres/guard.h"

namespace trending {

namespace {

void alter_engine(FollowedTrend* trend) {
  StartTransactionCommand();  // comparing keys may need catalogs
  bool good = false;
  change_trend(trend, [&](TrendWriter* writer) {
    good = writer->alter(tuning_of(*trend->definition));
    return true;
  });
  if (!good) elog(ERROR, "options of trend %d are out of range", trend->id);
  if (trend->writer.has_final_pending_window()) history_harvest(trend);
  CommitTransactionCommand();
  MemoryContextSwitchTo(worker->loop.memory);
}

// History begins with the windows that are not final. What the table has of an earlier time stays, but for
// such windows, which are written again.
void begin_history(FollowedTrend* trend) {
  worker_begin();
  SPI_connect();
  history_restore(trend);
  SPI_finish();
  history_redo(trend, trend->writer.final_until(), DT_NOEND);
  worker_commit();
}

void end_history(FollowedTrend* trend) {
  trend->history->windows.items.clear();
  trend->history->unfinal_ends.clear();
  trend->history->unfinal_known = true;
  trend->history->redo.wanted = false;
  trend_report(trend, "");
}

}  // namespace

void trend_alter(FollowedTrend* trend, const AlteredTrend& altered) {
  if (trend->in_force.known) trend->in_force = {true, altered.options, altered.history, altered.late};
  // One that is not running yet reads its row when it is loaded.
  bool loaded = trend->state == FillState::kRunning || trend->state == FillState::kAwaiting;
  if (!loaded || trend->definition == nullptr) return;
  Definition* definition = trend->definition;
  bool had_history = OidIsValid(definition->history);
  definition->options = altered.options;
  definition->history = altered.history;
  definition->late = altered.late;
  bool has_history = OidIsValid(definition->history);
  if (trend->state == FillState::kRunning && has_history && !had_history) begin_history(trend);
  alter_engine(trend);
  if (had_history && !has_history) end_history(trend);
  shared_readers_forget();
  own_rows_learn(trend);
  trend->dirty = true;
}

}  // namespace trending
