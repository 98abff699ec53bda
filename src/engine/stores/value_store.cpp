// SPDX-License-Identifier: PostgreSQL
#include "engine/stores/value_store.h"

#include <algorithm>

namespace trending {

namespace {

// What the key of an extreme of type kBytes has before its tail.
TimedBytes split_timed(const AggregateSpec& spec, KeyView value) {
  TimedBytes result;
  if (!is_timed(spec)) return {0, value};
  std::memcpy(&result.at, value.data, sizeof(result.at));
  result.bytes = {value.data + sizeof(result.at), value.size - static_cast<uint32_t>(sizeof(result.at))};
  return result;
}

}  // namespace

void ValueStore::open(Arena* arena, TrendHeader* header, ValueStoreState* state, const Hooks& hooks) {
  header_ = header;
  hooks_ = hooks;
  layout_ = &header->layout;
  values_ = GroupTable(arena, &state->values, kTotalWords);
  panes_ = PaneStore(arena, &state->panes, 1);
}

// ---- events

bool ValueStore::make_key(uint32_t group, uint16_t aggregate, const TimedBytes& value, bool timed,
                          KeyView* key) {
  const size_t head = timed ? sizeof(value.at) : 0;
  const size_t size = head + value.bytes.size + kTailBytes;
  if (size > kMaxKeySize || !key_.reserve(size)) return false;
  if (timed) std::memcpy(key_.data(), &value.at, sizeof(value.at));
  if (value.bytes.size > 0) std::memcpy(key_.data() + head, value.bytes.data, value.bytes.size);
  std::memcpy(key_.data() + size - kTailBytes, &group, sizeof(group));
  key_.data()[size - 1] = static_cast<std::byte>(aggregate);
  *key = {key_.data(), static_cast<uint32_t>(size)};
  return true;
}

// The pane of values with the span of one of the trend's.
uint32_t ValueStore::pane_at(const PaneRecord& pane, bool add) {
  const uint32_t slot = panes_.find(pane.start);
  if (slot != kNone || !add) return slot;
  return panes_.add({pane.start, pane.end}, pane.first_end, pane.last_end);
}

Status ValueStore::find_one(KeyView key, const PaneRecord& pane, bool add, Target* target) {
  *target = Target{};
  const uint32_t slot = pane_at(pane, add);
  if (slot == kNone) return add ? Status::kOutOfMemory : Status::kOk;
  const uint32_t hash = hash_key(key, header_->options.hash_seed);
  uint32_t id = values_.find(key, hash);
  if (!add) {
    if (id == kNone) return Status::kOk;
    const uint32_t number = panes_.find_cell(values_.group(id), id, slot);
    if (number != kNone) *target = {id, slot, panes_.cell(number), 0};
    return Status::kOk;
  }
  if (id == kNone) {
    if (values_.count() >= header_->options.max_values) return Status::kTooManyGroups;
    const Status status = values_.insert(key, hash, &id);
    if (status != Status::kOk) return status;
  }
  Group* value = values_.group(id);
  const uint32_t number = panes_.find_or_add_cell(value, id, slot);
  if (number == kNone) {
    if (value->newest_cell == kNone) values_.remove(id);  // made just now
    return Status::kOutOfMemory;
  }
  *target = {id, slot, panes_.cell(number), 0};
  return Status::kOk;
}

Status ValueStore::find(const BatchRecord& record, uint32_t group, const PaneRecord& pane, bool add) {
  const int64_t* words = record.arguments();
  const auto* tail = reinterpret_cast<const std::byte*>(words + layout_->argument_words);
  for (uint16_t i = 0; i < layout_->aggregate_count; i++) {
    targets_[i] = Target{};
    const AggregateSpec& spec = layout_->aggregates[i];
    const bool is_nested = (layout_->nested >> i & 1) != 0;
    if ((record.valid >> i & 1) == 0 || (!is_nested && !has_tail(spec))) continue;
    const int64_t* argument = words + layout_->argument_of[i];
    const uint32_t argument_count = argument_words(spec);
    TimedBytes value{argument[0], {reinterpret_cast<const std::byte*>(argument), argument_count * 8u}};
    if (has_tail(spec)) {
      value.bytes = {tail, static_cast<uint32_t>(argument[argument_count - 1])};
      tail += value.bytes.size;
    }
    if (!is_nested) continue;
    KeyView key;
    const bool timed = spec.type == ValueType::kBytes && is_timed(spec);
    if (!make_key(group, i, value, timed, &key)) return Status::kOutOfMemory;
    const Status status = find_one(key, pane, add, &targets_[i]);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

// A value is retracted as often as it was counted, as rows are.
void ValueStore::fold(int64_t weight) {
  for (uint16_t i = 0; i < layout_->aggregate_count; i++) {
    Target& target = targets_[i];
    if (target.cell == nullptr) continue;
    int64_t& rows = target.cell->state()[0];
    target.change = std::max(rows + weight, int64_t{0}) - rows;
    rows += target.change;
    if (target.change != 0) panes_.set_dirty(panes_.record(target.pane), target.cell);
  }
}

void ValueStore::fold_total(int64_t* total, uint32_t counted) {
  for (uint16_t i = 0; i < layout_->aggregate_count; i++) {
    if (targets_[i].change != 0 && (counted >> i & 1) != 0)
      change(targets_[i].value, targets_[i].change, total);
  }
}

// ---- the current window

void ValueStore::renew(Group* value) const {
  if (value->epoch == header_->epoch) return;
  value->epoch = header_->epoch;
  std::fill(value->total(), value->total() + kTotalWords, 0);
}

void ValueStore::change(uint32_t value, int64_t rows, int64_t* total) {
  Group* changed = values_.group(value);
  renew(changed);
  const bool was_there = changed->total()[0] > 0;
  changed->total()[0] += rows;
  const bool is_there = changed->total()[0] > 0;
  if (was_there == is_there) return;
  const uint16_t aggregate = aggregate_of(changed);
  if (layout_->aggregates[aggregate].kind == AggregateKind::kDistinct) {
    total[layout_->word_of[aggregate]] += is_there ? 1 : -1;
  } else {
    change_tree(aggregate, value, is_there, total);
  }
}

// Keeps the tree of an extreme, and beside it the value to be chosen.
void ValueStore::change_tree(uint16_t aggregate, uint32_t value, bool appears, int64_t* total) {
  const AggregateSpec& spec = layout_->aggregates[aggregate];
  int64_t* words = total + layout_->word_of[aggregate];
  int64_t* root = total + layout_->root_of[aggregate];
  const int64_t present = int64_t{1} << aggregate;
  const uint32_t link = value + 1;
  uint32_t tree = static_cast<uint32_t>(*root);
  tree = appears ? insert(aggregate, tree, link) : erase(aggregate, tree, link);
  *root = tree;
  if (tree == 0) {
    total[layout_->present_word] &= ~present;
    std::fill(words, words + state_words(spec), 0);
    return;
  }
  while (left(tree) != 0) tree = left(tree);
  total[layout_->present_word] |= present;
  if (spec.type == ValueType::kBytes) {
    words[0] = timed_bytes_of(tree - 1).at;
    words[bytes_word(spec)] = tree;
  } else {
    std::copy(words_of(tree - 1), words_of(tree - 1) + state_words(spec), words);
  }
}

// Of an extreme of type kBytes.
TimedBytes ValueStore::timed_bytes_of(uint32_t value) const {
  const Group* found = values_.group(value);
  return split_timed(layout_->aggregates[aggregate_of(found)], bytes_of(found));
}

KeyView ValueStore::bytes_of_total(Arena* arena, const StateLayout& layout, ValueStoreState* state,
                                   const int64_t* total, uint16_t aggregate) {
  const AggregateSpec& spec = layout.aggregates[aggregate];
  const int64_t link = total[layout.word_of[aggregate] + bytes_word(spec)];
  const GroupTable values(arena, &state->values, kTotalWords);
  const KeyView key = values.key(values.group(static_cast<uint32_t>(link) - 1));
  return split_timed(spec, {key.data, key.size - kTailBytes}).bytes;
}

bool ValueStore::is_before(uint16_t aggregate, uint32_t a, uint32_t b) const {
  const AggregateSpec& spec = layout_->aggregates[aggregate];
  if (spec.type != ValueType::kBytes) return compare_extremes(spec, words_of(a - 1), words_of(b - 1)) < 0;
  return compare_extremes(hooks_, *layout_, aggregate, timed_bytes_of(a - 1), timed_bytes_of(b - 1)) < 0;
}

bool ValueStore::is_above(uint32_t a, uint32_t b) const {
  const uint32_t a_hash = values_.group(a - 1)->hash;
  const uint32_t b_hash = values_.group(b - 1)->hash;
  return a_hash != b_hash ? a_hash > b_hash : a > b;
}

void ValueStore::split(uint16_t aggregate, uint32_t tree, uint32_t at, uint32_t* low, uint32_t* high) {
  if (tree == 0) {
    *low = *high = 0;
  } else if (is_before(aggregate, tree, at)) {
    uint32_t rest = 0;
    split(aggregate, right(tree), at, &rest, high);
    set_right(tree, rest);
    *low = tree;
  } else {
    uint32_t rest = 0;
    split(aggregate, left(tree), at, low, &rest);
    set_left(tree, rest);
    *high = tree;
  }
}

uint32_t ValueStore::join(uint32_t low, uint32_t high) {
  if (low == 0 || high == 0) return low + high;
  if (is_above(low, high)) {
    set_right(low, join(right(low), high));
    return low;
  }
  set_left(high, join(low, left(high)));
  return high;
}

uint32_t ValueStore::insert(uint16_t aggregate, uint32_t tree, uint32_t added) {
  if (tree == 0 || is_above(added, tree)) {
    uint32_t low = 0;
    uint32_t high = 0;
    split(aggregate, tree, added, &low, &high);
    links(added) = static_cast<uint64_t>(high) << 32 | low;
    return added;
  }
  if (is_before(aggregate, added, tree)) {
    set_left(tree, insert(aggregate, left(tree), added));
  } else {
    set_right(tree, insert(aggregate, right(tree), added));
  }
  return tree;
}

uint32_t ValueStore::erase(uint16_t aggregate, uint32_t tree, uint32_t gone) {
  if (tree == gone) {
    const uint32_t joined = join(left(tree), right(tree));
    links(gone) = 0;
    return joined;
  }
  if (is_before(aggregate, gone, tree)) {
    set_left(tree, erase(aggregate, left(tree), gone));
  } else {
    set_right(tree, erase(aggregate, right(tree), gone));
  }
  return tree;
}

// ---- other windows

void ValueStore::add_to_result(uint16_t aggregate, KeyView value, int64_t* result) const {
  const AggregateSpec& spec = layout_->aggregates[aggregate];
  int64_t* words = result + layout_->word_of[aggregate];
  if (spec.kind == AggregateKind::kDistinct) {
    words[0]++;
    return;
  }
  int64_t& present = result[layout_->present_word];
  if (spec.type == ValueType::kBytes) {
    const TimedBytes added = split_timed(spec, value);
    const TimedBytes best{words[0], local_bytes(words + bytes_word(spec))};
    if (best.bytes.data != nullptr && compare_extremes(hooks_, *layout_, aggregate, added, best) >= 0) return;
    words[0] = added.at;
    set_local_bytes(words + bytes_word(spec), added.bytes);
    return;
  }
  const auto* found = reinterpret_cast<const int64_t*>(value.data);
  if ((present >> aggregate & 1) != 0 && compare_extremes(spec, found, words) >= 0) return;
  present |= int64_t{1} << aggregate;
  std::copy(found, found + state_words(spec), words);
}

// ---- panes and memory

void ValueStore::reclaim(uint64_t cells) {
  panes_.reclaim(
      values_, cells, [this](uint32_t id) { values_.remove(id); }, [](Cell*) {});
}

// ---- checkpoints

void ValueStore::count_cells(Time pane_start, uint64_t* cells, uint64_t* dirty) const {
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone) return;
  *cells += panes_.record(slot).cells;
  *dirty += panes_.record(slot).dirty_cells;
}

void ValueStore::mark_clean(Time pane_start) {
  const uint32_t slot = panes_.find(pane_start);
  if (slot != kNone) panes_.mark_clean(panes_.record(slot));
}

Status ValueStore::prepare_restore(uint32_t group, uint16_t aggregate, KeyView value,
                                   const PaneRecord& pane) {
  KeyView key;
  if (!make_key(group, aggregate, {0, value}, false, &key)) return Status::kOutOfMemory;
  return find_one(key, pane, true, &targets_[0]);
}

void ValueStore::restore(int64_t rows, int64_t* total) {
  int64_t& present = targets_[0].cell->state()[0];
  if (total != nullptr && rows != present) change(targets_[0].value, rows - present, total);
  present = rows;
}

}  // namespace trending
