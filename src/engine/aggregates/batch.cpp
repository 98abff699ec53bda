// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/batch.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

namespace trending {

namespace {

constexpr size_t kKeptBuffer = size_t{1} << 20;  // a slot's buffer larger than this is released by clear()
constexpr size_t kMaxArgumentSize = size_t{1} << 30;

// Grows a malloc'd array of trivially copyable elements to at least `needed`.
template <typename T, typename Count>
bool grow(T** array, Count* capacity, size_t needed, size_t least) {
  if (needed <= *capacity) return true;
  const size_t larger = std::max({needed, static_cast<size_t>(*capacity) * 2, least});
  void* grown = std::realloc(static_cast<void*>(*array), larger * sizeof(T));
  if (grown == nullptr) return false;
  *array = static_cast<T*>(grown);
  *capacity = static_cast<Count>(larger);
  return true;
}

bool equal_arguments(const BatchRecord& a, const BatchRecord& b) {
  return a.argument_size == b.argument_size &&
         (a.argument_size == 0 || std::memcmp(a.arguments(), b.arguments(), a.argument_size) == 0);
}

// The time of two records merged into one. Only rows that are added move a clock.
Time later_time(const BatchRecord& a, const BatchRecord& b) {
  if ((a.added > 0) != (b.added > 0)) return a.added > 0 ? a.time : b.time;
  return std::max(a.time, b.time);
}

const BatchRecord* record_at(const std::byte* data, size_t offset) {
  return reinterpret_cast<const BatchRecord*>(data + offset);
}

}  // namespace

static_assert(std::is_trivially_copyable_v<Windows>);  // slots are moved by realloc

struct Batch::Slot {
  bool touched;
  uint64_t hash_seed;
  std::byte* data;
  size_t size;
  size_t capacity;
  uint64_t records;
  Time max_time;
  uint64_t out_of_range;
  bool uneven;
  bool retracts;
  Pane range;  // of the times that are in range for all
  Windows* windows;
  uint32_t window_count;
  uint32_t window_capacity;

  bool is_in_some_range(Time t) const {
    return std::any_of(windows, windows + window_count, [t](const Windows& w) { return w.in_range(t); });
  }

  // The times around t whose events are equal to all trends.
  Pane pane_of(Time t) const {
    if (!range.contains(t)) return {t, t + 1};
    Pane common = windows[0].pane_of(t);
    for (uint32_t i = 1; i < window_count; i++) {
      const Pane pane = windows[i].pane_of(t);
      common = {std::max(common.start, pane.start), std::min(common.end, pane.end)};
    }
    return common;
  }

  void release() {
    std::free(data);
    data = nullptr;
    capacity = 0;
  }

