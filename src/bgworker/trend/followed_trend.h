// The worker's side of one trend: definition, row reader, engine state, and how far its filling has come.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>  // before the server's headers, whoever includes what next
#include <utility>
#include <vector>

#include "bgworker/intake/ahead_times.h"
#include "bgworker/trend/condition.h"
#include "decoder/row_reader.h"
#include "engine/aggregates/batch.h"
#include "engine/trend/trend_writer.h"
#include "postgres/server.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

// Which decoded transactions a backfill has already counted: those that its snapshot saw. A transaction
// counts exactly when its top-level xid is not visible in the snapshot. Never decided by position or time,
// for a transaction's commit record can be in the WAL before others see it.
struct SnapshotFilter {
  TransactionId xmax = InvalidTransactionId;  // invalid: no filter, everything counts
  std::vector<TransactionId> in_progress;     // sorted; running when the snapshot was taken
  XLogRecPtr until = InvalidXLogRecPtr;       // everything that commits behind this counts

  bool active() const { return TransactionIdIsValid(xmax); }
  bool counts(TransactionId xid) const;
};

// Events of transactions decoded while the trend waits to be filled, with their xids.
struct RecordedTransaction {
  TransactionId xid;
  TimestampTz commit_time;
  XLogRecPtr lsn;
  std::vector<std::byte> records;  // BatchRecords
};

enum class FillState : uint8_t {
  kLoading,  // the definition could not be read yet (its table is locked)
  kWaiting,  // for transactions that were writing to the source when the trend began
  kRunning,
  kStopped,
};

// What is stored of a pane, to decide between another delta and writing it whole.
struct StoredPane {
  int32 segments = 0;
  size_t whole_bytes = 0;
  size_t delta_bytes = 0;
  uint64 sum = 0;  // of its rows' checksums, spread
};

// A table whose rows are rows of a trend's source: the source itself, or a partition that is none again.
struct SourceTable {
  bool listed = false;  // part of the source at the position; else met in a transaction not yet committed
  TransactionId joined_by = InvalidTransactionId;
  Time latest = kNoTime;      // no event that was counted from it is later; kNoTime: none was
  Oid filenode = InvalidOid;  // as last seen: another one means that it was rewritten or truncated
  TransactionId seen_by = InvalidTransactionId;  // who showed it first, perhaps after a rewrite of his own
  // When it joined it had no rows of interest, by a look at what was committed up to here: a row that is
  // deleted before may have been among those that it brought along.
  XLogRecPtr surveyed = InvalidXLogRecPtr;
};

// Where the clocks stood: filling anew does not take them back.
struct ClockBefore {
  Time clock = kNoTime;
  Time watermark = kNoTime;
  Time final_until = kNoTime;
};

// What is stored of it.
struct StoredTable {
  bool listed;
  Time latest;
  XLogRecPtr surveyed;
  Oid filenode;

  friend bool operator==(const StoredTable&, const StoredTable&) = default;
};

// The options at the position. The catalog may have later ones, which are taken where their commit is
// decoded.
struct OptionsInForce {
  bool known = false;
  DefinitionOptions options = {};
  Oid history = InvalidOid;
  Oid late = InvalidOid;
};

