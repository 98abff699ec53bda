// SPDX-License-Identifier: PostgreSQL
// What belongs to a session's state and lies outside of it: sketches and sets of different values.

#include <algorithm>
#include <cstring>

#include "engine/aggregates/aggregate_state.h"
#include "engine/sessions/session_writer.h"

namespace trending {

namespace {

template <typename Visit>
void for_each_sketch(const StateLayout& layout, Visit&& visit) {
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (layout.aggregates[i].kind == AggregateKind::kApproxDistinct) visit(layout.word_of[i]);
  }
}

// visit(aggregate) for the aggregates with a set of values.
template <typename Visit>
void for_each_set(const StateLayout& layout, Visit&& visit) {
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if ((layout.nested >> i & 1) != 0) visit(i);
  }
}

Offset tree_of(const StateLayout& layout, const int64_t* state, uint16_t aggregate) {
  return static_cast<Offset>(state[layout.root_of[aggregate]]);
}

template <typename Change>
void change_tree(const StateLayout& layout, int64_t* state, uint16_t aggregate, Change&& change) {
  Offset tree = tree_of(layout, state, aggregate);
  change(&tree);
  state[layout.root_of[aggregate]] = static_cast<int64_t>(tree);
}

}  // namespace

// Leaves the words by which a state owns something out of a copy of it.
void SessionWriter::disown_parts(int64_t* state) const {
  const StateLayout& layout = header_->layout;
  for_each_sketch(layout, [&](uint16_t word) { state[word] = 0; });
  for_each_set(layout, [&](uint16_t i) { state[layout.root_of[i]] = 0; });
}

void SessionWriter::release_parts(int64_t* state) {
  const StateLayout& layout = header_->layout;
  if (layout.has_sketches) sketches_.clear(state, UINT32_MAX);
  for_each_set(
      layout, [&](uint16_t i) { change_tree(layout, state, i, [&](Offset* tree) { values_.clear(tree); }); });
}

// Gets all that a row needs for it to join a state, or that and a second one which is then merged into it
// (null: there is none). Nothing is changed if that fails.
Status SessionWriter::prepare_parts(const BatchRecord& record, int64_t* state, const int64_t* merged) {
  Status status = make_values(record, state, merged);
  if (status == Status::kOk && !prepare_sketches(record, state, merged)) status = Status::kOutOfMemory;
  if (status != Status::kOk) release_made();
  return status;
}

// Those of the row's values that neither of the states has.
Status SessionWriter::make_values(const BatchRecord& record, const int64_t* state, const int64_t* merged) {
  const StateLayout& layout = header_->layout;
  std::fill(made_, made_ + kMaxAggregates, 0);
  const int64_t* words = record.arguments();
  const auto* tail = reinterpret_cast<const std::byte*>(words + layout.argument_words);
  Status status = Status::kOk;
  for_each_set(layout, [&](uint16_t i) {
    if ((record.valid >> i & 1) == 0 || status != Status::kOk) return;
    const KeyView value{tail, static_cast<uint32_t>(words[layout.argument_of[i]])};
    tail += value.size;
    if (values_.contains(tree_of(layout, state, i), value)) return;
    if (merged != nullptr && values_.contains(tree_of(layout, merged, i), value)) return;
    if (state_->values >= header_->options.max_values) {
      status = Status::kTooManyGroups;
      return;
    }
    made_[i] = values_.make(value);
    if (made_[i] == 0) status = Status::kOutOfMemory;
  });
  return status;
}

void SessionWriter::release_made() {
  for (Offset& value : made_) {
    values_.release(value);
    value = 0;
  }
}

bool SessionWriter::prepare_sketches(const BatchRecord& record, int64_t* state, const int64_t* merged) {
  if (!header_->layout.has_sketches) return true;
  if (merged == nullptr) return sketches_.prepare(state, record, kEverything);
  int64_t united[kMaxStateWords] = {};
  const bool good = sketches_.merge(united, state, UINT32_MAX) &&
                    sketches_.merge(united, merged, UINT32_MAX) &&
                    sketches_.prepare(united, record, kEverything);
  if (!good) {
    sketches_.clear(united, UINT32_MAX);
    return false;
  }
  sketches_.clear(state, UINT32_MAX);
  for_each_sketch(header_->layout,
                  [&](uint16_t word) { std::copy(united + word, united + word + 2, state + word); });
  return true;
}

