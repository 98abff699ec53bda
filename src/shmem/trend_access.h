// SPDX-License-Identifier: PostgreSQL
// Reading a trend's state in a backend: finds it, takes its lock, hands out the engine's reader.
//
//     TrendRead* read = trend_read_begin(trend_id);
//     ... copy what is needed out of trend_reader(read) ...
//     trend_read_end(read);
//
// Between begin and end the trend's lock is held shared and the worker waits: copy, do not compute. Sorting,
// decoding keys and building tuples come after. An error releases the lock like any LWLock.
#pragma once

#include <cstdint>

#include "engine/trend/trend_reader.h"
#include "shmem/area.h"

namespace trending {

struct Definition;
struct TrendRead;

// Whether results can be shown or waited for: the worker runs, or is coming back by itself.
bool worker_serves(DatabaseShared* entry);

// How long a read waits for a trend that is being made or filled before it gives up, in milliseconds.
constexpr long kReadPatienceMs = 10 * 1000;

// What to do about a trend that is stopped, or that takes long to be filled.
constexpr char kStoppedHint[] =
    "Put right what stopped it, then call trending.resume(); or drop the trend and create it again.";
constexpr char kFillingHint[] =
    "Try again later; see trending.status. Transactions that hold it up are in pg_stat_activity and "
    "pg_prepared_xacts; ROLLBACK PREPARED ends a prepared one.";

// Waits, interruptibly, until something became visible in the database, at most this long.
void wait_for_change(DatabaseShared* entry, long timeout_ms);

// Takes the lock, waiting (interruptibly) while the worker starts or fills the trend. Raises an error with a
// hint when the worker does not run, and with the reason when the trend is stopped. The bytes of a state are
// only given to the definition that made them. Valid until trend_read_end or the end of the transaction.
TrendRead* trend_read_begin(const Definition& definition);
const TrendReader& trend_reader(const TrendRead* read);
// The words of the trend that lie outside the engine.
TrendShared* trend_shared(const TrendRead* read);
dsa_area* trend_area(const TrendRead* read);
void trend_read_end(TrendRead* read);

// What status displays need of one trend, gathered without waiting and without errors. False: not in the
// area.
struct TrendGlance {
  TrendPhase phase;
  Retractable retractable;
  char reason[kMessageSize];
  uint64_t version, ahead, null_time, failed, unretracted, windows_closed;
  // From the engine; all zero when the trend is not running.
  Window window;
  Time clock, watermark;
  bool is_decayed, is_unbounded;  // the window is the engine's own, or everything
  uint64_t live_groups, partitions, kept_groups, kept_panes, memory_bytes;
  Counters counters;
  uint32 reader;  // shared with the trends that have the same number; 0: not known yet
  bool is_read;   // the engine's words were read; not while the trend is filled, say
};
bool trend_glance(int32 trend_id, TrendGlance* glance);

// Asks the worker to start a stopped trend again, when its latch is set. False: it is not stopped.
bool trend_resume(int32 trend_id);
// How many are set aside.
int trends_set_aside();

// The trend's version without any lock but database->lock shared; 0 when it is not there.
uint64_t trend_version(int32 trend_id);

}  // namespace trending