struct LateRows;
struct ShownRanks;
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
  OptionsInForce in_force;  // while the definition is loaded anew
  RowReader* reader = nullptr;
  Condition* condition = nullptr;  // HAVING
  StringInfoData partition = {};   // of a key, for the engine
  StringInfoData combined = {};    // a state, likewise
  char combine_error[256] = "";    // why the last one could not be made
  bool asked_to_retract = false;   // filled anew to become so, since its source was last looked at
  bool retractable = false;        // the engine keeps what taking back extremes, first and last values needs

  // -- source (source_changes.cpp)
  Oid source = InvalidOid;             // known once the definition was loaded
  Oid view = InvalidOid;               // that holds the definition, likewise
  std::map<Oid, SourceTable> tables;   // by OID
  bool tables_known = false;           // those listed are what the source consists of at the position
  bool latest_known = false;           // SourceTable::latest was kept since the trend was filled
  bool recheck = false;                // the source was altered: see whether the definition still fits
  bool unfit = false;                  // stopped since its definition does not fit the source
  bool rights_lost = false;            // stopped since its owner may not read the source
  bool lacks_memory = false;           // stopped since there is none for its state: tried again at fill_at
  int64 memory_pause_us = 0;           // how long it was left alone the last time
  bool set_aside = false;              // stopped until it is resumed (blame.h)
  std::vector<Oid> arrived, departed;  // tables that joined, perhaps with rows, and that left

  // -- engine state
  TrendShared* shared = nullptr;
  AreaBlocks blocks = {};
  Arena arena;
  TrendWriter writer;

  // -- filling
  std::vector<VirtualTransactionId> writers;  // that must end before the backfill's snapshot is taken
  const char* why_filled = "";                // a sentence, or empty: it is new
  TimestampTz waits_since = 0;                // for writers
  TimestampTz told_at = 0;                    // when the status was last told whom it waits for
  std::vector<RecordedTransaction> recorded;
  size_t recorded_bytes = 0;
  SnapshotFilter filter;
  bool refill = false;        // the source was truncated, say: fill anew
  bool outdated = false;      // likewise; the transaction that is being decoded is not applied any more
  TimestampTz next_try = 0;   // its source was locked: not to be tried before
  TimestampTz fill_at = 0;    // its history was locked, or there was no memory: not to be filled before
  bool fill_paused = false;   // for that reason
  TimestampTz filled_at = 0;  // when its last filling ended
  int64 fill_us = 0;          // and how long that took
  std::vector<TransactionId> changed;  // transactions whose rows want it filled anew, since it waits
  TransactionId judged_by = InvalidTransactionId;  // the last transaction with such rows; refill.cpp
  Time judged_from = kNoTime;

  bool is_whole = false;  // the engine state is that of the source, or was until a reason to fill it anew
  ClockBefore before;     // of such a state, for the filling that replaces it
  bool is_new = false;    // made by the transaction decoded just now: nothing of its source has been missed

  // -- start, and how far back history is complete (backfill.cpp): its row in trending.trend_start
  std::string later;  // as text
  Time history_since = kNoTime;
  bool has_history_since = false;
  bool backfilling = false;
  int64 backfill_span = 0;      // event time of the next portion; 0: not known yet
  int64 backfill_us = 0;        // how long the last one took
  TimestampTz backfill_at = 0;  // not before

  AheadTimes ahead;  // of rows that were refused since the trend was filled

  // -- event clock of an idle source
  Time clock_base = kNoTime;   // the event clock at the last event
  TimestampTz clock_wall = 0;  // when that was
  bool clock_moved = false;    // since the last checkpoint, without an event

  // -- parts of modules
  std::unique_ptr<TrendHistory> history;  // results/history.h
  std::unique_ptr<ShownRanks> ranks;      // results/shown_ranks.h
  std::unique_ptr<LateRows> late;         // results/late.h
  std::unique_ptr<TrendAlerts> alerts;    // results/alerts.h

  // -- checkpoint
  TimestampTz failure_told = 0;   // when the log was last told of a row that failed
  bool dirty = false;             // changed since the last checkpoint
  bool taken_along = false;       // the checkpoint that is being written holds it
  bool rows_taken_along = false;  // or at least what goes to its owner's tables
  bool stored = false;            // the checkpoint tables have a state of it
  int64 row_checksum = 0;         // of its row in trend_state
  uint64 panes_sum = 0;           // of all stored panes
  std::map<Time, StoredPane> stored_panes;
  std::map<Oid, StoredTable> stored_tables;  // by OID
};

}  // namespace trending