  void empty() {
    touched = false;
    size = 0;
    records = 0;
    max_time = kNoTime;
    out_of_range = 0;
    uneven = false;
    retracts = false;
  }
};

Batch::~Batch() {
  for (uint32_t i = 0; i < slot_count_; i++) {
    std::free(slots_[i].data);
    std::free(slots_[i].windows);
  }
  std::free(slots_);
  std::free(touched_);
}

Status Batch::open_slot(uint32_t index, const Windows& windows, uint64_t hash_seed) {
  const uint32_t before = slot_count_;
  if (!grow(&slots_, &slot_count_, size_t{index} + 1, 8)) return Status::kOutOfMemory;
  for (uint32_t i = before; i < slot_count_; i++) new (&slots_[i]) Slot{};
  Slot& slot = slots_[index];
  slot.hash_seed = hash_seed;
  slot.window_count = 0;
  slot.range = {INT64_MIN, INT64_MAX};
  return share_slot(index, windows);
}

Status Batch::share_slot(uint32_t index, const Windows& windows) {
  Slot& slot = slots_[index];
  if (!grow(&slot.windows, &slot.window_capacity, size_t{slot.window_count} + 1, 1)) {
    return Status::kOutOfMemory;
  }
  new (&slot.windows[slot.window_count++]) Windows(windows);
  const Pane range = windows.range();
  slot.range = {std::max(slot.range.start, range.start), std::min(slot.range.end, range.end)};
  return Status::kOk;
}

Status Batch::append(uint32_t index, Time time, int32_t weight, KeyView key, uint32_t valid,
                     const ArgumentView& arguments, bool is_first) {
  BatchRecord* record = nullptr;
  const size_t word_bytes = size_t{arguments.word_count} * 8;
  if (word_bytes + arguments.tail_size > kMaxArgumentSize) return Status::kInvalidOptions;
  BatchRecord made{};
  made.time = time;
  made.added = weight > 0;
  made.retracted = weight < 0;
  made.rows = weight > 0 && is_first;
  made.argument_size = static_cast<uint32_t>(word_bytes + arguments.tail_size);
  made.valid = valid;
  const Status status = make(index, made, key, &record);
  if (record == nullptr) [[unlikely]]
    return status;
  if (word_bytes > 0) {
    auto* words = const_cast<int64_t*>(record->arguments());
    std::memcpy(words, arguments.words, word_bytes);
    if (arguments.tail_size > 0) {
      std::memcpy(words + arguments.word_count, arguments.tail, arguments.tail_size);
    }
  }
  return Status::kOk;
}

Status Batch::append(uint32_t index, const BatchRecord& event) {
  BatchRecord* record = nullptr;
  const Status status = make(index, event, event.key(), &record);
  if (record == nullptr) return status;
  if (event.argument_size > 0) {
    std::memcpy(const_cast<int64_t*>(record->arguments()), event.arguments(), event.argument_size);
  }
  return Status::kOk;
}

// Adds a record like the given one, with this key; the caller enters its arguments. No record for a time out
// of range.
Status Batch::make(uint32_t index, const BatchRecord& like, KeyView key, BatchRecord** record) {
  if (index >= slot_count_ || slots_[index].window_count == 0 || key.size > kMaxKeySize) {
    return Status::kInvalidOptions;
  }
  Slot& slot = slots_[index];
  if (!slot.touched && !touch(index, &slot)) return Status::kOutOfMemory;
  if (!slot.range.contains(like.time)) [[unlikely]] {
    if (!slot.is_in_some_range(like.time)) {
      slot.out_of_range += like.rows + like.retracted;
      return Status::kOk;
    }
    slot.uneven = true;
  }
  const size_t bytes =
      sizeof(BatchRecord) + BatchRecord::padded(key.size) + BatchRecord::padded(like.argument_size);
  if (bytes_ + bytes > merge_at_) [[unlikely]]
    merge_equal_events();
  if (slot.size + bytes > slot.capacity && !grow(&slot.data, &slot.capacity, slot.size + bytes, 1024)) {
    return Status::kOutOfMemory;
  }
  auto* made = new (slot.data + slot.size) BatchRecord(like);
  made->hash = hash_key(key, slot.hash_seed);
  made->key_size = key.size;
  if (key.size > 0) std::memcpy(static_cast<void*>(made + 1), key.data, key.size);
  slot.size += bytes;
  slot.records++;
  if (like.added > 0 && like.time > slot.max_time) slot.max_time = like.time;
  slot.retracts |= like.retracted > 0;
  bytes_ += bytes;
  *record = made;
  return Status::kOk;
}

BatchSlice Batch::slice(uint32_t index) const {
  if (index >= slot_count_) return {};
  const Slot& slot = slots_[index];
  return {record_at(slot.data, 0),
          record_at(slot.data, slot.size),
          slot.records,
          slot.max_time,
          slot.out_of_range,
          slot.uneven,
          slot.retracts};
}

uint32_t Batch::largest_slot() const {
  if (touched_count_ == 0) return kNoSlot;
  return *std::max_element(touched_, touched_ + touched_count_,
                           [this](uint32_t a, uint32_t b) { return slots_[a].size < slots_[b].size; });
}

void Batch::drop(uint32_t index) {
  Slot& slot = slots_[index];
  bytes_ -= slot.size;
  slot.empty();
  slot.touched = true;  // and stays listed
  slot.release();
}

void Batch::clear() {
  for (uint32_t i = 0; i < touched_count_; i++) {
    Slot& slot = slots_[touched_[i]];
    slot.empty();
    if (slot.capacity > kKeptBuffer) slot.release();
  }
  touched_count_ = 0;
  bytes_ = 0;
  merge_at_ = limit_;
}

bool Batch::touch(uint32_t index, Slot* slot) {
  if (!grow(&touched_, &touched_capacity_, size_t{touched_count_} + 1, 8)) return false;
  slot->empty();
  slot->touched = true;
  touched_[touched_count_++] = index;
  return true;
}

void Batch::merge(uint32_t index) {
  bytes_ -= slots_[index].size;
  merge_slot(&slots_[index]);
  bytes_ += slots_[index].size;
}

// Merges what can be merged. When that frees less than half, the bound is doubled for this transaction.
void Batch::merge_equal_events() {
  bytes_ = 0;
  for (uint32_t i = 0; i < touched_count_; i++) {
    merge_slot(&slots_[touched_[i]]);
    bytes_ += slots_[touched_[i]].size;
  }
  if (bytes_ > merge_at_ / 2) merge_at_ = std::max(merge_at_, bytes_) * 2;
}

// Merges the equal events of a slot in place, keeping the order of first arrival. Does nothing when memory
// for the index of records is short.
void Batch::merge_slot(Slot* slot) {
  size_t places = 16;
  while (places < slot->records * 2) places *= 2;
  constexpr size_t kEmpty = SIZE_MAX;
  auto* index = static_cast<size_t*>(std::malloc(places * sizeof(size_t)));
  if (index == nullptr) return;
  std::fill(index, index + places, kEmpty);

  Pane pane;
  size_t size = 0;
  uint64_t records = 0;
  for (size_t offset = 0; offset < slot->size;) {
    const BatchRecord* record = record_at(slot->data, offset);
    const size_t bytes = record->bytes();
    if (!pane.contains(record->time)) pane = slot->pane_of(record->time);
    size_t i = (record->hash ^ static_cast<uint64_t>(pane.start) * 0x9e3779b97f4a7c15u >> 20) & (places - 1);
    BatchRecord* equal = nullptr;
    for (; index[i] != kEmpty; i = (i + 1) & (places - 1)) {
      auto* other = reinterpret_cast<BatchRecord*>(slot->data + index[i]);
      if (other->hash == record->hash && other->valid == record->valid && pane.contains(other->time) &&
          other->key() == record->key() && equal_arguments(*other, *record)) {
        equal = other;
        break;
      }
    }
    if (equal != nullptr) {
      equal->time = later_time(*equal, *record);
      equal->added += record->added;
      equal->retracted += record->retracted;
      equal->rows += record->rows;
    } else {
      index[i] = size;
      if (size != offset) std::memmove(slot->data + size, slot->data + offset, bytes);
      size += bytes;
      records++;
    }
    offset += bytes;
  }
  slot->size = size;
  slot->records = records;
  std::free(index);
}

}  // namespace trending
