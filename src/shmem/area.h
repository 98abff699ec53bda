// SPDX-License-Identifier: PostgreSQL
// A database's area: the dynamic shared memory (DSA) that holds the state of its trends.
//
// The worker creates one area each time it starts, fills it from the checkpoint, then publishes it in the
// directory; readers attach to it. The area of a worker that died stays readable until the next worker
// replaces it, or needs the memory.
//
//   AreaHeader            table of trends: id → TrendShared         [database->lock]
//   TrendShared           lock and state words of one trend
//   engine blocks         the arena of the trend's engine           [trend->lock]
//
// A process knows what it has attached by numbers that are never used again (new_identity()): an area by its
// own, the state of a trend by TrendShared.arena, a block by its serial number in the arena. A TrendShared
// stays a TrendShared as long as the area lives, so its lock may be touched whatever became of the trend.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/memory/arena.h"
#include "postgres/fingerprint.h"
#include "shmem/directory.h"

namespace trending {

enum class TrendPhase : int {
  kFilling = 1,  // waiting for, or counting, the rows that are already in the source
  kRunning,
  kStopped,  // reason says why; the other trends go on
};

// Whether old row versions of the source are in the WAL, so that updates and deletes count.
enum class Retractable : uint32 { kUnknown, kNo, kYes };

// Whether a trend is set aside (bgworker/trend/blame.h).
enum class Aside : uint32 {
  kNo,
  kSetAside,
  kResume,  // it is stopped, for whatever reason, and trending.resume() was called
};

struct TrendShared {
  LWLock lock;                 // readers shared, worker exclusive: everything in the engine's arena
  int32 trend_id;              // [lock]
  pg_atomic_uint32 phase;      // [atomic] TrendPhase, worker writes
  pg_atomic_uint32 applying;   // [atomic] worker: set by hold_trend(), while the state may be half of
                               // something. A reader who sees it under the lock met a worker that asks for
                               // memory, or that died.
  pg_atomic_uint64 version;    // [atomic] worker: raised whenever readers may see something new
  pg_atomic_uint64 ahead;      // [atomic] worker: events refused, too far ahead of their commit
  pg_atomic_uint64 null_time;  // [atomic] worker: events refused, no event time
  pg_atomic_uint64 failed;     // [atomic] worker: events refused, an expression failed
  pg_atomic_uint64
      unretracted;  // [atomic] worker: updated or deleted rows whose old version was not in the WAL
  pg_atomic_uint64 windows_closed;  // [atomic] worker: closed windows taken for history, again when corrected
  pg_atomic_uint32 retractable;     // [atomic] worker: Retractable
  uint64 arena;                     // [lock] identity of the engine's arena; 0: there is none
  uint64 root;                      // [lock] its block handle
  Fingerprint definition;          // [lock] Definition::state of what the arena holds: only a reader with the
                                   // same may read it
  char reason[kMessageSize];       // [lock] why the trend is stopped
  uint64 previous_ranks;           // [lock] block of the latest closed window's PreviousRanks; 0: none
  pg_atomic_uint64 history_until;  // [atomic] worker: all windows that end up to here are in history (Time)
  // [atomic] worker: trends with the same number read the rows of their source together; 0: not known yet
  pg_atomic_uint32 reader;
  pg_atomic_uint32 aside;  // [atomic] Aside, worker and trending.resume() write
};

struct AreaHeader {
  int capacity;                            // fixed: as many as trending.max_trends, or as fit into the memory
  int used;                                // [database->lock] every id from here on is 0
  Size trends;                             // fixed: byte offset of TrendShared[capacity]
  int32 trend_ids[FLEXIBLE_ARRAY_MEMBER];  // [database->lock] 0: free

  TrendShared* trend(int i) {
    return reinterpret_cast<TrendShared*>(reinterpret_cast<char*>(this) + trends) + i;
  }
};

// --- worker (area_worker.cpp) ---

// Makes an area with room for the configured number of trends; not yet published, gone with the process until
// then. Null when the system has no memory for it.
dsa_area* area_create(DatabaseShared* entry, AreaHeader** header, dsa_pointer* root);
// Makes the area the database's current one and releases its predecessor.
void area_publish(DatabaseShared* entry, dsa_area* area, dsa_pointer root);
// Takes the database's area away from readers and releases it; `entry` may be null.
void area_discard(DatabaseShared* entry);
// Adds a trend to the table; null when it is full.
TrendShared* area_add_trend(DatabaseShared* entry, AreaHeader* header, int32 trend_id);
void area_remove_trend(DatabaseShared* entry, AreaHeader* header, int32 trend_id);

// The worker's hold of a trend, to change what readers see: the lock exclusively, with TrendShared.applying
// set. The longest time between the two calls since longest_hold_us was set to zero is kept there; negative:
// nobody measures.
extern int64 longest_hold_us;
void hold_trend(TrendShared* shared);
void release_trend(TrendShared* shared);

// --- readers (area.cpp) ---

// The current area of the database in this process, attached when needed; null when there is none yet.
dsa_area* area_attach(DatabaseShared* entry, AreaHeader** header);
// Whether what area_attach gave is the database's area. Caller holds database->lock.
bool area_is_current(DatabaseShared* entry);
// Finds a trend in the area; null when it is not there. Caller holds database->lock.
TrendShared* area_find_trend(AreaHeader* header, int32 trend_id);
// Whether no further trend fits. Caller holds database->lock.
bool area_is_full(AreaHeader* header);

}  // namespace trending
