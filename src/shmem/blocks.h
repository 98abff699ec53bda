// SPDX-License-Identifier: PostgreSQL
// Where the engine's memory comes from: blocks of the database's area.
//
// Shared memory is asked for by the worker alone, in one place (blocks.cpp), and with no lock held: the lock
// of the trend that needs it is given up meanwhile, so that nobody waits for the system, and an error of the
// server's leaves nothing locked. Readers who slip in see TrendShared.applying and wait. What the system
// refuses is not asked for again for a second: a refusal costs next to nothing.
//
// trending.memory_limit is shared so that nobody can use it up for the others. The trends of one owner have
// at most seven eighths of what those of all other owners leave, and one trend at most seven eighths of what
// its owner's others leave of that. So there is always an eighth for whoever comes next. The area of a worker
// that died, which stays readable while the next one recovers, counts as well, and gives way where both do
// not fit.
#pragma once

#include <cstdint>

#include "engine/memory/arena.h"
#include "shmem/directory.h"

namespace trending {

// What the trends of one owner have.
struct OwnerMemory {
  Oid owner = InvalidOid;
  uint64 bytes = 0;
};

// Blocks for one arena. `self` is the context of the BlockSource that block_source() gives.
struct AreaBlocks {
  dsa_area* area = nullptr;
  LWLock* lock = nullptr;        // the trend's
  OwnerMemory* owner = nullptr;  // null: a reader's, which never allocates
  uint64 bytes = 0;              // taken
  uint64 wanted = 0;             // what it would have had, had it not been refused the last time
};
BlockSource block_source(AreaBlocks* blocks);

// Why memory was refused the last time, as a sentence for a status.
const char* memory_refusal();
// Whether what was refused might be had now.
bool memory_may_do(const AreaBlocks& blocks);

// --- worker ---

// Makes an area with its first object, cleared. Null when the system has no memory for it.
dsa_area* memory_create(DatabaseShared* entry, Size first_bytes, dsa_pointer* first);
// Readers see the area, and its predecessor is gone.
void memory_shown();
// The area that memory_create made in this process; null before.
dsa_area* memory_area();

}  // namespace trending
