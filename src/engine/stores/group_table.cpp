// SPDX-License-Identifier: PostgreSQL
#include "engine/stores/group_table.h"

#include <cstring>

namespace trending {

Status GroupTable::create() {
  state_->directory = arena_->allocate(sizeof(Offset));
  if (state_->directory == 0) return Status::kOutOfMemory;
  state_->table_slots = kMinSlots;
  const Offset table = make_table(kMinSlots, 0);
  if (table == 0) return Status::kOutOfMemory;
  *arena_->at<Offset>(state_->directory) = table;
  state_->table_count = 1;
  return Status::kOk;
}

uint32_t GroupTable::find(KeyView wanted, uint32_t hash) const {
  const Table* table = table_of(hash);
  uint32_t i = home(hash);
  for (;;) {
    const Slot& slot = table->slots[i];
    if (slot.id == kNone) return kNone;
    if (slot.hash == hash && key(group(slot.id)) == wanted) return slot.id;
    if (++i == state_->table_slots) i = 0;
  }
}

Status GroupTable::insert(KeyView key, uint32_t hash, uint32_t* id) {
  Offset long_key = 0;
  if (key.size > Group::kInlineKey) {
    long_key = arena_->allocate(key.size);
    if (long_key == 0) return Status::kOutOfMemory;
    std::memcpy(arena_->at(long_key), key.data, key.size);
  }
  Status status = is_full(table_of(hash)) ? make_room(hash) : Status::kOk;
  if (status == Status::kOk) status = take_number(id);
  if (status != Status::kOk) {
    arena_->release(long_key, key.size);
    return status;
  }

  Group* made = group(*id);
  std::memset(static_cast<void*>(made), 0, stride_);
  made->key_size = key.size;
  made->hash = hash;
  made->newest_cell = kNone;
  made->newest_pane = kNone;
  made->place = kNone;
  if (long_key != 0) {
    made->long_key = long_key;
  } else if (key.size > 0) {
    std::memcpy(made->inline_key, key.data, key.size);
  }
  put(table_of(hash), hash, *id);
  state_->count++;
  return Status::kOk;
}

void GroupTable::remove(uint32_t id) {
  Group* gone = group(id);
  Table* table = table_of(gone->hash);
  uint32_t hole = home(gone->hash);
  while (table->slots[hole].id != id) {
    if (++hole == state_->table_slots) hole = 0;
  }
  // Move back every follower that may lie at the hole: those whose home is not between the hole and
  // themselves.
  for (uint32_t i = hole;;) {
    if (++i == state_->table_slots) i = 0;
    if (table->slots[i].id == kNone) break;
    const uint32_t wanted = home(table->slots[i].hash);
    const bool stays = hole < i ? hole < wanted && wanted <= i : hole < wanted || wanted <= i;
    if (stays) continue;
    table->slots[hole] = table->slots[i];
    hole = i;
  }
  table->slots[hole].id = kNone;
  table->used--;

  if (gone->key_size > Group::kInlineKey) arena_->release(gone->long_key, gone->key_size);
  gone->key_size = kFreeGroup;
  gone->next_free = state_->first_free;
  state_->first_free = id;
  state_->count--;
}

void GroupTable::shrink() {
  if (state_->count > 0 || state_->table_count == 1) return;
  const Offset smallest = arena_->allocate(sizeof(Offset));
  if (smallest == 0) return;
  const Offset* directory = arena_->at<Offset>(state_->directory);
  const uint32_t entries = 1u << state_->depth;
  const Offset kept = directory[0];
  for (uint32_t i = 0; i < entries;) {  // the entries of one table are neighbours
    const Offset table = directory[i];
    const uint32_t depth = arena_->at<Table>(table)->depth;
    if (table != kept) arena_->release(table, table_bytes(kMaxSlots));
    i += 1u << (state_->depth - depth);
  }
  arena_->release(state_->directory, entries * sizeof(Offset));
  *arena_->at<Offset>(smallest) = kept;
  arena_->at<Table>(kept)->depth = 0;
  state_->directory = smallest;
  state_->depth = 0;
  state_->table_count = 1;

  for (uint32_t segment = 1; segment < state_->groups.count; segment++) {
    const size_t bytes = static_cast<size_t>(segment_capacity(segment, kShift)) * stride_;
    arena_->release(segment_offset(*arena_, state_->groups, segment), bytes);
  }
  state_->groups.count = 1;
  state_->next_unused = 0;
  state_->first_free = kNone;
}

Offset GroupTable::make_table(uint32_t slots, uint32_t depth) {
  const Offset offset = arena_->allocate(table_bytes(slots));
  if (offset == 0) return 0;
  Table* table = arena_->at<Table>(offset);
  table->depth = depth;
  table->used = 0;
  table->unused = 0;
  std::memset(static_cast<void*>(table->slots), 0xff, slots * sizeof(Slot));
  return offset;
}

void GroupTable::put(Table* table, uint32_t hash, uint32_t id) {
  uint32_t i = home(hash);
  while (table->slots[i].id != kNone) {
    if (++i == state_->table_slots) i = 0;
  }
  table->slots[i] = {hash, id};
  table->used++;
}

// Makes the table that takes this hash less than full.
Status GroupTable::make_room(uint32_t hash) {
  while (is_full(table_of(hash))) {
    const Status status = state_->table_slots < kMaxSlots ? enlarge(hash) : split(hash);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

// Replaces a table by one four times as large; only while there is a single one.
Status GroupTable::enlarge(uint32_t hash) {
  const Table* old = table_of(hash);
  const uint32_t old_slots = state_->table_slots;
  const Offset offset = make_table(old_slots * 4 + 6, old->depth);
  if (offset == 0) return Status::kOutOfMemory;
  state_->table_slots = old_slots * 4 + 6;
  Table* larger = arena_->at<Table>(offset);
  for (uint32_t i = 0; i < old_slots; i++) {
    if (old->slots[i].id != kNone) put(larger, old->slots[i].hash, old->slots[i].id);
  }
  Offset* entry = arena_->at<Offset>(state_->directory);
  const Offset old_offset = *entry;
  *entry = offset;
  arena_->release(old_offset, table_bytes(old_slots));
  return Status::kOk;
}

// Moves the entries whose next bit is set to a new table, doubling the directory when the table had only one
// entry in it.
Status GroupTable::split(uint32_t hash) {
  Table* low = table_of(hash);
  if (low->depth == state_->depth) {
    if (state_->depth == kMaxDepth) return Status::kTooManyGroups;
    const size_t entries = size_t{1} << state_->depth;
    const Offset grown = arena_->allocate(entries * 2 * sizeof(Offset));
    if (grown == 0) return Status::kOutOfMemory;
    const Offset* from = arena_->at<Offset>(state_->directory);
    Offset* to = arena_->at<Offset>(grown);
    for (size_t i = 0; i < entries; i++) to[2 * i] = to[2 * i + 1] = from[i];
    arena_->release(state_->directory, entries * sizeof(Offset));
    state_->directory = grown;
    state_->depth++;
  }
  const uint32_t depth = low->depth + 1;
  const Offset high_offset = make_table(kMaxSlots, depth);
  if (high_offset == 0) return Status::kOutOfMemory;
  Table* high = arena_->at<Table>(high_offset);
  state_->table_count++;

  Slot entries[kMaxSlots];
  std::memcpy(entries, low->slots, sizeof(entries));
  std::memset(static_cast<void*>(low->slots), 0xff, sizeof(entries));
  low->depth = depth;
  low->used = 0;
  for (const Slot& slot : entries) {
    if (slot.id != kNone) put((slot.hash >> (32 - depth) & 1) != 0 ? high : low, slot.hash, slot.id);
  }
  // The upper half of the directory entries that led to the old table now lead to the new one.
  const uint32_t span = 1u << (state_->depth - depth);
  const uint32_t first = (directory_index(hash) & ~(2 * span - 1)) + span;
  Offset* directory = arena_->at<Offset>(state_->directory);
  for (uint32_t i = first; i < first + span; i++) directory[i] = high_offset;
  return Status::kOk;
}

// A number for a new group: one given up, or the next of the newest segment, or the first of a new segment.
Status GroupTable::take_number(uint32_t* id) {
  if (state_->first_free != kNone) {
    *id = state_->first_free;
    state_->first_free = group(*id)->next_free;
    return Status::kOk;
  }
  const uint32_t used = state_->next_unused & kMask;
  const uint32_t segment = state_->next_unused >> kShift;
  if (segment == state_->groups.count) {
    const size_t bytes = static_cast<size_t>(segment_capacity(segment, kShift)) * stride_;
    if (add_segment(*arena_, state_->groups, kNone, bytes) == 0) return Status::kOutOfMemory;
  }
  *id = state_->next_unused++;
  // The numbers that a small segment does not have are skipped.
  if (used + 1 == segment_capacity(segment, kShift)) state_->next_unused = (segment + 1) << kShift;
  return Status::kOk;
}

}  // namespace trending
