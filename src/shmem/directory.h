// SPDX-License-Identifier: PostgreSQL
// The directory of databases in main shared memory: who follows which database, and where its state lies.
//
// One entry per database that has the extension. Locks, taken in this order and held briefly:
//   directory->lock   LWLock: entries appear and disappear (exclusive), are searched (shared); every plain
//                     field of an entry that is marked [directory] below.
//   database->lock    LWLock: the entry's area and its table of trends (see shmem/area.h), marked [database].
//   trend->lock       LWLock of one trend's state (shmem/area.h).
// Fields marked [atomic] are read and written without a lock.
#pragma once

#include <cstdint>

#include "postgres/server.h"
#include "shmem/commit_latency.h"

namespace trending {

enum class WorkerState : int {
  kNone = 0,     // no worker wanted (the extension is not installed)
  kWanted,       // the launcher shall start one
  kStarting,     // the launcher has started one
  kRecovering,   // it loads the checkpoint, makes its slot, or fills trends from their sources
  kRunning,      // it follows the WAL
  kPaused,       // somebody has the database locked (DROP DATABASE, CREATE DATABASE ... TEMPLATE)
  kUnavailable,  // it cannot run, message and hint say why; tried again now and then
  kFailed,       // it ended with an error, which message and detail tell; tried again with growing delays
};

// Why the slot has to be made again, and all trends refilled.
enum class SlotReset : uint32 { kNone, kUnreadable, kAsked };

constexpr int kMessageSize = 512;

// What is noted of a trend that workers died for, or that is set aside
// (bgworker/trend/blame.h).
struct BlamedTrend {
  int32 trend_id;       // 0: nothing
  int32 deaths;         // of workers, not long ago
  TimestampTz died_at;  // the last of them
  XLogRecPtr position;  // where it was decoding
  bool set_aside;       // stopped until it is resumed; `reason` says why
  char reason[kMessageSize];
};
// More of them: the one that died longest ago is forgotten, those set aside last.
constexpr int kMaxBlamed = 16;

// An owner whose expressions could not be cancelled (bgworker/trend/blame.h).
struct OverrunOwner {
  Oid owner;       // InvalidOid: nothing
  bool again;      // twice, not long ago
  TimestampTz at;  // the last time
};
// More of them: the one that did so longest ago is forgotten.
constexpr int kMaxOverrunOwners = 16;

// Which committers must set the worker's latch.
enum class Sleep : uint32 {
  kAwake,       // none: it looks for more by itself
  kForFlushed,  // whoever has flushed his commit; it flushes those of others by itself, soon
  kForAny,
};

struct DatabaseShared {
  Oid database;                // [directory] InvalidOid: the entry is free
  pg_atomic_uint32 state;      // [atomic] WorkerState; launcher, worker and pausing backends write
  pid_t worker_pid;            // [directory] 0: none
  TimestampTz next_start;      // [directory] launcher: not before this, back-off after a failure
  int failures;                // [directory] launcher: failures in a row
  pg_atomic_uint64 starts;     // [atomic] launcher: workers it has started
  char message[kMessageSize];  // [directory] why the worker is not running; empty when it is
  char detail[kMessageSize];   // [directory] an error's own words, which may quote rows: not for everybody
  char hint[kMessageSize];     // [directory] what to do about it

  Latch* latch;            // [directory] the worker's latch, null when none; points into PGPROC,
                           // so setting a stale one does no harm
  pg_atomic_uint32 leave;  // [atomic] raised by who needs the database for himself: the worker shall write
                           // a checkpoint and end
  pg_atomic_uint32 reset;  // [atomic] SlotReset; a worker that ends so or trending.reset_slot() sets it, the
                           // next worker obeys and clears it
  pg_atomic_uint32 sleep;  // [atomic] Sleep of the worker
  pg_atomic_uint64
      published_commit;            // [atomic] end of the newest commit in this database; committers raise it
  pg_atomic_uint64 applied_lsn;    // [atomic] worker: all WAL before this is visible to readers
  pg_atomic_uint64 confirmed_lsn;  // [atomic] worker: position of the last checkpoint, confirmed to the slot
  pg_atomic_uint64 as_of;  // [atomic] worker on a standby: time of the checkpoint that is shown; 0: live
  pg_atomic_uint64 transactions;      // [atomic] worker: decoded transactions since it started
  pg_atomic_uint64 checkpoint_at;     // [atomic] worker: time of the last checkpoint (TimestampTz)
  pg_atomic_uint64 checkpoint_us;     // [atomic] worker: how long it took, microseconds
  pg_atomic_uint64 checkpoint_bytes;  // [atomic] worker: state bytes it wrote
  pg_atomic_uint64
      checkpoint_hold_us;  // [atomic] worker: how long it kept readers from a trend, at the longest
  CommitLatency latency;   // [atomic] worker