// The sketches have been united before.
void SessionWriter::merge_parts(int64_t* state, int64_t* merged) {
  const StateLayout& layout = header_->layout;
  for_each_set(layout, [&](uint16_t i) {
    int64_t& count = state[layout.word_of[i]];
    if (merged[layout.word_of[i]] > count) {
      std::swap(count, merged[layout.word_of[i]]);
      std::swap(state[layout.root_of[i]], merged[layout.root_of[i]]);
    }
    const Offset other = tree_of(layout, merged, i);
    merged[layout.root_of[i]] = 0;
    change_tree(layout, state, i, [&](Offset* tree) { count += values_.unite(tree, other); });
  });
}

void SessionWriter::fold_parts(const BatchRecord& record, int64_t* state) {
  const StateLayout& layout = header_->layout;
  for_each_set(layout, [&](uint16_t i) {
    if (made_[i] == 0) return;
    change_tree(layout, state, i, [&](Offset* tree) { values_.insert(tree, made_[i]); });
    state[layout.word_of[i]]++;
    made_[i] = 0;
  });
  if (layout.has_sketches) sketches_.add(state, record, kEverything);
}

// ---- checkpoints: the size of the sketches (four bytes) and they, then each value's size and bytes, as many
// as the state says

bool SessionWriter::encode_parts(const int64_t* state, HeapBuffer* buffer, size_t* size) const {
  const StateLayout& layout = header_->layout;
  bool good = true;
  const auto append = [&](const void* bytes, size_t count) {
    good = good && buffer->reserve(*size + count);
    if (!good) return;
    if (count > 0) std::memcpy(buffer->data() + *size, bytes, count);
    *size += count;
  };
  const size_t begin = *size;
  uint32_t sketch_bytes = 0;
  append(&sketch_bytes, sizeof(sketch_bytes));
  if (layout.has_sketches) good = good && sketches_.encode(state, buffer, size);
  if (good) {
    sketch_bytes = static_cast<uint32_t>(*size - begin - sizeof(sketch_bytes));
    std::memcpy(buffer->data() + begin, &sketch_bytes, sizeof(sketch_bytes));
  }
  for_each_set(layout, [&](uint16_t i) {
    values_.for_each(tree_of(layout, state, i), [&](KeyView value) {
      append(&value.size, sizeof(value.size));
      append(value.data, value.size);
    });
  });
  return good;
}

// Gives a state that owns nothing yet, but says how many values it had, what was encoded. When the status is
// not kOk it has some of it.
Status SessionWriter::decode_parts(const std::byte* bytes, size_t size, int64_t* state) {
  const StateLayout& layout = header_->layout;
  uint32_t length = 0;
  Status status = Status::kOk;
  // The next piece, whose size stands before it; null when it is not there.
  const auto next = [&]() -> const std::byte* {
    if (size >= sizeof(length)) std::memcpy(&length, bytes, sizeof(length));
    if (size < sizeof(length) || size - sizeof(length) < length) return nullptr;
    const std::byte* piece = bytes + sizeof(length);
    bytes = piece + length;
    size -= sizeof(length) + length;
    return piece;
  };
  const std::byte* sketches = next();
  if (sketches == nullptr || (!layout.has_sketches && length > 0)) return Status::kCorrupt;
  if (layout.has_sketches) status = sketches_.decode(sketches, length, state);
  for_each_set(layout, [&](uint16_t i) {
    const int64_t count = state[layout.word_of[i]];
    state[layout.word_of[i]] = 0;
    while (status == Status::kOk && state[layout.word_of[i]] < count) {
      const std::byte* value = next();
      status = value == nullptr ? Status::kCorrupt : add_value(state, i, {value, length});
    }
  });
  return status == Status::kOk && size > 0 ? Status::kCorrupt : status;
}

Status SessionWriter::add_value(int64_t* state, uint16_t aggregate, KeyView value) {
  const StateLayout& layout = header_->layout;
  if (values_.contains(tree_of(layout, state, aggregate), value)) return Status::kCorrupt;
  const Offset made = values_.make(value);
  if (made == 0) return Status::kOutOfMemory;
  change_tree(layout, state, aggregate, [&](Offset* tree) { values_.insert(tree, made); });
  state[layout.word_of[aggregate]]++;
  return Status::kOk;
}

}  // namespace trending
