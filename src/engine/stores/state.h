// SPDX-License-Identifier: PostgreSQL
// The shared state of a trend: plain structs in its arena, linked by offsets and small numbers.
//
// Locking: everything here is written by the trend's writer alone, with the trend's lock held exclusively,
// and read by others with it held shared. The writer reads without a lock.
//
//   hash slot ──> group ──> newest cell ──> older cell ──> …          (cells of a group, panes descending)
//                  key        pane 9          pane 7
//                  total over the current window, place in the ranking
//   pane ──> chunk ──> chunk ──> …                                    (cells of a pane, in the order of
//   arrival)
//
// An event in time order touches the hash slot, the group and its newest cell: three cache lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "engine/aggregates/options.h"
#include "engine/memory/arena.h"
#include "engine/time/window.h"

namespace trending {

inline constexpr uint32_t kNone = UINT32_MAX;

// Numbered fixed-size elements in segments that never move: growing costs one segment, not a copy. Element n
// lies in segment n >> shift; the first two segments are smaller, so that a small trend takes little.
struct SegmentsState {
  Offset directory = 0;  // Offset[capacity]: segments, 0 where none
  uint32_t capacity = 0;
  uint32_t count = 0;  // segment numbers in use so far
};

// A key and its total. `words` words of state follow.
struct Group {
  static constexpr uint32_t kInlineKey = 24;

  uint32_t key_size;
  uint32_t hash;
  uint32_t newest_cell;  // of the newest pane that has this group; kNone in a group just made
  uint32_t newest_pane;  // that pane's slot
  uint32_t place;        // in the ranking; see ranking.h
  uint32_t epoch;        // the total is zero unless this equals TrendHeader::epoch
  union {
    std::byte inline_key[kInlineKey];  // key_size <= kInlineKey
    Offset long_key;                   // otherwise
    uint32_t next_free;                // while the group is free
  };

  int64_t* total() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* total() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Group) == 48);

// What a group of a trend with partitions or a condition has behind its total.
struct GroupExtra {
  static constexpr uint32_t kHolds = 1;    // its condition holds, it is ranked (in the epoch of the group)
  static constexpr uint32_t kHeld = 2;     // it held in the window before, which overlaps this one
  static constexpr uint32_t kChanged = 4;  // its condition waits to be evaluated

  uint32_t partition;     // number in the table of partitions
  uint32_t next_changed;  // with kChanged: the next group that waits, kNone at the end
  uint32_t flags;
  uint32_t unused;
};
static_assert(sizeof(GroupExtra) == 16);

// A group in a pane. `words` words of state follow.
struct Cell {
  static constexpr uint32_t kDirty = 1u << 31;

  uint32_t group_and_dirty;  // kNone in cells of a chunk that are not in use
  // The group's cell in the next older pane. May dangle: links into freed panes are not cleared; PaneStore
  // tells.
  uint32_t older;

  uint32_t group() const { return group_and_dirty & ~kDirty; }
  int64_t* state() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* state() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Cell) == 8);

// Groups are numbered below this (31 bits, and not kNone without its dirty bit).
inline constexpr uint32_t kMaxGroups = (1u << 31) - 2;

struct GroupTableState {
  SegmentsState groups;
  uint32_t count = 0;        // groups in use
  uint32_t next_unused = 0;  // numbers never used yet start here
  uint32_t first_free = kNone;
  // Extendible hashing: 1 << depth buckets, several neighbours of which may share one table.
  Offset directory = 0;  // Offset[1 << depth]
  uint32_t depth = 0;
  uint32_t table_count = 0;
  uint32_t table_slots = 0;  // of every table
};

struct PaneRecord {
  Time start = 0;
  Time end = 0;
  Time first_end = 0;  // of its windows, when the first one ends
  Time last_end = 0;   // and the last one
  uint64_t cells = 0;
  uint64_t dirty_cells = 0;
  // Set when an event came for windows that had been reported: those ending after this are to be reported
  // again.
  Time corrected_after = INT64_MAX;
  uint32_t first_chunk = kNone;  // chunks are filled in turn; all but the last are full
  uint32_t last_chunk = kNone;
  uint32_t used_in_last = 0;
  uint32_t next_free = kNone;  // while the slot is free
};

struct PaneStoreState {
  SegmentsState slabs;               // of cells
  uint32_t first_open_slab = kNone;  // slabs with free chunks
  uint32_t spare_slab = kNone;       // an entirely free slab among them
  uint32_t unused_slab_numbers = 0;  // below slabs.count
  Offset records = 0;                // PaneRecord[record_capacity], by slot
  uint32_t record_capacity = 0;
  uint32_t record_count = 0;
  uint32_t first_free_record = kNone;
  Offset order = 0;  // uint32_t[order_capacity]: the panes' slots by start
  uint32_t order_capacity = 0;
  uint32_t dying_begin = 0;  // panes in [dying_begin, live_begin) are being freed
  uint32_t live_begin = 0;   // panes in [live_begin, order_end) are kept
  uint32_t order_end = 0;
  uint64_t cells = 0;  // in kept and dying panes
};

