// SPDX-License-Identifier: PostgreSQL
// The worker's side of one trend: definition, row reader, engine state, and the parts that modules own.
// Parts that every transaction looks at are members, the others are reached by a pointer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>  // before the server's headers, whoever includes what next

#include "bgworker/trend/condition.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/recorded.h"
#include "bgworker/trend/trend_fill.h"
#include "bgworker/trend/trend_status.h"
#include "definition/rank_key.h"
#include "decoder/row_reader.h"
#include "engine/trend/trend_writer.h"
#include "postgres/server.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

// The options at the position. The catalog may have later ones, which take effect where their commit is
// decoded.
struct OptionsInForce {
  bool known = false;
  DefinitionOptions options = {};
  Oid history = InvalidOid;
  Oid late = InvalidOid;
};

class AheadTimes;
struct BackfillPace;
struct Filling;
struct IdleClock;
struct JoinedRows;
struct KeptClocks;
struct RefusedRows;
struct PassedOver;
struct RowsGone;
struct ShownRanks;
struct SourceTables;
struct StoredTrend;
struct TrendAlerts;
struct TrendHistory;

struct FollowedTrend {
  FollowedTrend();  // filling/load.cpp, which sees all parts
  ~FollowedTrend();

  int32 id = 0;
  uint32_t slot = 0;  // in Worker::trends and Worker::filling
  FillState state = FillState::kLoading;

  // -- definition; all in `memory`, and the engine has a state for it
  MemoryContext memory = nullptr;
  Definition* definition = nullptr;
  OptionsInForce in_force;  // while the definition is loaded again
  RowReader* reader = nullptr;
  GroupRow* condition = nullptr;  // HAVING
  RankKeys* rank_keys = nullptr;  // where the engine does not rank by itself
  bool keeps_values = false;      // the engine keeps what retracting extremes, first and last values needs

  // -- source
  Oid source = InvalidOid;  // known once the definition was loaded
  Oid view = InvalidOid;    // that holds the definition, likewise

  // -- engine state
  TrendShared* shared = nullptr;
  AreaBlocks blocks = {};
  Arena arena;
  TrendWriter writer;
  HookBuffers buffers;

  // -- parts of modules
  TrendTrouble trouble;                   // trend/trend_status.h
  TrendFill fill;                         // trend/trend_fill.h
  TrendStart start;                       // likewise
  Recorded recorded;                      // trend/recorded.h
  std::unique_ptr<SourceTables> tables;   // intake/source_changes.h
  std::unique_ptr<JoinedRows> joined;     // trend/joined_rows.h; null: no table is joined
  std::unique_ptr<AheadTimes> ahead;      // intake/ahead_times.h
  std::unique_ptr<RowsGone> gone;         // intake/refill.h
  std::unique_ptr<PassedOver> passed;     // intake/passed_over.h
  std::unique_ptr<IdleClock> idle_clock;  // intake/idle_clock.h
  std::unique_ptr<TrendHistory> history;  // results/history.h
  std::unique_ptr<ShownRanks> ranks;      // results/shown_ranks.h
  std::unique_ptr<RefusedRows> late;      // results/late_table.h
  std::unique_ptr<TrendAlerts> alerts;    // results/alerts.h
  std::unique_ptr<StoredTrend> stored;    // checkpoint/stored_trend.h
  std::unique_ptr<KeptClocks> kept;       // checkpoint/kept_clocks.h
  std::unique_ptr<Filling> filling;       // filling/filling_part.h
  std::unique_ptr<BackfillPace> pace;     // filling/backfill.h

  bool dirty = false;  // changed since the last checkpoint
};

}  // namespace trending
