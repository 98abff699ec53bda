// SPDX-License-Identifier: PostgreSQL
#include "engine/stores/sketch_store.h"

#include <cstring>

namespace trending {

// Makes the first sketch of a state, or the next larger form of the one that it has.
bool SketchStore::grow(int64_t* word) const {
  void* old = *word == 0 ? nullptr : arena_->at(static_cast<Offset>(*word));
  const Offset larger = arena_->allocate(old == nullptr ? sketch::initial_bytes() : sketch::grown_bytes(old));
  if (larger == 0) return false;
  if (old == nullptr) {
    sketch::init(arena_->at(larger));
  } else {
    sketch::grow(old, arena_->at(larger));
    release(word);
  }
  *word = static_cast<int64_t>(larger);
  return true;
}

void SketchStore::release(int64_t* word) const {
  const auto offset = static_cast<Offset>(*word);
  if (offset != 0) arena_->release(offset, sketch::bytes(arena_->at(offset)));
  *word = 0;
}

bool SketchStore::prepare(int64_t* state, const BatchRecord& record, uint32_t which) const {
  bool good = true;
  for_each(record.valid & which, [&](uint16_t i) {
    int64_t* word = state + layout_->word_of[i];
    const auto hash = static_cast<uint64_t>(record.arguments()[layout_->argument_of[i]]);
    while (good && (*word == 0 || sketch::is_full_for(arena_->at(static_cast<Offset>(*word)), hash))) {
      good = grow(word);
    }
  });
  return good;
}

void SketchStore::add(int64_t* state, const BatchRecord& record, uint32_t which) const {
  for_each(record.valid & which, [&](uint16_t i) {
    int64_t* words = state + layout_->word_of[i];
    void* sketch = arena_->at(static_cast<Offset>(words[0]));
    const auto hash = static_cast<uint64_t>(record.arguments()[layout_->argument_of[i]]);
    if (sketch::add(sketch, hash) == sketch::Added::kChanged) {
      words[1] = static_cast<int64_t>(sketch::estimate(sketch));
    }
  });
}

bool SketchStore::merge(int64_t* state, const int64_t* other, uint32_t which) const {
  bool good = true;
  for_each(which, [&](uint16_t i) {
    const void* from = find(other, i);
    if (from == nullptr) return;
    int64_t* words = state + layout_->word_of[i];
    for (;;) {
      const auto offset = static_cast<Offset>(words[0]);
      if (offset != 0 && sketch::merge(arena_->at(offset), from) != sketch::Added::kFull) break;
      if (grow(words)) continue;
      good = false;
      break;
    }
    if (words[0] != 0) {
      words[1] = static_cast<int64_t>(sketch::estimate(arena_->at(static_cast<Offset>(words[0]))));
    }
  });
  return good;
}

void SketchStore::clear(int64_t* state, uint32_t which) const {
  for_each(which, [&](uint16_t i) {
    release(state + layout_->word_of[i]);
    state[layout_->word_of[i] + 1] = 0;
  });
}

// Of every aggregate its size (four bytes; 0: no sketch) and the stored form.
bool SketchStore::encode(const int64_t* state, HeapBuffer* buffer, size_t* size) const {
  bool good = true;
  for_each(UINT32_MAX, [&](uint16_t i) {
    const void* sketch = find(state, i);
    const auto bytes = static_cast<uint32_t>(sketch == nullptr ? 0 : sketch::serialized_bytes(sketch));
    good = good && buffer->reserve(*size + sizeof(bytes) + bytes);
    if (!good) return;
    std::memcpy(buffer->data() + *size, &bytes, sizeof(bytes));
    *size += sizeof(bytes);
    if (sketch != nullptr) sketch::serialize(sketch, buffer->data() + *size);
    *size += bytes;
  });
  return good;
}

Status SketchStore::decode(const std::byte* bytes, size_t size, int64_t* state) const {
  Status status = Status::kOk;
  for_each(UINT32_MAX, [&](uint16_t i) {
    uint32_t stored = 0;
    if (status == Status::kOk && size < sizeof(stored)) status = Status::kCorrupt;
    if (status != Status::kOk) return;
    std::memcpy(&stored, bytes, sizeof(stored));
    bytes += sizeof(stored);
    size -= sizeof(stored);
    if (stored == 0) return;
    const size_t needed = stored <= size ? sketch::deserialized_bytes(bytes, stored) : 0;
    const Offset offset = needed == 0 ? 0 : arena_->allocate(needed);
    if (offset == 0) {
      status = needed == 0 ? Status::kCorrupt : Status::kOutOfMemory;
      return;
    }
    sketch::deserialize(bytes, stored, arena_->at(offset));
    state[layout_->word_of[i]] = static_cast<int64_t>(offset);
    bytes += stored;
    size -= stored;
  });
  if (status == Status::kOk && size > 0) status = Status::kCorrupt;
  if (status != Status::kOk) clear(state, UINT32_MAX);
  return status;
}

}  // namespace trending
