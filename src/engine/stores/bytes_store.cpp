// SPDX-License-Identifier: PostgreSQL
#include "engine/stores/bytes_store.h"

#include <algorithm>
#include <cstring>

#include "engine/aggregates/hyperloglog.h"
#include "engine/stores/group_table.h"
#include "engine/stores/value_store.h"

namespace trending {

namespace {

// Keeps bytes beyond the next call of the host.
KeyView keep(HeapBuffer* buffer, KeyView bytes) {
  if (bytes.data == nullptr || !buffer->reserve(bytes.size)) return {};
  std::memcpy(buffer->data(), bytes.data, bytes.size);
  return {buffer->data(), bytes.size};
}

}  // namespace

// ---- memory

Offset BytesStore::store(KeyView bytes) const {
  const Offset blob = arena_->allocate(sizeof(Blob) + bytes.size);
  if (blob == 0) return 0;
  auto* made = arena_->at<Blob>(blob);
  made->size = bytes.size;
  std::memcpy(made + 1, bytes.data, bytes.size);
  return blob;
}

void BytesStore::release(Offset blob) const {
  if (blob != 0) arena_->release(blob, sizeof(Blob) + bytes_at(*arena_, blob).size);
}

void BytesStore::replace(int64_t* state, uint16_t aggregate, Offset blob) const {
  int64_t* words = state + place_of(aggregate);
  release(static_cast<Offset>(words[0]));
  words[0] = static_cast<int64_t>(blob);
  if (layout_->aggregates[aggregate].kind == AggregateKind::kCombined) return;
  const KeyView bytes = bytes_at(*arena_, blob);
  words[1] = static_cast<int64_t>(hash_for_sketch(bytes.data, bytes.size));
}

void BytesStore::clear(int64_t* state, uint32_t which) const {
  for_each(which, [&](uint16_t i) {
    int64_t* words = state + layout_->word_of[i];
    release(static_cast<Offset>(state[place_of(i)]));
    std::fill(words, words + state_words(layout_->aggregates[i]), 0);
  });
}

// ---- events

// The state of several equal events, by doubling.
KeyView BytesStore::combine_times(uint16_t aggregate, KeyView one, uint64_t times) {
  KeyView sum;
  KeyView power = one;
  for (; power.data != nullptr; power = keep(&power_, combine(aggregate, power, power))) {
    if ((times & 1) != 0) {
      sum = keep(&sum_, sum.data == nullptr ? power : combine(aggregate, sum, power));
      if (sum.data == nullptr) return {};
    }
    times >>= 1;
    if (times == 0) return sum;
  }
  return {};
}

Status BytesStore::prepare_one(const int64_t* state, uint16_t aggregate, const int64_t* argument,
                               KeyView bytes, uint64_t times, Offset* made) {
  if (layout_->aggregates[aggregate].kind == AggregateKind::kCombined) {
    if (times > 1) bytes = combine_times(aggregate, bytes, times);
    const KeyView present = find(state, aggregate);
    if (bytes.data != nullptr && present.data != nullptr) bytes = combine(aggregate, present, bytes);
    if (bytes.data == nullptr) return Status::kFailed;
  } else if (!is_better(aggregate, {argument[0], bytes}, extreme(state, aggregate))) {
    return Status::kOk;
  }
  *made = store(bytes);
  return *made != 0 ? Status::kOk : Status::kOutOfMemory;
}

Status BytesStore::prepare(const int64_t* state, const BatchRecord& record, uint32_t which,
                           Prepared* prepared) {
  forget(prepared);
  Status status = Status::kOk;
  for_each_tail(*layout_, record, [&](uint16_t i, const int64_t* argument, KeyView bytes) {
    if (status != Status::kOk || (layout_->owned_bytes >> i & which >> i & 1) == 0) return;
    status = prepare_one(state, i, argument, bytes, record.added, &prepared->bytes[i]);
  });
  if (status != Status::kOk) forget(prepared);
  return status;
}

void BytesStore::fold(int64_t* state, const BatchRecord& record, Prepared* prepared) const {
  for_each(record.valid, [&](uint16_t i) {
    if (prepared->bytes[i] == 0) return;
    const AggregateSpec& spec = layout_->aggregates[i];
    if (is_timed(spec)) state[layout_->word_of[i]] = record.arguments()[layout_->argument_of[i]];
    replace(state, i, prepared->bytes[i]);
    prepared->bytes[i] = 0;
  });
}

void BytesStore::forget(Prepared* prepared) const {
  for_each(UINT32_MAX, [&](uint16_t i) {
    release(prepared->bytes[i]);
    prepared->bytes[i] = 0;
  });
}

bool BytesStore::merge(int64_t* state, const int64_t* other, uint32_t which) {
  bool good = true;
  for_each(which, [&](uint16_t i) {
    KeyView bytes = find(other, i);
    if (bytes.data == nullptr) return;
    const AggregateSpec& spec = layout_->aggregates[i];
    if (spec.kind == AggregateKind::kCombined) {
      const KeyView present = find(state, i);
      if (present.data != nullptr) bytes = combine(i, present, bytes);
    } else if (!is_better(i, extreme(other, i), extreme(state, i))) {
      return;
    }
    const Offset blob = bytes.data != nullptr ? store(bytes) : 0;
    good = good && blob != 0;
    if (blob == 0) return;
    if (is_timed(spec)) state[layout_->word_of[i]] = other[layout_->word_of[i]];
    replace(state, i, blob);
  });
  return good;
}

// ---- checkpoints

bool BytesStore::encode(const int64_t* state, HeapBuffer* buffer, size_t* size) const {
  bool good = true;
  for_each(UINT32_MAX, [&](uint16_t i) {
    const KeyView bytes = find(state, i);
    good = good && buffer->reserve(*size + sizeof(bytes.size) + bytes.size);
    if (!good) return;
    std::memcpy(buffer->data() + *size, &bytes.size, sizeof(bytes.size));
    *size += sizeof(bytes.size);
    if (bytes.size > 0) std::memcpy(buffer->data() + *size, bytes.data, bytes.size);
    *size += bytes.size;
  });
  return good;
}

Status BytesStore::decode(const std::byte* bytes, size_t size, int64_t* state, size_t* used) const {
  Status status = Status::kOk;
  *used = 0;
  for_each(UINT32_MAX, [&](uint16_t i) {
    uint32_t stored = 0;
    if (status == Status::kOk && size - *used < sizeof(stored)) status = Status::kCorrupt;
    if (status != Status::kOk) return;
    std::memcpy(&stored, bytes + *used, sizeof(stored));
    *used += sizeof(stored);
    if (stored > size - *used) {
      status = Status::kCorrupt;
      return;
    }
    if (stored == 0) return;
    const KeyView value{bytes + *used, stored};
    if (hooks_.is_value != nullptr && !hooks_.is_value(hooks_.context, i, value)) {
      status = Status::kCorrupt;
      return;
    }
    const Offset blob = store(value);
    *used += stored;
    if (blob == 0) {
      status = Status::kOutOfMemory;
    } else {
      replace(state, i, blob);
    }
  });
  if (status != Status::kOk) clear(state, UINT32_MAX);
  return status;
}

// ---- results

bool BytesStore::merge_into_result(int64_t* result, const int64_t* state, uint32_t which) {
  bool good = true;
  for_each(which, [&](uint16_t i) {
    KeyView bytes = find(state, i);
    if (bytes.data == nullptr) return;
    const AggregateSpec& spec = layout_->aggregates[i];
    int64_t* words = result + layout_->word_of[i];
    const KeyView present = local_bytes(words + bytes_word(spec));
    if (spec.kind != AggregateKind::kCombined) {
      if (!is_better(i, extreme(state, i), {words[0], present})) return;
      if (is_timed(spec)) words[0] = state[layout_->word_of[i]];
    } else if (present.data != nullptr) {
      bytes = keep(&results_[i], combine(i, present, bytes));
      good = good && bytes.data != nullptr;
    }
    set_local_bytes(words + bytes_word(spec), bytes);
  });
  return good;
}

KeyView total_bytes(Arena* arena, const StateLayout& layout, ValueStoreState* values, const int64_t* total,
                    uint16_t aggregate) {
  const AggregateSpec& spec = layout.aggregates[aggregate];
  const int64_t place = total[layout.word_of[aggregate] + bytes_word(spec)];
  if (place == 0) return {};
  if ((layout.nested >> aggregate & 1) != 0)
    return ValueStore::bytes_of_total(arena, layout, values, total, aggregate);
  return BytesStore::bytes_at(*arena, static_cast<Offset>(place));
}

size_t packed_bytes(const StateLayout& layout, FunctionRef<KeyView(uint16_t)> bytes_of) {
  size_t bytes = layout.bytes();
  for (uint16_t i = 0; i < layout.aggregate_count && layout.has_bytes; i++) {
    if (is_bytes(layout.aggregates[i])) bytes += BatchRecord::padded(bytes_of(i).size);
  }
  return bytes;
}

void pack_result(const StateLayout& layout, const int64_t* words, FunctionRef<KeyView(uint16_t)> bytes_of,
                 int64_t* result) {
  std::copy(words, words + layout.words, result);
  uint64_t end = layout.bytes();
  for (uint16_t i = 0; i < layout.aggregate_count && layout.has_bytes; i++) {
    if (!is_bytes(layout.aggregates[i])) continue;
    const KeyView bytes = bytes_of(i);
    int64_t* place = result + layout.word_of[i] + bytes_word(layout.aggregates[i]);
    place[0] = static_cast<int64_t>(bytes.size == 0 ? 0 : end << 32 | bytes.size);
    place[1] = 0;
    if (bytes.size == 0) continue;
    auto* out = reinterpret_cast<std::byte*>(result) + end;
    const size_t room = BatchRecord::padded(bytes.size);
    std::memset(out + room - 8, 0, 8);
    std::memcpy(out, bytes.data, bytes.size);
    end += room;
  }
}

}  // namespace trending