// A session of a group, in a trend with session windows. `words` words of state follow.
struct Session {
  static constexpr uint32_t kLinked = 1;  // in its group's chain; otherwise the record is free or about to be
  static constexpr uint32_t kClosed = 2;  // the watermark has reached its end, or a later session began
  static constexpr uint32_t kReported = 4;  // closed, and history has it as it is
  static constexpr uint32_t kFinal = 8;     // closed for good, waits for the next report to be released
  static constexpr uint32_t kHolds = 16;    // its condition held at the end of the last change
  static constexpr uint32_t kChanged = 32;  // its condition waits to be evaluated

  Time first;  // event
  Time last;
  Time due;  // of its valid entry in the queue; kNoTime: none
  uint32_t group;
  uint32_t newer;  // of the same group; kNone: none
  uint32_t older;  // likewise; the next free record while the record is free
  uint16_t flags;
  uint16_t entries;  // in the queue, also such as do not count any more

  int64_t* state() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* state() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Session) == 40);

struct SessionDue {
  Time at;
  uint32_t session;
  uint32_t unused;
};

struct SessionStoreState {
  SegmentsState records;
  uint32_t next_unused = 0;  // numbers never used yet start here
  uint32_t first_free = kNone;
  uint32_t count = 0;  // sessions in the chains of groups
  Offset queue = 0;    // SessionDue[queue_capacity], a heap
  uint32_t queue_capacity = 0;
  uint32_t queued = 0;
  Offset withdrawn = 0;  // Window[withdrawn_capacity]: reported, and no longer so
  uint32_t withdrawn_capacity = 0;
  uint32_t withdrawn_count = 0;
  uint32_t unreported = 0;     // closed sessions that are to be reported
  uint32_t final_waiting = 0;  // sessions that are released at the next report
  uint32_t dirty_groups = 0;   // changed since the last checkpoint
  uint64_t values = 0;         // in the sets of all sessions
};

// The lower bound of a tier of the ranking: score, total and key of some group when it was set.
struct Threshold {
  int64_t score = INT64_MIN;
  bool lowest = true;  // below everything; score and key are unused
  uint32_t key_size = 0;
  uint32_t capacity = 0;
  Offset bytes = 0;  // the total, where scores do not decide, then the key
};

// A ranked group.
struct Candidate {
  int64_t score;
  uint32_t group;
  uint32_t unused;
};

struct TierState {
  Threshold low;
  Offset entries = 0;  // Candidate[capacity]
  uint32_t capacity = 0;
  uint32_t size = 0;
};

// Each tier is 16 times the one before; five cover a thousand million groups.
inline constexpr uint32_t kMaxTiers = 5;

// Small, for there may be one for each of many partitions.
struct RankingState {
  TierState first;   // tier 0
  Offset lower = 0;  // TierState[kMaxTiers - 1], once there is more than one tier
  uint32_t tier_count = 1;
  bool usable = true;     // false when memory was short: then every reader scans, and exactness is kept
  uint64_t live = 0;      // groups in the ranking, in a tier or below all
  uint64_t retry_in = 0;  // changes to wait before the next attempt to make it usable again
};

// A partition: stands where a group has its total, in a table of its own.
struct PartitionState {
  RankingState ranking;
  uint64_t groups = 0;  // that exist, live or not
};

inline constexpr uint64_t kTrendMagic = 0x31'44'4e'45'52'54'00'04;  // layout version 4

struct TrendHeader {
  uint64_t magic = kTrendMagic;
  TrendOptions options;
  StateLayout layout;
  Time clock = kNoTime;
  Time watermark = kNoTime;
  Window window;
  Time final_until = kNoTime;    // windows that end up to here are final; never goes back, nor does watermark
  Time late_before = INT64_MIN;  // events of panes that start before this are late
  Time next_horizon = INT64_MIN;  // late_before stays while final_until is below this
  Time kept_from = INT64_MIN;     // panes that start before this are gone or being freed; at most late_before
  Time reported_end = kNoTime;    // closed windows that end up to here were reported
  uint32_t corrected_panes = 0;   // panes with corrected_after set
  bool final_pending = false;     // a final window waits to be reported
  uint32_t epoch = 1;
  uint64_t version = 0;
  Counters counters;
  GroupTableState groups;
  PaneStoreState panes;
  RankingState ranking;        // of all groups; with partitions only its `live` is used
  GroupTableState partitions;  // by partition key
  GroupTableState values;      // see value_store.h
  PaneStoreState value_panes;
  SessionStoreState sessions;  // instead of panes, in a trend with session windows
};

static_assert(std::is_trivially_copyable_v<TrendHeader>);

}  // namespace trending
