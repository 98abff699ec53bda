// SPDX-License-Identifier: PostgreSQL
// Totals over the current window: what an event changes in them beyond the words of its state, and panes that
// come into the window and leave it.

#include <algorithm>

#include "engine/panes/pane_writer.h"

namespace trending {

// Makes sure that everything an event needs beside its cell is there, so that it is counted entirely or not
// at all.
Status PaneWriter::prepare(const BatchRecord& record, const Target& target, const PaneRecord& pane, bool adds,
                           uint32_t counted) {
  const StateLayout& layout = header_->layout;
  if (layout.nested != 0) {
    for (;;) {
      const Status status = values_.find(record, target.id, pane, adds);
      if (status == Status::kOk) break;
      if (!has_dying()) return status;
      reclaim(UINT64_MAX);
    }
  }
  if (!has_stored() || !adds) return Status::kOk;
  if (counted != 0 && target.group->epoch != header_->epoch) renew_total(target.group);
  for (;;) {
    const Status status = prepare_stored(record, target, counted);
    if (status != Status::kOutOfMemory || !has_dying()) return status;
    reclaim(UINT64_MAX);
  }
}

// Room for what states keep elsewhere.
Status PaneWriter::prepare_stored(const BatchRecord& record, const Target& target, uint32_t counted) {
  int64_t* state = target.cell->state();
  int64_t* total = target.group->total();
  if (header_->layout.owned_bytes != 0) {
    Status status = bytes_.prepare(state, record, kEverything, &cell_bytes_);
    if (status == Status::kOk && counted != 0) status = bytes_.prepare(total, record, counted, &total_bytes_);
    if (status != Status::kOk) return status;
  }
  if (!header_->layout.has_sketches) return Status::kOk;
  const bool good =
      sketches_.prepare(state, record, kEverything) && sketches_.prepare(total, record, counted);
  return good ? Status::kOk : Status::kOutOfMemory;
}

void PaneWriter::fold_stored(const BatchRecord& record, uint32_t counted, int64_t change, int64_t* state,
                             BytesStore::Prepared* bytes) {
  if (!has_stored()) return;
  if (change > 0) {
    if (header_->layout.has_sketches) sketches_.add(state, record, counted);
    if (header_->layout.owned_bytes != 0) bytes_.fold(state, record, bytes);
  }
  if (state[0] == 0) clear_stored(state, UINT32_MAX);
}

// Takes out what is left of a cell whose last row was retracted. That may be more than what the row counted
// for, where rows were retracted that had not been counted and stood for others: a cell without rows is
// zero, and the total does not know it. Sketches of totals forget nothing until the pane goes.
void PaneWriter::empty_cell(const Target& target, uint32_t counted) {
  const StateLayout& layout = header_->layout;
  int64_t* state = target.cell->state();
  int64_t gone[kMaxStateWords];
  std::copy(state, state + layout.words, gone);
  state[0] = 0;
  clear_some(layout, state, UINT32_MAX);
  clear_stored(state, UINT32_MAX);
  if (counted == 0) return;
  change_total(target.id, target.group, [&](int64_t* total) {
    uint32_t broken = unmerge(layout, total, gone, counted);
    if (total[0] == 0) {
      clear_some(layout, total, UINT32_MAX);
      clear_stored(total, UINT32_MAX);
    } else if (broken != 0) {
      broken &= plain_aggregates(layout);
      if (broken != 0) rebuild(target.id, target.group, broken, header_->window.start);
    }
    if (layout.nested != 0) values_.fold_total(total, counted);
  });
}

bool PaneWriter::merge_stored(int64_t* state, const int64_t* other, uint32_t which) {
  const bool sketches = !header_->layout.has_sketches || sketches_.merge(state, other, which);
  const bool bytes = header_->layout.owned_bytes == 0 || bytes_.merge(state, other, which);
  return sketches && bytes;
}

void PaneWriter::merge_into_total(int64_t* total, const int64_t* state, uint32_t counted) {
  merge(header_->layout, total, state, counted);
  if (has_stored() && !merge_stored(total, state, counted)) header_->counters.incomplete++;
}

void PaneWriter::add_pane_to_totals(uint32_t slot, uint32_t counted) {
  panes_.for_each_cell(panes_.record(slot), groups_, [&](const Cell* cell, Group* group) {
    if (cell->state()[0] == 0) return;
    if (prepared_.is_active()) prepared_.touch(cell->group());
    change_total(cell->group(), group,
                 [&](int64_t* total) { merge_into_total(total, cell->state(), counted); });
  });
  change_values(slot, 1, counted);
}

// Adds the values of a pane to the totals, or takes them out.
void PaneWriter::change_values(uint32_t slot, int64_t sign, uint32_t counted) {
  if ((header_->layout.nested & counted) == 0) return;
  values_.for_each_cell(panes_.record(slot).start, counted, [&](uint32_t id, uint32_t value, int64_t rows) {
    change_total(id, groups_.group(id), [&](int64_t* total) { values_.change(value, sign * rows, total); });
  });
}

// What of a pane is in the totals, also while others leave them.
uint32_t PaneWriter::in_totals(Time pane_start) const {
  const uint32_t stays = parts_.counted(header_->window, pane_start);
  if (leaving_from_ == kNoTime || pane_start < leaving_from_) return stays;
  return stays | parts_.counted(leaving_window_, pane_start);
}

// Makes some aggregates of a group's total rebuilt from its cells in the current window, in panes that start at
// or after `from`.
void PaneWriter::rebuild(uint32_t id, Group* group, uint32_t which, Time from) {
  const StateLayout& layout = header_->layout;
  int64_t* total = group->total();
  clear_some(layout, total, which);
  clear_stored(total, which);
  if (total[0] == 0) return;
  bool whole = true;
  for_each_cell_of(id, group, {from, header_->window.end}, [&](const Cell* cell, Time pane_start) {
    const uint32_t counted = which & in_totals(pane_start);
    merge_some(layout, total, cell->state(), counted);
    if (has_stored()) whole = merge_stored(total, cell->state(), counted) && whole;
  });
  if (!whole) header_->counters.incomplete++;
}

}  // namespace trending
