// SPDX-License-Identifier: PostgreSQL
// What the worker keeps of a trend with joined tables: the rows of each dimension by the key that it is joined by, and
// what it has counted by the rows of the source, so that this can move when a dimension changes.
//
// A row of the source is remembered by those of its columns that the joined tables and everything after them read (its
// tuple), without its time: so what is kept is as much as there are different tuples in each pane, not as there are
// rows. Each tuple knows the event that it counts as now, and which rows of the dimensions made it that, existing ones
// or not. A change of a dimension's row retracts the events of its tuples and adds the new ones, by their numbers.
//
// All of it is in this process alone. It is not stored: after a restart the trend is refilled.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bgworker/trend/snapshot_filter.h"
#include "definition/definition.h"
#include "engine/aggregates/batch.h"
#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

// Memory that malloc gave.
struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using PackedRow = std::unique_ptr<MinimalTupleData, FreeMemory>;
using PackedEventRecord = std::unique_ptr<BatchRecord, FreeMemory>;

// Finds by bytes that are no std::string.
struct BytesHash {
  using is_transparent = void;
  size_t operator()(std::string_view bytes) const { return std::hash<std::string_view>{}(bytes); }
};
template <typename Value>
using BytesMap = std::unordered_map<std::string, Value, BytesHash, std::equal_to<>>;

struct KeptTuple;

// A row of a dimension, or the place of one that tuples ask for and that does not exist.
struct DimensionRow {
  const std::string* key = nullptr;  // of the map that it is in
  PackedRow row;                     // the columns that are read (row_reader.h); null: there is none
  KeptTuple* first = nullptr;        // tuples that meet it
  bool is_touched = false;           // by the changes that are being applied
};

// How often a tuple has counted in a pane.
struct PaneCount {
  Time pane;    // its start
  Time latest;  // event of it; not earlier than the latest that is counted now
  uint64_t count;
};

// Different rows of the source that are all the same to the joined tables.
struct KeptTuple {
  // One of the tuples that meet a dimension's row.
  struct Link {
    DimensionRow* row = nullptr;
    KeptTuple* next = nullptr;
    KeptTuple* previous = nullptr;
  };

  const std::string* bytes = nullptr;  // of the map that it is in
  std::unique_ptr<Link[]> links;       // per dimension
  PackedEventRecord event;             // without time and numbers; null: it does not count
  std::vector<PaneCount> panes;        // in no order, the latest is last as a rule
  bool fails = false;                  // its event could not be made
  bool is_listed = false;              // in JoinedRows::moving
};

// What a transaction did to a row of a dimension, in the order of the WAL.
struct DimensionChange {
  int dimension = 0;
  bool has_old = false;  // there was a row of old_key
  bool has_new = false;  // there is one of new_key
  std::string old_key;
  std::string new_key;
  std::string row;             // packed
  std::vector<uint16_t> same;  // columns that are not in it: toasted, and as they were
};

// The tables of a dimension as they were seen: another file, or another list of them, means other rows.
struct DimensionTable {
  Oid table;
  Oid file;
  char persistence;

  friend bool operator==(const DimensionTable&, const DimensionTable&) = default;
};

// A trend's part: FollowedTrend::joined; null where no table is joined.
struct JoinedRows {
  std::vector<Oid> relations;  // of the dimensions
  BytesMap<DimensionRow> rows[kMaxDimensions];
  BytesMap<KeptTuple> tuples;
  size_t bytes = 0;  // of all of these, roughly
  size_t pane_counts = 0;

  std::vector<DimensionChange> changes;  // of the transaction being decoded
  size_t change_bytes = 0;
  SnapshotFilter filter;               // tells which transactions the dimensions have been read with
  std::vector<DimensionTable> tables;  // that they were read from, or seen since
  bool tables_known = false;

  Time swept_to = kNoTime;  // counts of final panes were dropped up to here
  size_t counts_at_sweep = 0;
  bool is_too_large = false;

  // While changes are applied.
  struct Touched {
    DimensionRow* row;
    PackedRow before;
    int dimension;
  };
  std::vector<Touched> touched;
  std::vector<KeptTuple*> moving;
  uint64_t late = 0;         // rows
  PackedEventRecord before;  // of the tuple at hand. Here, since an error does not unwind frames
  PackedRow value;           // of the change at hand
};

}  // namespace trending