  LWLock lock;                     // [database], see above
  dsa_handle area;                 // [database] DSA_HANDLE_INVALID: none yet
  dsa_pointer area_root;           // [database] the AreaHeader
  pg_atomic_uint64 area_identity;  // [database; read without it only to see that it changed] new_identity()
                                   // of each new area, and of having none
  pg_atomic_uint64 area_granted;   // [atomic] worker: bytes that the area may take of the system

  BlamedTrend blamed[kMaxBlamed];            // [directory]
  OverrunOwner overruns[kMaxOverrunOwners];  // [directory]
  pg_atomic_uint32 resumed;                  // [atomic] raised by trending.resume()

  ConditionVariable changed;  // broadcast after results became visible (sync, watch) or the state changed
};

struct Directory {
  LWLock lock;
  pg_atomic_uint32 generation;         // [atomic] raised when an entry appears or disappears
  pg_atomic_uint32 databases_changed;  // [atomic] raised by whoever made, altered or dropped a database
  pg_atomic_uint32 is_full;            // [atomic] some database found no free entry
  pg_atomic_uint32 asked_in_vain;      // [atomic] CREATE EXTENSION found no free entry
  pg_atomic_uint64 identity;           // [atomic] the last new_identity()
  Latch* launcher_latch;               // [lock]
  int tranche;                         // LWLock tranche of every lock of ours; fixed at start
  int capacity;                        // fixed at start: trending.max_databases
  DatabaseShared databases[FLEXIBLE_ARRAY_MEMBER];
};

// Null when the library was not preloaded.
extern Directory* directory;

// Hooks the request for and set-up of the directory; only while preloading.
void directory_install();

// The entry of a database, or null. Takes directory->lock shared.
DatabaseShared* directory_find(Oid database);
// The entry of a database, made when missing; null when the directory is full.
DatabaseShared* directory_ensure(Oid database);
// Whether there is no free entry now.
bool directory_is_full();
// Frees an entry (extension or database gone) whose area was discarded.
void directory_remove(Oid database);

// A number that nothing else has had or will have while the server runs. What a process remembers of shared
// memory (an area, the state of a trend) it knows by such a number, never by an address, a handle or a count
// of somebody's own: all of these come again.
uint64 new_identity();

// The entry of the current database, cached in this backend; null when there is none.
DatabaseShared* database_shared();

// What is noted of a trend, or room for it. Caller holds directory->lock exclusively.
BlamedTrend* blamed_trend(DatabaseShared* entry, int32 trend_id);

inline WorkerState database_state(DatabaseShared* entry) {
  return static_cast<WorkerState>(pg_atomic_read_u32(&entry->state));
}

// Sets state, message and hint (either may be null: cleared) and wakes waiters. The detail is what only those
// who may see everybody's activity are shown behind the message.
void database_set_state(DatabaseShared* entry, WorkerState state, const char* message, const char* hint,
                        const char* detail = nullptr);

// The worker's state in words, for the current user: what is the matter and what to do. Empty when it runs
// and nothing is.
struct WorkerWords {
  const char* state;
  pid_t pid;  // 0: there is none
  char message[2 * kMessageSize];
  char hint[kMessageSize];
};
// `entry` may be null.
WorkerWords worker_words(DatabaseShared* entry);

void directory_wake_launcher();

// Raises the standard error for reads when no worker can serve them; `entry` may be null.
[[noreturn]] void raise_not_serving(DatabaseShared* entry);

}  // namespace trending
