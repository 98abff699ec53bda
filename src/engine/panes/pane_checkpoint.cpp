// SPDX-License-Identifier: PostgreSQL
// Taking a trend's state out, cell by cell, and putting it back.
//
// Store 0 has the cells of groups: under the group's key the words of the state, its bytes and its sketches.
// Store 1 has the cells of values: under
//
//   the value's bytes  the group's key  size of the value (4)  aggregate (1)
//
// the number of rows. Cells may be restored in any order: one of a value makes its group's cell, without
// rows.

#include <algorithm>
#include <cstring>

#include "engine/aggregates/state_check.h"
#include "engine/panes/pane_writer.h"

namespace trending {

namespace {

constexpr uint8_t kGroupCells = 0;
constexpr uint8_t kValueCells = 1;
constexpr uint32_t kValueTail = 5;

}  // namespace

void PaneWriter::for_each_pane(FunctionRef<void(const PaneView&)> sink) const {
  for (uint32_t i = 0; i < panes_.live_count(); i++) {
    const PaneRecord& pane = panes_.record(panes_.live_slot(i));
    PaneView view{{pane.start, pane.end}, pane.cells, pane.dirty_cells};
    if (header_->layout.nested != 0) values_.count_cells(pane.start, &view.cells, &view.dirty_cells);
    sink(view);
  }
}

bool PaneWriter::encode_group_cell(const Cell* cell, CellView* view) const {
  const StateLayout& layout = header_->layout;
  int64_t state[kMaxStateWords];
  std::copy(cell->state(), cell->state() + layout.words, state);
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    const AggregateSpec& spec = layout.aggregates[i];
    if (spec.kind != AggregateKind::kApproxDistinct && (layout.owned_bytes >> i & 1) == 0) continue;
    state[layout.word_of[i] + bytes_word(spec)] = state[layout.word_of[i] + bytes_word(spec) + 1] = 0;
  }
  if (!cell_state_.reserve(kMaxStateWords * 10)) return false;
  size_t size = encode_words(state, layout.words, cell_state_.data());
  if (layout.owned_bytes != 0 && !bytes_.encode(cell->state(), &cell_state_, &size)) return false;
  if (layout.has_sketches && !sketches_.encode(cell->state(), &cell_state_, &size)) return false;
  *view = {groups_.key(groups_.group(cell->group())), kGroupCells, cell_state_.data(),
           static_cast<uint32_t>(size)};
  return true;
}

bool PaneWriter::encode_value_cell(uint32_t group, uint16_t aggregate, KeyView value, const Cell* cell,
                                   CellView* view) const {
  const KeyView key = groups_.key(groups_.group(group));
  const size_t size = size_t{value.size} + key.size + kValueTail;
  if (!cell_key_.reserve(size) || !cell_state_.reserve(kMaxStateWords * 10)) return false;
  std::byte* out = cell_key_.data();
  if (value.size > 0) std::memcpy(out, value.data, value.size);
  if (key.size > 0) std::memcpy(out + value.size, key.data, key.size);
  std::memcpy(out + size - kValueTail, &value.size, sizeof(value.size));
  out[size - 1] = static_cast<std::byte>(aggregate);
  const size_t state_size = encode_words(cell->state(), 1, cell_state_.data());
  *view = {
      {out, static_cast<uint32_t>(size)}, kValueCells, cell_state_.data(), static_cast<uint32_t>(state_size)};
  return true;
}

Status PaneWriter::for_each_cell(Time pane_start, bool only_dirty,
                                 FunctionRef<void(const CellView&)> sink) const {
  bool good = true;
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone) return Status::kOk;
  CellView view;
  if (!only_dirty || panes_.record(slot).dirty_cells > 0) {
    panes_.for_each_cell(panes_.record(slot), [&](const Cell* cell) {
      if (!good || (only_dirty && (cell->group_and_dirty & Cell::kDirty) == 0)) return;
      good = encode_group_cell(cell, &view);
      if (good) sink(view);
    });
  }
  if (header_->layout.nested != 0) {
    values_.for_each_stored(pane_start, only_dirty,
                            [&](uint32_t group, uint16_t aggregate, KeyView value, const Cell* cell) {
                              if (!good) return;
                              good = encode_value_cell(group, aggregate, value, cell, &view);
                              if (good) sink(view);
                            });
  }
  return good ? Status::kOk : Status::kOutOfMemory;
}

void PaneWriter::mark_clean(Time pane_start) {
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone) return;
  panes_.mark_clean(panes_.record(slot));
  if (header_->layout.nested != 0) values_.mark_clean(pane_start);
}

Status PaneWriter::restore_clock(Time clock, Time reported_end) {
  header_->reported_end = reported_end;
  if (clock == kNoTime) return Status::kOk;
  if (!windows_.in_range(clock)) return Status::kOutOfRange;
  move_clock(clock);
  settle_changed();
  ranking_.settle();
  header_->version++;
  return Status::kOk;
}

void PaneWriter::restore_horizon(Time watermark, Time final_until) {
  header_->watermark = std::max(header_->watermark, watermark);
  header_->final_until = std::max(header_->final_until, final_until);
  if (header_->clock != kNoTime) move_clock(header_->clock);
}

