// SPDX-License-Identifier: PostgreSQL
// The worker of one database: what it follows, and what its modules ask of each other.
//
// One process, one thread. Between two WAL records the state of all trends is exactly that of all
// transactions committed before DecodeLoop::position(), which is what makes a checkpoint consistent.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bgworker/process/catalog_changes.h"
#include "bgworker/process/checkpoint_progress.h"
#include "decoder/decode_loop.h"
#include "engine/aggregates/batch.h"
#include "postgres/server.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

struct FollowedTrend;

struct Worker {
  DatabaseShared* entry = nullptr;
  char database_name[NAMEDATALEN] = {};
  dsa_area* area = nullptr;
  AreaHeader* header = nullptr;
  dsa_pointer root = InvalidDsaPointer;
  bool published = false;  // readers see the area

  DecodeLoop loop;
  Batch batch;    // of the transaction being decoded, by shared reader (shared_readers.h)
  Batch filling;  // of rows that are in the source already, by trend
  Batch joined;   // of rows to which other tables are joined (intake/joined_rows.h), by trend
  std::vector<FollowedTrend*> trends;  // by slot; null: the slot is free
  std::map<Oid, OwnerMemory> owners;   // of trends; AreaBlocks points here
  uint64_t hash_seed = 0;              // of all trends: those that read alike share the hashes of keys

  CatalogChanges catalog;
  CheckpointProgress checkpoint;
  bool refill_wanted = false;   // some trend has `fill.wanted` set
  bool recheck_wanted = false;  // some trend has `tables->recheck` set
};

extern Worker* worker;

}  // namespace trending
