// SPDX-License-Identifier: PostgreSQL
// Panes and their cells.
//
// Cells lie in slabs of 16384, which are dealt out to panes in chunks of 32; a cell's number is slab, chunk
// and place, so a link takes four bytes and a chunk's owner is found without touching the cell. A pane's
// chunks form a list and are released as a whole when the pane is freed.
//
// A group's cells form a chain from the newest pane to the oldest. Panes go oldest first, so a freed cell is
// always the last of its chain, and the link to it is simply left dangling. follow() tells such links by what
// they lead to: a cell counts as the next of its chain only if it belongs to the same group and to an older,
// kept pane. A stale link cannot pass for a good one: it survives only while its group has no cell in an
// older kept pane, for inserting one overwrites it.
//
// Freeing a pane means visiting its cells (a group whose newest cell goes is dead). That is done in portions,
// so that no event waits for a million cells: expired panes first become dying, invisible to everyone, and
// reclaim() works through them.
#pragma once

#include "engine/memory/arena.h"
#include "engine/stores/group_table.h"
#include "engine/stores/segments.h"
#include "engine/time/window.h"

namespace trending {

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

class PaneStore {
 public:
  PaneStore() = default;
  PaneStore(Arena* arena, PaneStoreState* state, uint32_t state_words)
      : arena_(arena),
        state_(state),
        stride_(padded_to_lines(static_cast<uint32_t>(sizeof(Cell)) + state_words * 8u, 8)) {}

  // ---- panes
  PaneRecord& record(uint32_t slot) const { return arena_->at<PaneRecord>(state_->records)[slot]; }
  uint32_t live_count() const { return state_->order_end - state_->live_begin; }
  // The slot of the i-th kept pane in the order of time.
  uint32_t live_slot(uint32_t i) const { return arena_->at<uint32_t>(state_->order)[state_->live_begin + i]; }
  // The number of kept panes that start before t.
  uint32_t live_before(Time t) const;
  // The number of kept panes whose windows have all ended at or before t.
  uint32_t live_ended_by(Time t) const;
  // The kept pane that contains t, or kNone.
  uint32_t find(Time t) const;
  // Adds a pane that is not there. kNone when memory is short.
  uint32_t add(const Pane& span, Time first_end, Time last_end);

  // ---- cells
  Cell* cell(uint32_t number) const { return cell_in(slab_of(number), number); }
  // The cell of a group in a kept pane, or kNone.
  uint32_t find_cell(const Group* group, uint32_t id, uint32_t pane) const;
  // The same; adds one with a state of zero, linked into its chain, when there is none. kNone when memory is
  // short.
  uint32_t find_or_add_cell(Group* group, uint32_t id, uint32_t pane) {
    if (group->newest_pane == pane) return group->newest_cell;
    return find_or_add_cell_slowly(group, id, pane);
  }
  // The next cell of a group's chain after one that lies in the pane `slot`; kNone at the end. Sets *slot.
  uint32_t follow(const Cell* cell, uint32_t id, uint32_t* slot) const;
  // The same by a link, of a cell in the pane `slot` or (kNone) the group's first. Reads the cell it leads
  // to, which prefetch_cell() begins to load.
  uint32_t follow_link(uint32_t link, uint32_t id, uint32_t* slot) const { return resolve(link, id, slot); }
  void prefetch_cell(uint32_t link) const {
    if (link == kNone) return;
    const Offset offset = slab_offset(link >> (kCellBits + kChunkBits));
    if (offset != 0) __builtin_prefetch(cell_in(arena_->at<Slab>(offset), link));
  }
  // The first cell of a group's chain, or kNone if the group has none in a kept pane.
  uint32_t newest(const Group* group, uint32_t* slot) const;

  void set_dirty(PaneRecord& pane, Cell* cell) const {
    if ((cell->group_and_dirty & Cell::kDirty) != 0) return;
    cell->group_and_dirty |= Cell::kDirty;
    pane.dirty_cells++;
  }

  void mark_clean(PaneRecord& pane) const {
    if (pane.dirty_cells == 0) return;
    for_each_cell(pane, [](Cell* cell) { cell->group_and_dirty &= ~Cell::kDirty; });
    pane.dirty_cells = 0;
  }

  // visit(Cell*) for every cell of a pane.
  template <typename Visit>
  void for_each_cell(const PaneRecord& pane, Visit&& visit) const {
    for (uint32_t chunk = pane.first_chunk; chunk != kNone; chunk = chunk_of(chunk).next) {
      visit_chunk(chunk, chunk == pane.last_chunk ? pane.used_in_last : kChunkCells, visit);
    }
  }

  // The same with the cell's group, loading the groups of a chunk together.
  template <typename Visit>
  void for_each_cell(const PaneRecord& pane, const GroupTable& groups, Visit&& visit) const {
    for (uint32_t chunk = pane.first_chunk; chunk != kNone; chunk = chunk_of(chunk).next) {
      const uint32_t count = chunk == pane.last_chunk ? pane.used_in_last : kChunkCells;
      prefetch_groups(chunk, count, groups);
      visit_chunk(chunk, count, [&](const Cell* cell) { visit(cell, groups.group(cell->group())); });
    }
  }

