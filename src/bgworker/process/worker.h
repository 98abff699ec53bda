// SPDX-License-Identifier: PostgreSQL
// The worker of one database: what it follows, and what its modules ask of each other.
//
// One process, one thread. Between two WAL records the state of all trends is exactly that of all
// transactions committed before DecodeLoop::position(), which is what makes a checkpoint consistent.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bgworker/process/known_trends.h"
#include "decoder/decode_loop.h"
#include "definition/definition.h"
#include "engine/aggregates/batch.h"
#include "postgres/server.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

struct FollowedTrend;

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
  Batch batch;    // of the transaction being decoded, by shared reader (shared_readers.h)
  Batch filling;  // of rows that are in the source already, by trend
  Batch joined;   // of rows to which other tables are joined (intake/joined_rows.h), by trend
  std::vector<FollowedTrend*> trends;  // by slot; null: the slot is free
  std::map<Oid, OwnerMemory> owners;   // of trends; AreaBlocks points here
  uint64_t hash_seed = 0;              // of all trends: those that read alike share the hashes of keys

  Oid catalog = InvalidOid;      // trending.trend
  bool catalog_changed = false;  // a decoded transaction changed it, or the extension itself may have changed
  KnownTrends known;
  TransactionId replayed = InvalidTransactionId;  // the last transaction that the server replayed for us
  std::vector<AlteredTrend> altered;              // by the transactions since follow_changes()
  bool refill_wanted = false;                     // some trend has `fill.wanted` set
  bool recheck_wanted = false;                    // some trend has `tables->recheck` set
  bool restoring = false;                         // starting with a stored checkpoint that is valid
  std::map<int32, int64> stored_states;           // of that checkpoint: the checksums of rows in trend_state
  bool tables_suspect = false;            // what is stored cannot be read or written: empty the tables
  bool trends_forgotten = true;           // some may be stored that are not followed
  bool checkpoint_due = false;            // soon, whatever the interval
  XLogRecPtr stored = InvalidXLogRecPtr;  // the position of the last checkpoint
  TimestampTz last_checkpoint = 0;
};

extern Worker* worker;

}  // namespace trending
