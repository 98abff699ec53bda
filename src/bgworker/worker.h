// The worker of one database: everything it holds, in one place.
//
// One process, one thread. Between two WAL records the state of all trends is exactly that of all
// transactions committed before DecodeLoop::position(), which is what makes a checkpoint consistent.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bgworker/trend/followed_trend.h"
#include "decoder/decode_loop.h"
#include "engine/aggregates/batch.h"
#include "shmem/area.h"

namespace trending {

// A row of trending.trend that a decoded transaction updated.
struct AlteredTrend {
  int32 id;
  DefinitionOptions options;
  Oid history;
  Oid late;
};

struct Worker {
  DatabaseShared* entry = nullptr;
  char database_name[NAMEDATALEN] = {};
  dsa_area* area = nullptr;
  AreaHeader* header = nullptr;
  dsa_pointer root = InvalidDsaPointer;
  bool published = false;  // readers see the area

  DecodeLoop loop;
  Batch batch;                         // of the transaction being decoded, by reading (readings.h)
  Batch filling;                       // of rows that are in the source already, by trend
  std::vector<FollowedTrend*> trends;  // by slot; null: the slot is free
  std::map<Oid, OwnerMemory> owners;   // of trends; AreaBlocks points here

  Oid catalog = InvalidOid;      // trending.trend
  bool catalog_changed = false;  // a decoded transaction changed it, or the extension itself may have changed
  TransactionId replayed = InvalidTransactionId;  // the last transaction that the server replayed for us
  std::vector<AlteredTrend> altered;              // by the transactions since follow_changes()
  bool refill_wanted = false;                     // some trend has `refill` set
  bool recheck_wanted = false;                    // some trend has `recheck` set
  bool restoring = false;                         // starting with a stored checkpoint that is valid
  std::map<int32, int64> stored_states;           // of that checkpoint: the checksums of rows in trend_state
  bool tables_suspect = false;   // what is stored cannot be read or written: empty the tables
  bool trends_forgotten = true;  // some may be stored that are not followed
  bool checkpoint_due = false;   // soon, whatever the interval
  XLogRecPtr confirmed = InvalidXLogRecPtr;
  TimestampTz last_checkpoint = 0;
};

extern Worker* worker;

// --- transactions of the worker's own, between records ---

// Starts one with an active snapshot. What it writes carries an origin that the plugin filters out.
void worker_begin();
void worker_commit();
// After an error that was caught: ends the transaction and gives its message (palloc'd in TopMemoryContext).
ErrorData* worker_abort();
// Whether an error says no more than that somebody was in the way: a lock, a deadlock, a cancelled statement.
// What failed is tried again then, and nothing is wrong with the trend.
inline bool is_conflict(const ErrorData* error) {
  return error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE || error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
         ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK;
}

// --- trends (trend_set.cpp) ---

// Reads trending.trend, follows what is new and forgets what is gone. False if the extension itself is gone.
bool trends_refresh();
// Loads definition and row reader; on failure the trend stays in kLoading or is stopped.
bool trend_load(FollowedTrend* trend);
// The options of a trend's engine state, and such a state in an arena of its own. On failure there is none.
TrendOptions trend_options(const FollowedTrend* trend);
Status trend_make_state(FollowedTrend* trend, const TrendOptions& options);
// Makes an empty engine state, visible to readers as being filled. Replaces one that is there. False when
// there is no memory for it: the trend is stopped then, and tried again.
bool trend_reset_state(FollowedTrend* trend);
void trend_stop(FollowedTrend* trend, const char* reason);
void trend_set_phase(FollowedTrend* trend, TrendPhase phase);
// What a trend that is being filled shows in its status, and tells its readers.
void trend_tell(FollowedTrend* trend, const char* message);
// A row was not counted, for the reason in evaluation_failure: tells the log, not too often.
void trend_note_failure(FollowedTrend* trend);
// Shows a trouble of a running trend in its status, and once in the log; an empty text clears it.
void trend_report(FollowedTrend* trend, const char* message);
// Shows in the status whether updates and deletes reach the trend. Needs a transaction.
void trend_note_retractable(FollowedTrend* trend, const Definition& definition);
// The layout of results, those of today or those that the trend had with another replica identity.
StateLayout trend_layout(const FollowedTrend* trend, bool retractable);
// The options that the engine follows.
TrendTuning tuning_of(const Definition& definition);
// Goes on under other options, with the state that is there.
void trend_alter(FollowedTrend* trend, const AlteredTrend& altered);
// Notes the new version of a row of trending.trend.
void trend_note_altered(TupleDesc descriptor, HeapTuple row);
// Applies events, those of the transaction that committed there, under the trend's lock.
void trend_apply(FollowedTrend* trend, const BatchSlice& slice, TimestampTz commit_time, XLogRecPtr lsn);

// --- filling (filling.cpp) ---

// Starts filling a trend at the present position.
void filling_start(FollowedTrend* trend);
// Goes on with trends that wait, and drops filters that are no longer needed.
void filling_poll();
// Keeps a transaction's events for a trend that waits.
void filling_record(FollowedTrend* trend, TransactionId xid, TimestampTz commit_time, XLogRecPtr lsn,
                    const BatchSlice& slice);

// --- checkpoints (checkpoint.cpp) ---

// Writes what changed and the position in one transaction, then confirms the slot. False when that failed:
// the worker goes on, the reason is in the directory, and the next checkpoint writes everything.
bool checkpoint_write();
// The position of the stored checkpoint; invalid when there is none that belongs to this cluster, or it
// cannot be used, which is reported.
XLogRecPtr checkpoint_position();
// Loads the stored state of a trend into its empty state. False, and the state is empty: there is none that
// fits its definition, or it cannot be used, which is reported.
bool checkpoint_restore(FollowedTrend* trend);
// Forgets everything stored: the slot was lost, so what happened since is unknown.
void checkpoint_discard();

}  // namespace trending
