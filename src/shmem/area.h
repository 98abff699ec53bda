// A database's area: the dynamic shared memory (DSA) that holds the state of its trends.
//
// The worker creates one area each time it starts, fills it from the checkpoint, then publishes it in the
// directory; readers attach to it by handle and generation. The area of a worker that died stays readable
// until the next worker replaces it.
//
//   AreaHeader            table of trends: id → TrendShared         [database->lock]
//   TrendShared           lock and state words of one trend
//   engine blocks         the arena of the trend's engine           [trend->lock]
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/arena.h"
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

struct TrendShared {
  LWLock lock;                 // readers shared, worker exclusive: everything in the engine's arena
  int32 trend_id;              // fixed
  pg_atomic_uint32 phase;      // [atomic] TrendPhase, worker writes
  pg_atomic_uint32 applying;   // [atomic] worker: set while the state is between two commits; a reader who
                               // sees it under the lock met a worker that died there
  pg_atomic_uint64 version;    // [atomic] worker: raised whenever readers may see something new
  pg_atomic_uint64 ahead;      // [atomic] worker: events refused, too far ahead of their commit
  pg_atomic_uint64 null_time;  // [atomic] worker: events refused, no event time
  pg_atomic_uint64 failed;     // [atomic] worker: events refused, an expression failed
  pg_atomic_uint64
      unretracted;  // [atomic] worker: updated or deleted rows whose old version was not in the WAL
  pg_atomic_uint32 retractable;  // [atomic] worker: Retractable
  uint64 root;                   // block handle of the engine's arena; fixed before the trend is published
  Fingerprint definition;     // [lock] Definition::state of what the arena holds: only a reader with the same
                              // may read it
  char reason[kMessageSize];  // [lock] why the trend is stopped
  uint64 previous_ranks;      // [lock] block of the latest closed window's PreviousRanks; 0: none
  pg_atomic_uint64 history_until;  // [atomic] worker: all windows that end up to here are in history (Time)
};

struct AreaHeader {
  int capacity;  // fixed
  int count;     // [database->lock]
  struct Entry {
    int32 trend_id;
    dsa_pointer trend;
  } entries[FLEXIBLE_ARRAY_MEMBER];  // [database->lock]
};

// Blocks of an area for an engine's arena. `self` is the context of the BlockSource that block_source()
// gives.
struct AreaBlocks {
  dsa_area* area;
  LWLock* held;  // the trend's lock if the caller holds it exclusively: taken again when the server, out
                 // of shared memory, dropped all locks
  bool may_allocate;
};
BlockSource block_source(AreaBlocks* blocks);

// The worker's taking of a trend's lock where a checkpoint does: the longest time between the two since
// longest_hold_us was set to zero is kept there.
extern int64 longest_hold_us;
void hold_trend(TrendShared* shared);
void release_trend(TrendShared* shared);

// -- worker
// --------------------------------------------------------------------------------------------------- Creates
// an area with room for trending.max_trends trends and the configured memory limit; not yet published.
dsa_area* area_create(AreaHeader** header, dsa_pointer* root);
// Makes the area the database's current one and lets go of its predecessor.
void area_publish(DatabaseShared* entry, dsa_area* area, dsa_pointer root);
// Takes the database's area away from readers and lets go of it; `entry` may be null.
void area_discard(DatabaseShared* entry);
// Adds a trend to a table that has room.
TrendShared* area_add_trend(DatabaseShared* entry, dsa_area* area, AreaHeader* header, int32 trend_id);
void area_remove_trend(DatabaseShared* entry, dsa_area* area, AreaHeader* header, int32 trend_id);

// -- readers
// -------------------------------------------------------------------------------------------------- The
// current area of the database in this process, attached when needed; null when there is none yet.
dsa_area* area_attach(DatabaseShared* entry, AreaHeader** header);
// Whether what area_attach gave is of this generation. Caller holds database->lock.
bool area_is_attached(uint64 generation);
// Finds a trend in the area; null when it is not there. Caller holds database->lock.
TrendShared* area_find_trend(dsa_area* area, AreaHeader* header, int32 trend_id);

}  // namespace trending