Status PaneWriter::restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes,
                                uint32_t size) {
  if (store != kGroupCells && (store != kValueCells || header_->layout.nested == 0)) return Status::kCorrupt;
  const bool has_clock = header_->clock != kNoTime;
  if (!windows_.in_range(pane_start) || (has_clock && pane_start > header_->clock))
    return Status::kOutOfRange;
  if (windows_.pane_of(pane_start).start != pane_start) return Status::kCorrupt;
  const uint32_t slot = pane_at(pane_start);
  if (slot == kNone) return pane_start < header_->late_before ? Status::kOutOfRange : Status::kOutOfMemory;
  const Status status = store == kGroupCells ? restore_group_cell(slot, key, bytes, size)
                                             : restore_value_cell(slot, key, bytes, size);
  if (status != Status::kOk) return status;
  settle_changed();
  ranking_.settle();
  header_->version++;
  return Status::kOk;
}

// What a state has elsewhere, all or nothing.
Status PaneWriter::decode_stored(const std::byte* bytes, size_t size, int64_t* state) {
  const StateLayout& layout = header_->layout;
  size_t used = 0;
  Status status = Status::kOk;
  if (layout.owned_bytes != 0) status = bytes_.decode(bytes, size, state, &used);
  if (status != Status::kOk) return status;
  if (layout.has_sketches) {
    status = sketches_.decode(bytes + used, size - used, state);
  } else if (used < size) {
    status = Status::kCorrupt;
  }
  if (status != Status::kOk) clear_stored(state, UINT32_MAX);
  return status;
}

Status PaneWriter::restore_group_cell(uint32_t slot, KeyView key, const std::byte* bytes, size_t size) {
  const StateLayout& layout = header_->layout;
  int64_t state[kMaxStateWords];
  const size_t read = decode_words(bytes, size, layout.words, state);
  if (read == 0 || !take_state(layout, state) || !is_key(key)) return Status::kCorrupt;
  Status status = decode_stored(bytes + read, size - read, state);
  if (status != Status::kOk) return status;
  Target target;
  status = find_or_add(key, hash_key(key, header_->options.hash_seed), slot, kNone, &target);
  if (status != Status::kOk) {
    clear_stored(state, UINT32_MAX);
    return status;
  }
  // A later segment of a checkpoint replaces what an earlier one said of the cell.
  int64_t* cell = target.cell->state();
  const auto replace = [&] {
    clear_stored(cell, UINT32_MAX);
    std::copy(state, state + layout.words, cell);
  };
  const uint32_t counted = parts_.counted(header_->window, panes_.record(slot).start);
  if (counted == 0) {
    replace();
    return Status::kOk;
  }
  change_total(target.id, target.group, [&](int64_t* total) {
    const uint32_t broken = cell[0] != 0 ? unmerge(layout, total, cell, counted) : 0;
    replace();
    if (cell[0] != 0) merge_into_total(total, cell, counted);
    if (broken != 0) rebuild(target.id, target.group, broken, header_->window.start);
  });
  return Status::kOk;
}

Status PaneWriter::restore_value_cell(uint32_t slot, KeyView key, const std::byte* bytes, size_t size) {
  int64_t rows = 0;
  uint32_t value_size = 0;
  if (decode_words(bytes, size, 1, &rows) != size || rows < 0 || rows > kMostRows || key.size < kValueTail) {
    return Status::kCorrupt;
  }
  std::memcpy(&value_size, key.data + key.size - kValueTail, sizeof(value_size));
  const auto aggregate = std::to_integer<uint16_t>(key.data[key.size - 1]);
  const StateLayout& layout = header_->layout;
  if (value_size > key.size - kValueTail || aggregate >= layout.aggregate_count ||
      (layout.nested >> aggregate & 1) == 0) {
    return Status::kCorrupt;
  }
  const AggregateSpec& spec = layout.aggregates[aggregate];
  if (spec.type == ValueType::kBytes) {
    if (value_size <= (is_timed(spec) ? sizeof(int64_t) : 0)) return Status::kCorrupt;
  } else if (is_extreme(spec.kind) && value_size != state_words(spec) * 8u) {
    return Status::kCorrupt;
  }

  const KeyView value{key.data, value_size};
  const KeyView group_key{key.data + value_size, key.size - kValueTail - value_size};
  const uint32_t at_size = is_timed(spec) ? sizeof(int64_t) : 0;
  if (!is_key(group_key) || (spec.type == ValueType::kBytes &&
                             !is_value(aggregate, {value.data + at_size, value_size - at_size}))) {
    return Status::kCorrupt;
  }
  const PaneRecord& pane = panes_.record(slot);
  Target target;
  Status status =
      find_or_add(group_key, hash_key(group_key, header_->options.hash_seed), slot, kNone, &target);
  if (status == Status::kOk) status = values_.prepare_restore(target.id, aggregate, value, pane);
  if (status != Status::kOk) return status;
  if ((parts_.counted(header_->window, pane.start) >> aggregate & 1) == 0) {
    values_.restore(rows, nullptr);
  } else {
    change_total(target.id, target.group, [&](int64_t* total) { values_.restore(rows, total); });
  }
  return Status::kOk;
}

}  // namespace trending
