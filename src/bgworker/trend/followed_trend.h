// SPDX-License-Identifier: PostgreSQL
// The worker's side of one trend: definition, row reader, engine state, and how far its filling has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>  // before the server's headers, whoever includes what next
#include <utility>
#include <vector>

#include "bgworker/trend/condition.h"
#include "bgworker/trend/snapshot_filter.h"
#include "decoder/row_reader.h"
#include "engine/aggregates/batch.h"
#include "engine/trend/trend_writer.h"
#include "postgres/server.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

// Events of transactions decoded while the trend awaits its filling, with their xids.
struct RecordedTransaction {
  TransactionId xid;
  TimestampTz commit_time;
  XLogRecPtr lsn;
  std::vector<std::byte> records;  // BatchRecords

  const BatchRecord* begin() const { return reinterpret_cast<const BatchRecord*>(records.data()); }
  const BatchRecord* end() const {
    return reinterpret_cast<const BatchRecord*>(records.data() + records.size());
  }
};

enum class FillState : uint8_t {
  kLoading,   // the definition could not be read yet (its table is locked)
  kAwaiting,  // for transactions that were writing to the source when the trend began
  kRunning,
  kStopped,
};

// Where the clocks stood: refilling does not set them back. And how many rows were refused by then for
// what filling does not look at.
struct ClockBefore {
  Time clock = kNoTime;
  Time watermark = kNoTime;
  Time final_until = kNoTime;
  int64 late = 0;
  int64 null_time = 0;
  int64 failed = 0;
  int64 unretracted = 0;

  friend bool operator==(const ClockBefore&, const ClockBefore&) = default;
};

// The options at the position. The catalog may have later ones, which take effect where their commit is
// decoded.
struct OptionsInForce {
  bool known = false;
  DefinitionOptions options = {};
  Oid history = InvalidOid;
  Oid late = InvalidOid;
};

class AheadTimes;
struct IdleClock;
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
  StringInfoData partition = {};  // of a key, for the engine
  StringInfoData combined = {};   // a state, likewise
  char combine_error[256] = "";   // why the last one could not be made
  bool keeps_values = false;      // the engine keeps what retracting extremes, first and last values needs

  // -- source (source_changes.cpp)
  Oid source = InvalidOid;    // known once the definition was loaded
  Oid view = InvalidOid;      // that holds the definition, likewise
  bool unfit = false;         // stopped since its definition does not fit the source
  bool rights_lost = false;   // stopped since its owner may not read the source
  bool lacks_memory = false;  // stopped since there is none for its state: tried again at fill_at
  int64 memory_pause_us = 0;  // how long it was left alone the last time
  bool set_aside = false;     // stopped until it is resumed (blame.h)

  // -- engine state
  TrendShared* shared = nullptr;
  AreaBlocks blocks = {};
  Arena arena;
  TrendWriter writer;

  // -- filling
  std::vector<VirtualTransactionId> writers;  // that must end before the backfill's snapshot is taken
  const char* why_filled = "";                // a sentence, or empty: it is new
  TimestampTz awaits_since = 0;               // for writers
  TimestampTz told_at = 0;                    // when the status was last told whom it waits for
  std::vector<RecordedTransaction> recorded;
  size_t recorded_bytes = 0;  // with the candidates among them (intake/passed_over.h)
  SnapshotFilter filter;
  bool refill = false;        // the source was truncated, say: refill
  bool outdated = false;      // likewise; the transaction that is being decoded is not applied any more
  TimestampTz next_try = 0;   // its source was locked: not to be tried before
  TimestampTz fill_at = 0;    // its history was locked, or there was no memory: not to be filled before
  bool fill_paused = false;   // for that reason
  TimestampTz filled_at = 0;  // when its last filling ended
  int64 fill_us = 0;          // and how long that took

  bool is_whole = false;  // the engine state is that of the source, or was until a reason to refill it
  ClockBefore before;     // of such a state, for the filling that replaces it
  ClockBefore kept;       // what is stored of them (checkpoint/kept_clocks.h)
  bool kept_known = false;
  bool is_new = false;  // made by the transaction decoded just now: nothing of its source has been missed

  // -- start, and how far back history is complete (backfill.cpp): its row in trending.trend_start
  std::string later;  // as text
  Time history_since = kNoTime;
  bool has_history_since = false;
  bool backfilling = false;
  int64 backfill_span = 0;      // event time of the next portion; 0: not known yet
  int64 backfill_us = 0;        // how long the last one took
  TimestampTz backfill_at = 0;  // not before

  // -- parts of modules
  std::unique_ptr<SourceTables> tables;   // intake/source_changes.h
  std::unique_ptr<AheadTimes> ahead;      // intake/ahead_times.h
  std::unique_ptr<RowsGone> gone;         // intake/refill.h
  std::unique_ptr<PassedOver> passed;     // intake/passed_over.h
  std::unique_ptr<IdleClock> idle_clock;  // intake/idle_clock.h
  std::unique_ptr<TrendHistory> history;  // results/history.h
  std::unique_ptr<ShownRanks> ranks;      // results/shown_ranks.h
  std::unique_ptr<RefusedRows> late;      // results/late_table.h
  std::unique_ptr<TrendAlerts> alerts;    // results/alerts.h
  std::unique_ptr<StoredTrend> stored;    // checkpoint/stored_trend.h

  bool dirty = false;            // changed since the last checkpoint
  TimestampTz failure_told = 0;  // when the log was last told of a row that failed
};

}  // namespace trending
