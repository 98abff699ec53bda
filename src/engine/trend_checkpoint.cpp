// Taking a trend's state out, cell by cell, and putting it back.

#include <algorithm>

#include "engine/trend_writer.h"

namespace trending {

void TrendWriter::for_each_pane(FunctionRef<void(const PaneView&)> sink) const {
  for (uint32_t i = 0; i < panes_.live_count(); i++) {
    const PaneRecord& pane = panes_.record(panes_.live_slot(i));
    sink({{pane.start, pane.end}, pane.cells, pane.dirty_cells});
  }
}

namespace {

// Gives a cell to a sink in the form of a checkpoint.
void give_cell(const StateLayout& layout, KeyView key, const Cell* cell,
               FunctionRef<void(const CellView&)> sink) {
  std::byte bytes[kMaxStateWords * 10];
  const size_t size = encode_words(cell->state(), layout.words, bytes);
  sink({key, 0, bytes, static_cast<uint32_t>(size)});
}

}  // namespace

void TrendWriter::for_each_dirty_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const {
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone || panes_.record(slot).dirty_cells == 0) return;
  panes_.for_each_cell(panes_.record(slot), [&](const Cell* cell) {
    if ((cell->group_and_dirty & Cell::kDirty) != 0)
      give_cell(header_->layout, groups_.key(groups_.group(cell->group())), cell, sink);
  });
}

void TrendWriter::for_each_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const {
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone) return;
  panes_.for_each_cell(panes_.record(slot), [&](const Cell* cell) {
    give_cell(header_->layout, groups_.key(groups_.group(cell->group())), cell, sink);
  });
}

void TrendWriter::mark_clean(Time pane_start) {
  const uint32_t slot = panes_.find(pane_start);
  if (slot == kNone || panes_.record(slot).dirty_cells == 0) return;
  panes_.for_each_cell(panes_.record(slot), [](Cell* cell) { cell->group_and_dirty &= ~Cell::kDirty; });
  panes_.record(slot).dirty_cells = 0;
}

Status TrendWriter::restore_clock(Time clock, Time reported_end) {
  header_->reported_end = reported_end;
  if (clock == kNoTime) return Status::kOk;
  if (!windows_.in_range(clock)) return Status::kOutOfRange;
  move_clock(clock);
  settle_changed();
  ranking_.settle();
  header_->version++;
  return Status::kOk;
}

Status TrendWriter::restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes,
                                 uint32_t size) {
  int64_t state[kMaxStateWords];
  if (store != 0 || !decode_words(bytes, size, header_->layout.words, state)) return Status::kCorrupt;
  if (!windows_.in_range(pane_start)) return Status::kOutOfRange;
  const uint32_t slot = pane_at(pane_start);
  if (slot == kNone) return pane_start < header_->late_before ? Status::kOutOfRange : Status::kOutOfMemory;
  Target target;
  const Status status = find_or_add(key, hash_key(key, hash_seed()), slot, kNone, &target);
  if (status != Status::kOk) return status;
  // A later segment of a checkpoint replaces what an earlier one said of the cell.
  int64_t* cell = target.cell->state();
  if (header_->window.contains(panes_.record(slot).start)) {
    change_total(target.id, target.group, [&](int64_t* total) {
      const uint32_t broken = cell[0] != 0 ? unmerge(header_->layout, total, cell) : 0;
      std::copy(state, state + header_->layout.words, cell);
      if (cell[0] != 0) merge(header_->layout, total, cell);
      if (broken != 0) make_anew(target.id, target.group, broken, header_->window.start);
    });
    settle_changed();
    ranking_.settle();
  } else {
    std::copy(state, state + header_->layout.words, cell);
  }
  header_->version++;
  return Status::kOk;
}

}  // namespace trending