  // ---- going
  // Panes that start before t are dying from now on.
  void expire_before(Time t);
  bool has_dying() const { return state_->dying_begin < state_->live_begin; }
  // Frees up to about `budget` cells of dying panes; freed(Cell*) is called for each, then dead(id) for a
  // group whose last cell it was.
  template <typename Dead, typename Freed>
  void reclaim(const GroupTable& groups, uint64_t budget, Dead&& dead, Freed&& freed);

 private:
  static constexpr uint32_t kCellBits = 5;
  static constexpr uint32_t kChunkBits = 9;
  static constexpr uint32_t kChunkCells = 1u << kCellBits;
  static constexpr uint32_t kSlabChunks = 1u << kChunkBits;
  static constexpr uint32_t kMaxSlabs = (1u << (32 - kCellBits - kChunkBits)) - 1;

  struct Chunk {
    uint32_t pane;  // the owner's slot, kNone while free
    uint32_t next;  // in the pane, or among the slab's free ones; a chunk number, kNone at the end
  };
  struct Slab {
    uint32_t free_chunks;
    uint32_t first_free;
    uint32_t previous_open;
    uint32_t next_open;
    Chunk chunks[1];  // segment_capacity() of them; the cells follow at a multiple of 64
  };

  static uint32_t chunk_count(uint32_t slab) { return segment_capacity(slab, kChunkBits); }
  static size_t cells_offset(uint32_t slab) {
    return (offsetof(Slab, chunks) + chunk_count(slab) * sizeof(Chunk) + 63) & ~size_t{63};
  }
  size_t slab_bytes(uint32_t slab) const {
    return cells_offset(slab) + static_cast<size_t>(chunk_count(slab)) * kChunkCells * stride_;
  }

  Offset slab_offset(uint32_t slab) const { return segment_offset(*arena_, state_->slabs, slab); }
  Slab* slab(uint32_t number) const { return arena_->at<Slab>(slab_offset(number)); }
  Slab* slab_of(uint32_t cell_number) const { return slab(cell_number >> (kCellBits + kChunkBits)); }
  Cell* cell_in(Slab* slab, uint32_t number) const {
    std::byte* cells = reinterpret_cast<std::byte*>(slab) + cells_offset(number >> (kCellBits + kChunkBits));
    const uint32_t index = number & (kSlabChunks * kChunkCells - 1);
    return reinterpret_cast<Cell*>(cells + static_cast<size_t>(index) * stride_);
  }
  Chunk& chunk_of(uint32_t chunk) const {
    return slab(chunk >> kChunkBits)->chunks[chunk & (kSlabChunks - 1)];
  }
  template <typename Visit>
  void visit_chunk(uint32_t chunk, uint32_t count, Visit&& visit) const {
    std::byte* address = reinterpret_cast<std::byte*>(cell(chunk << kCellBits));
    for (uint32_t i = 0; i < count; i++, address += stride_) visit(reinterpret_cast<Cell*>(address));
  }

  template <typename IsBefore>
  uint32_t partition_point(IsBefore&& is_before) const;
  void prefetch_groups(uint32_t chunk, uint32_t count, const GroupTable& groups) const {
    visit_chunk(chunk, count, [&](const Cell* cell) { __builtin_prefetch(groups.group(cell->group())); });
  }

  uint32_t find_or_add_cell_slowly(Group* group, uint32_t id, uint32_t pane);
  uint32_t resolve(uint32_t number, uint32_t id, uint32_t* slot) const;
  uint32_t take_cell(uint32_t slot);
  uint32_t take_chunk(uint32_t pane);
  void free_chunk(uint32_t chunk);
  uint32_t add_slab();
  void drop_slab(uint32_t number);
  void open_slab(uint32_t number);
  void close_slab(uint32_t number);
  bool reserve_record();
  bool reserve_order();

  Arena* arena_ = nullptr;
  PaneStoreState* state_ = nullptr;
  uint32_t stride_ = 0;
};

template <typename Dead, typename Freed>
void PaneStore::reclaim(const GroupTable& groups, uint64_t budget, Dead&& dead, Freed&& freed) {
  while (has_dying()) {
    const uint32_t slot = arena_->at<uint32_t>(state_->order)[state_->dying_begin];
    PaneRecord& pane = record(slot);
    while (pane.first_chunk != kNone) {
      if (budget == 0) return;
      const uint32_t chunk = pane.first_chunk;
      const bool is_last = chunk == pane.last_chunk;
      const uint32_t count = is_last ? pane.used_in_last : kChunkCells;
      uint32_t number = chunk << kCellBits;
      prefetch_groups(chunk, count, groups);
      visit_chunk(chunk, count, [&](Cell* cell) {
        const uint32_t id = cell->group();
        freed(cell);
        if (groups.group(id)->newest_cell == number) dead(id);
        number++;
      });
      pane.first_chunk = is_last ? kNone : chunk_of(chunk).next;
      pane.cells -= count;
      state_->cells -= count;
      free_chunk(chunk);
      budget = budget > count ? budget - count : 0;
    }
    pane.next_free = state_->first_free_record;
    state_->first_free_record = slot;
    state_->dying_begin++;
  }
}

}  // namespace trending
