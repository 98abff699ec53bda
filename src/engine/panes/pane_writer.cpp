// SPDX-License-Identifier: PostgreSQL
#include "engine/panes/pane_writer.h"

#include <algorithm>

namespace trending {

namespace {

// Cells of freed panes that an apply() cleans up, beside some for each of its events: a tenth of a
// millisecond.
constexpr uint64_t kReclaimPortion = 4096;

}  // namespace

void PaneWriter::open(Arena* arena, RankedState* state, PaneStoreState* panes, const Hooks& hooks,
                      const Calendar& calendar) {
  RankedGroups::open(arena, state, hooks, calendar);
  panes_ = PaneStore(arena, panes, state->layout.words);
  values_.open(arena, state, &state->values, hooks);
  parts_ = WindowParts(&state->options, state->layout);
  cell_bytes_ = total_bytes_ = {};
  last_pane_ = kNone;
  last_span_ = {};
}

Status PaneWriter::create() {
  const Status status = RankedGroups::create();
  return status == Status::kOk && header_->layout.nested != 0 ? values_.create() : status;
}

Status PaneWriter::apply(const BatchSlice& slice) {
  if (slice.empty()) return Status::kOk;
  header_->counters.out_of_range += slice.out_of_range;
  Status result = Status::kOk;
  if (slice.max_time != kNoTime) result = apply_blocks(slice, Part::kAdded);
  if (slice.retracts) {
    const Status status = apply_blocks(slice, Part::kRetracted);
    if (status != Status::kOk) result = status;
  }
  ahead_.begin = nullptr;
  const Time latest = latest_of(slice);
  if (latest > header_->clock) move_clock(latest);
  prepared_.clear();
  settle_changed();
  ranking_.settle();
  if (has_dying()) reclaim(kReclaimPortion + 4 * slice.records);
  header_->version++;
  return result;
}

// While a block is applied, the cells of the next one are being loaded, the groups of the one after it, and
// the hash slots of the third: one kind of thing after the other, so that cache misses overlap (group
// prefetching, Chen et al., ICDE 2004).
Status PaneWriter::apply_blocks(const BatchSlice& slice, Part part) {
  if (ahead_.begin == slice.begin && ahead_.end == slice.end) return apply_block(ahead_, slice.uneven, part);
  if (slice.records <= 2) return apply_block(block_at(slice.begin, slice.end), slice.uneven, part);
  Status result = Status::kOk;
  Block blocks[4];
  const BatchRecord* next = slice.begin;
  uint64_t count = 0;
  for (uint64_t step = 0; step < count + 3 || next != slice.end; step++) {
    if (next != slice.end) {
      Block& block = blocks[count++ % 4];
      block = block_at(next, slice.end);
      next = block.end;
      load_slots(block);
    }
    if (step >= 1 && step - 1 < count) load_groups(&blocks[(step - 1) % 4]);
    if (step >= 2 && step - 2 < count) load_cells(blocks[(step - 2) % 4]);
    if (step < 3) continue;
    const Status status = apply_block(blocks[(step - 3) % 4], slice.uneven, part);
    if (status != Status::kOk) [[unlikely]]
      result = status;
  }
  return result;
}

Status PaneWriter::apply_block(const Block& block, bool uneven, Part part) {
  Status result = Status::kOk;
  const uint32_t* next_probable = block.probable;
  for (const BatchRecord* record = block.begin; record != block.end; record = record->next()) {
    const uint32_t probable = *next_probable++;
    const uint64_t rows = part == Part::kAdded ? record->added : record->retracted;
    if (rows == 0) continue;
    if (uneven && !windows_.in_range(record->time)) [[unlikely]] {
      header_->counters.out_of_range += part == Part::kAdded ? record->rows : rows;
      continue;
    }
    const auto weight = static_cast<int64_t>(rows);
    const Status status = apply_record(*record, part == Part::kAdded ? weight : -weight, probable);
    if (status != Status::kOk) [[unlikely]]
      result = status;
  }
  return result;
}

Time PaneWriter::latest_of(const BatchSlice& slice) const {
  if (!slice.uneven) return slice.max_time;
  Time latest = kNoTime;
  for (const BatchRecord* record = slice.begin; record != slice.end; record = record->next()) {
    if (record->added > 0 && windows_.in_range(record->time)) latest = std::max(latest, record->time);
  }
  return latest;
}

// The next events of a slice, with nothing found out about them.
PaneWriter::Block PaneWriter::block_at(const BatchRecord* begin, const BatchRecord* slice_end) const {
  Block block;
  block.begin = begin;
  block.end = begin;
  for (uint32_t& probable : block.probable) {
    probable = kNone;
    if (block.end != slice_end) block.end = block.end->next();
  }
  return block;
}

void PaneWriter::load_slots(const Block& block) const {
  for (const BatchRecord* record = block.begin; record != block.end; record = record->next()) {
    groups_.prefetch(record->hash);
  }
}

void PaneWriter::load_groups(Block* block) const {
  uint32_t* probable = block->probable;
  for (const BatchRecord* record = block->begin; record != block->end; record = record->next()) {
    *probable++ = groups_.prefetch_group(record->hash);
  }
}

void PaneWriter::load_cells(const Block& block) const {
  for (uint32_t id : block.probable) {
    if (!groups_.exists(id)) continue;
    const uint32_t cell = groups_.group(id)->newest_cell;
    if (cell != kNone) __builtin_prefetch(panes_.cell(cell));
  }
}

void PaneWriter::look_ahead(const BatchSlice& slice, int step) {
  if (step == 1) {
    const bool fits = slice.records > 0 && slice.records <= Block::kSize;
    ahead_.begin = nullptr;
    if (!fits) return;
    ahead_ = block_at(slice.begin, slice.end);
    load_slots(ahead_);
  }
  if (ahead_.begin == nullptr) return;
  if (step == 2) load_groups(&ahead_);
  if (step == 3) load_cells(ahead_);
}

Status PaneWriter::advance_clock(Time t) {
  if (!windows_.in_range(t)) return Status::kOutOfRange;
  if (t > header_->clock) {
    move_clock(t);
    prepared_.clear();
    settle_changed();
    ranking_.settle();
    header_->version++;
  }
  reclaim(kReclaimPortion);
  return Status::kOk;
}

bool PaneWriter::reclaim(uint64_t cells) {
  const bool has_stored = this->has_stored();
  panes_.reclaim(
      groups_, cells, [this](uint32_t id) { remove_group(id); },
      [&](Cell* cell) {
        if (has_stored) clear_stored(cell->state(), UINT32_MAX);
      });
  if (values_.has_dying()) values_.reclaim(cells);
  if (has_dying()) return true;
  if (groups_.count() == 0 && ranking_.live() == 0) {
    ranking_.clear();
    groups_.shrink();
    if (header_->layout.nested != 0) values_.shrink();
  }
  return false;
}

// Counts equal rows, or retracts them.
Status PaneWriter::apply_record(const BatchRecord& record, int64_t weight, uint32_t probable) {
  Counters& counters = header_->counters;
  const auto events = static_cast<uint64_t>(weight > 0 ? weight : -weight);
  const uint32_t slot = pane_at(record.time);
  if (slot == kNone) {
    if (last_span_.start < header_->late_before) {
      if (weight > 0 && !is_counted_elsewhere(record.time)) counters.late += record.rows;
      return Status::kOk;
    }
    counters.refused += events;
    return Status::kOutOfMemory;
  }
  Target target;
  const Status status = find_target(record, weight, slot, probable, &target);
  if (status != Status::kOk) [[unlikely]] {
    counters.refused += events;
    return status;
  }
  // Only rows that were counted can be retracted.
  const int64_t rows = target.cell != nullptr ? target.cell->state()[0] : 0;
  const int64_t change = std::max(rows + weight, int64_t{0}) - rows;
  const auto unmatched = static_cast<uint64_t>(change - weight);
  counters.unmatched += unmatched;
  counters.events += events - unmatched;
  counters.retracted += weight < 0 ? events - unmatched : 0;
  if (target.cell == nullptr) return Status::kOk;

  if (prepared_.is_active()) [[unlikely]]
    prepared_.touch(target.id);
  const StateLayout& layout = header_->layout;
  PaneRecord& pane = panes_.record(slot);
  panes_.set_dirty(pane, target.cell);
  if (pane.first_end <= header_->reported_end) [[unlikely]]
    note_correction(pane);
  if (layout.nested != 0) values_.fold(weight);
  const uint32_t counted = parts_.counted(header_->window, pane.start);
  if (rows + change == 0) {
    empty_cell(target, counted);
    return Status::kOk;
  }
  fold(layout, target.cell->state(), change, record.valid, record.arguments());
  if (!layout.is_flat) fold_stored(record, kEverything, change, target.cell->state(), &cell_bytes_);
  if (counted != 0) {
    change_total(target.id, target.group, [&](int64_t* total) {
      fold(layout, total, change, record.valid & counted, record.arguments());
      if (layout.is_flat) return;
      if (layout.nested != 0) values_.fold_total(total, counted);
      fold_stored(record, counted, change, total, &total_bytes_);
    });
  }
  return Status::kOk;
}

// Finds what an event changes. What is needed for it is made if it adds rows; else the cell may be null.
Status PaneWriter::find_target(const BatchRecord& record, int64_t weight, uint32_t slot, uint32_t probable,
                               Target* target) {
  if (weight > 0) {
    const Status status = find_or_add(record.key(), record.hash, slot, probable, target);
    if (status != Status::kOk) [[unlikely]]
      return status;
  } else {
    find_group(record.key(), record.hash, probable, target);
    const uint32_t number =
        target->group != nullptr ? panes_.find_cell(target->group, target->id, slot) : kNone;
    if (number == kNone) return Status::kOk;
    target->cell = panes_.cell(number);
  }
  if (header_->layout.is_flat) return Status::kOk;
  const PaneRecord& pane = panes_.record(slot);
  return prepare(record, *target, pane, weight > 0, parts_.counted(header_->window, pane.start));
}

void PaneWriter::find_group(KeyView key, uint32_t hash, uint32_t probable, Target* target) const {
  target->id = probable;
  if (groups_.exists(probable)) {  // it may have gone since it was found
    target->group = groups_.group(probable);
    if (groups_.is_group_of(target->group, key)) return;
  }
  target->id = groups_.find(key, hash);
  target->group = target->id != kNone ? groups_.group(target->id) : nullptr;
}

// Finds an event's group and cell, or makes them. At a bound, panes that are already gone give up what they
// hold before anything is refused.
Status PaneWriter::find_or_add(KeyView key, uint32_t hash, uint32_t pane, uint32_t probable, Target* target) {
  for (;;) {
    Status status = Status::kOk;
    find_group(key, hash, probable, target);
    if (target->id == kNone) {
      const bool fits = groups_.count() < header_->options.max_groups;
      status = fits ? add_group(key, hash, &target->id) : Status::kTooManyGroups;
      if (status == Status::kOk) target->group = groups_.group(target->id);
    }
    if (status == Status::kOk) {
      const uint32_t number = panes_.find_or_add_cell(target->group, target->id, pane);
      if (number != kNone) {
        target->cell = panes_.cell(number);
        return Status::kOk;
      }
      if (target->group->newest_cell == kNone) remove_group(target->id);  // made just now
      status = Status::kOutOfMemory;
    }
    if (!has_dying()) return status;
    reclaim(UINT64_MAX);
  }
}

bool PaneWriter::is_past(Time t, KeyView, Time final) const {
  if (!windows_.in_range(t) || !windows_.in_range(final)) return false;
  return windows_.pane_of(t).start < windows_.first_window(final).start;
}

bool PaneWriter::is_counted_elsewhere(Time t) const {
  if (elsewhere_.end == kNoTime || !windows_.in_range(t)) return false;
  return windows_.first_window(t).end <= elsewhere_.end && windows_.last_window(t).end >= elsewhere_.start;
}

// The pane of a time, made when it is not there. kNone when it is late (last_span_ tells) or memory is short.
uint32_t PaneWriter::pane_at(Time t) {
  if (!last_span_.contains(t) || last_pane_ == kNone) {
    last_pane_ = panes_.find(t);
    if (last_pane_ != kNone) {
      const PaneRecord& pane = panes_.record(last_pane_);
      last_span_ = {pane.start, pane.end};
    } else {
      last_span_ = windows_.pane_of(t);
    }
  }
  if (last_span_.start < header_->late_before) {
    last_pane_ = kNone;
    return kNone;
  }
  if (last_pane_ == kNone) last_pane_ = add_pane(last_span_);
  return last_pane_;
}

uint32_t PaneWriter::add_pane(const Pane& span) {
  const Time first_end = windows_.first_window(span.start).end;
  const Time last_end = windows_.last_window(span.start).end;
  return panes_.add(span, first_end, last_end);
}

// Moves the event clock, and with it the current window, the watermark and the horizon of lateness.
void PaneWriter::move_clock(Time t) {
  header_->clock = t;
  header_->watermark = std::max(header_->watermark, subtract_saturated(t, header_->options.watermark_delay));
  header_->final_until = std::max(header_->final_until,
                                  subtract_saturated(header_->watermark, header_->options.allowed_lateness));
  if (t >= header_->window.end) {
    settle_changed();  // what came true in the old window did so there
    roll(windows_.first_window(t));
  }
  if (header_->final_until >= header_->next_horizon) {
    move_horizon();
  }
}

// Makes `next` the current window: adds the panes that come in and takes out those that leave, or starts from
// zero where that is less work. Costs as much as these panes have cells, however far the clock moved.
void PaneWriter::roll(const Window& next) {
  const Window old = header_->window;
  header_->window = next;
  const uint32_t begin = panes_.live_before(std::min(old.start, next.start));
  const uint32_t end = panes_.live_before(std::max(old.end, next.end));
  const Leaving weighed = weigh(old, next, begin, end);
  const bool from_zero = weighed.staying <= weighed.leaving;
  if (from_zero) {
    prepared_.clear();
    start_epoch();
  }
  overlaps_before_ = from_zero && next.start < old.end && old.start < next.end;
  for (uint32_t i = begin; i < end; i++) {
    const uint32_t slot = panes_.live_slot(i);
    const Time start = panes_.record(slot).start;
    const uint32_t before = from_zero ? 0 : parts_.counted(old, start);
    const uint32_t comes = parts_.counted(next, start) & ~before;
    if (comes != 0) add_pane_to_totals(slot, comes);
  }
  overlaps_before_ = false;
  if (from_zero) return;
  leaving_window_ = old;
  for (uint32_t i = begin; i < end; i++) {
    const uint32_t slot = panes_.live_slot(i);
    const PaneRecord& pane = panes_.record(slot);
    const uint32_t leaves = parts_.counted(old, pane.start) & ~parts_.counted(next, pane.start);
    leaving_from_ = pane.end;
    if (leaves != 0) remove_pane_from_totals(slot, leaves);
  }
  leaving_from_ = kNoTime;
  note_window_moved();
}

// Makes every total zero at once.
void PaneWriter::start_epoch() {
  ranking_.clear();
  if (++header_->epoch != 0) return;
  // Once in four thousand million times: forget the epochs that groups remember.
  groups_.for_each([](uint32_t, Group* group) { group->epoch = 0; });
  if (header_->layout.nested != 0) values_.forget_epochs();
  if (header_->options.partitioned) partitions_.forget_epochs();
  header_->epoch = 1;
}

// Looks again which panes are late: those that start before the first window that can still be corrected.
void PaneWriter::move_horizon() {
  const Time reached = header_->final_until;
  if (!windows_.in_range(reached)) return;  // before all time; nothing is late
  const Window correctable = windows_.first_window(reached);
  header_->late_before = correctable.start;
  header_->next_horizon = correctable.end;
  release_panes();
}

}  // namespace trending
