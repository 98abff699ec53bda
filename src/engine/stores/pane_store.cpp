// SPDX-License-Identifier: PostgreSQL
#include "engine/stores/pane_store.h"

#include <cstring>

namespace trending {

// The number of kept panes at the beginning of the order for which is_before(record) holds.
template <typename IsBefore>
uint32_t PaneStore::partition_point(IsBefore&& is_before) const {
  if (live_count() == 0) return 0;
  const uint32_t* order = arena_->at<uint32_t>(state_->order);
  const PaneRecord* records = arena_->at<PaneRecord>(state_->records);
  uint32_t low = state_->live_begin;
  uint32_t high = state_->order_end;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (is_before(records[order[middle]])) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - state_->live_begin;
}

uint32_t PaneStore::live_before(Time t) const {
  return partition_point([t](const PaneRecord& pane) { return pane.start < t; });
}

uint32_t PaneStore::live_ended_by(Time t) const {
  return partition_point([t](const PaneRecord& pane) { return pane.last_end <= t; });
}

uint32_t PaneStore::find(Time t) const {
  const uint32_t after = live_before(t + 1);
  if (after == 0) return kNone;
  const uint32_t slot = live_slot(after - 1);
  return t < record(slot).end ? slot : kNone;
}

uint32_t PaneStore::add(const Pane& span, Time first_end, Time last_end) {
  if (!reserve_record() || !reserve_order()) return kNone;
  uint32_t slot = state_->first_free_record;
  if (slot != kNone) {
    state_->first_free_record = record(slot).next_free;
  } else {
    slot = state_->record_count++;
  }
  PaneRecord& made = record(slot);
  made = PaneRecord{};
  made.start = span.start;
  made.end = span.end;
  made.first_end = first_end;
  made.last_end = last_end;

  const uint32_t before = live_before(span.start);
  uint32_t* position = arena_->at<uint32_t>(state_->order) + state_->live_begin + before;
  std::memmove(position + 1, position, (live_count() - before) * sizeof(uint32_t));
  *position = slot;
  state_->order_end++;
  return slot;
}

// Makes sure that a slot for one more pane exists.
bool PaneStore::reserve_record() {
  if (state_->first_free_record != kNone || state_->record_count < state_->record_capacity) return true;
  const uint32_t capacity = std::max(8u, state_->record_capacity * 2);
  const Offset grown = arena_->allocate(capacity * sizeof(PaneRecord));
  if (grown == 0) return false;
  if (state_->records != 0) {
    std::memcpy(arena_->at(grown), arena_->at(state_->records), state_->record_count * sizeof(PaneRecord));
    arena_->release(state_->records, state_->record_capacity * sizeof(PaneRecord));
  }
  state_->records = grown;
  state_->record_capacity = capacity;
  return true;
}

// Makes sure that one more slot fits at the end of the order, moving the entries to the front when half the
// room is there and growing otherwise.
bool PaneStore::reserve_order() {
  if (state_->order_end < state_->order_capacity) return true;
  const uint32_t count = state_->order_end - state_->dying_begin;
  Offset target = state_->order;
  uint32_t capacity = state_->order_capacity;
  if (count >= capacity / 2) {
    capacity = std::max(16u, capacity * 2);
    target = arena_->allocate(capacity * sizeof(uint32_t));
    if (target == 0) return false;
  }
  if (count > 0) {
    std::memmove(arena_->at<uint32_t>(target), arena_->at<uint32_t>(state_->order) + state_->dying_begin,
                 count * sizeof(uint32_t));
  }
  if (target != state_->order) arena_->release(state_->order, state_->order_capacity * sizeof(uint32_t));
  state_->order = target;
  state_->order_capacity = capacity;
  state_->live_begin -= state_->dying_begin;
  state_->order_end = count;
  state_->dying_begin = 0;
  return true;
}

// Takes a link for what it leads to: the number itself, with its pane in *slot, if a cell of this group in a
// kept pane older than *slot is there (any kept pane if *slot is kNone); otherwise kNone.
uint32_t PaneStore::resolve(uint32_t number, uint32_t id, uint32_t* slot) const {
  if (number == kNone) return kNone;
  const Offset offset = slab_offset(number >> (kCellBits + kChunkBits));
  if (offset == 0) return kNone;
  Slab* slab = arena_->at<Slab>(offset);
  const uint32_t pane = slab->chunks[number >> kCellBits & (kSlabChunks - 1)].pane;
  if (pane == kNone) return kNone;
  const PaneRecord* records = arena_->at<PaneRecord>(state_->records);
  if (live_count() == 0 || records[pane].start < records[live_slot(0)].start) return kNone;
  if (*slot != kNone && records[pane].start >= records[*slot].start) return kNone;
  const uint32_t owner = cell_in(slab, number)->group_and_dirty;
  if (owner == kNone || (owner & ~Cell::kDirty) != id) return kNone;
  *slot = pane;
  return number;
}

uint32_t PaneStore::follow(const Cell* cell, uint32_t id, uint32_t* slot) const {
  return resolve(cell->older, id, slot);
}

uint32_t PaneStore::newest(const Group* group, uint32_t* slot) const {
  *slot = kNone;
  if (group->newest_cell == kNone) return kNone;
  const PaneRecord& pane = record(group->newest_pane);
  if (live_count() == 0 || pane.start < record(live_slot(0)).start) return kNone;  // dying
  *slot = group->newest_pane;
  return group->newest_cell;
}

uint32_t PaneStore::find_cell(const Group* group, uint32_t id, uint32_t pane) const {
  const Time start = record(pane).start;
  uint32_t slot = kNone;
  uint32_t number = newest(group, &slot);
  while (number != kNone && record(slot).start > start) number = follow(cell(number), id, &slot);
  return number != kNone && slot == pane ? number : kNone;
}

uint32_t PaneStore::find_or_add_cell_slowly(Group* group, uint32_t id, uint32_t pane) {
  // Find the cell before which ours belongs.
  const Time start = record(pane).start;
  uint32_t newer = kNone;
  uint32_t slot = kNone;
  uint32_t number = newest(group, &slot);
  while (number != kNone && record(slot).start > start) {
    newer = number;
    number = follow(cell(number), id, &slot);
  }
  if (number != kNone && slot == pane) return number;

  const uint32_t added = take_cell(pane);
  if (added == kNone) return kNone;
  Cell* made = cell(added);
  std::memset(static_cast<void*>(made), 0, stride_);
  made->group_and_dirty = id;
  made->older = number;
  if (newer != kNone) {
    cell(newer)->older = added;
  } else {
    group->newest_cell = added;
    group->newest_pane = pane;
  }
  return added;
}

// The number of the next unused cell of a pane.
uint32_t PaneStore::take_cell(uint32_t slot) {
  PaneRecord& pane = record(slot);
  if (pane.last_chunk == kNone || pane.used_in_last == kChunkCells) {
    const uint32_t chunk = take_chunk(slot);
    if (chunk == kNone) return kNone;
    if (pane.last_chunk == kNone) {
      pane.first_chunk = chunk;
    } else {
      chunk_of(pane.last_chunk).next = chunk;
    }
    pane.last_chunk = chunk;
    pane.used_in_last = 0;
  }
  pane.cells++;
  state_->cells++;
  return (pane.last_chunk << kCellBits) + pane.used_in_last++;
}

uint32_t PaneStore::take_chunk(uint32_t pane) {
  uint32_t number = state_->first_open_slab;
  if (number == kNone) number = add_slab();
  if (number == kNone) return kNone;
  if (number == state_->spare_slab) state_->spare_slab = kNone;
  Slab* from = slab(number);
  const uint32_t chunk = from->first_free;
  Chunk& taken = chunk_of(chunk);
  from->first_free = taken.next;
  if (--from->free_chunks == 0) close_slab(number);
  taken = {pane, kNone};
  // Cells not in use must say so, since dangling links may lead to them.
  visit_chunk(chunk, kChunkCells, [](Cell* cell) { cell->group_and_dirty = kNone; });
  return chunk;
}

// Gives a chunk back to its slab, and the slab back when it is the second that is entirely free.
void PaneStore::free_chunk(uint32_t chunk) {
  const uint32_t number = chunk >> kChunkBits;
  Slab* to = slab(number);
  chunk_of(chunk) = {kNone, to->first_free};
  to->first_free = chunk;
  if (to->free_chunks++ == 0) open_slab(number);
  if (to->free_chunks < chunk_count(number)) return;
  if (state_->spare_slab == kNone) {
    state_->spare_slab = number;
  } else {
    // Keep the smaller number, so that a trend that shrank ends with its small first slab.
    const uint32_t victim = std::max(number, state_->spare_slab);
    state_->spare_slab = std::min(number, state_->spare_slab);
    drop_slab(victim);
  }
}

// Makes a slab under the lowest number there is and opens it.
uint32_t PaneStore::add_slab() {
  uint32_t reuse = kNone;
  if (state_->unused_slab_numbers > 0) {
    for (reuse = 0; slab_offset(reuse) != 0;) reuse++;
  }
  const uint32_t number = reuse != kNone ? reuse : state_->slabs.count;
  if (number >= kMaxSlabs) return kNone;
  const Offset offset = add_segment(*arena_, state_->slabs, reuse, slab_bytes(number));
  if (offset == 0) return kNone;
  if (reuse != kNone) state_->unused_slab_numbers--;

  Slab* made = arena_->at<Slab>(offset);
  const uint32_t chunks = chunk_count(number);
  const uint32_t first = number << kChunkBits;
  made->free_chunks = chunks;
  made->first_free = first;
  for (uint32_t i = 0; i < chunks; i++) made->chunks[i] = {kNone, i + 1 < chunks ? first + i + 1 : kNone};
  open_slab(number);
  return number;
}

void PaneStore::drop_slab(uint32_t number) {
  close_slab(number);
  arena_->release(slab_offset(number), slab_bytes(number));
  arena_->at<Offset>(state_->slabs.directory)[number] = 0;
  state_->unused_slab_numbers++;
}

// Puts a slab at the front of the list of those with free chunks.
void PaneStore::open_slab(uint32_t number) {
  Slab* opened = slab(number);
  opened->previous_open = kNone;
  opened->next_open = state_->first_open_slab;
  if (opened->next_open != kNone) slab(opened->next_open)->previous_open = number;
  state_->first_open_slab = number;
}

void PaneStore::close_slab(uint32_t number) {
  const Slab* closed = slab(number);
  if (closed->next_open != kNone) slab(closed->next_open)->previous_open = closed->previous_open;
  if (closed->previous_open != kNone) {
    slab(closed->previous_open)->next_open = closed->next_open;
  } else {
    state_->first_open_slab = closed->next_open;
  }
}

void PaneStore::expire_before(Time t) {
  state_->live_begin += live_before(t);
}

}  // namespace trending
