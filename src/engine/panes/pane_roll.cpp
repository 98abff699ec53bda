// SPDX-License-Identifier: PostgreSQL
// What a pane that leaves the window costs beyond its own cells: totals that cannot lose it by subtraction
// are rebuilt from the cells that stay, many groups at a time so that their cache misses overlap, and where
// the writer knows beforehand (prepare()) without the lock.

#include <algorithm>

#include "engine/panes/pane_writer.h"

namespace trending {

namespace {

// A pane with fewer cells is not worth it.
constexpr uint64_t kWorthPreparing = 256;

// Whether some total may have to be rebuilt.
bool may_break(const StateLayout& layout) {
  return std::any_of(layout.steps, layout.steps + layout.step_count, [&](uint8_t i) {
    const auto op = static_cast<StateOp>(layout.ops[i]);
    return op != StateOp::kCount && op != StateOp::kIntegerSum;
  });
}

}  // namespace

// Cells of the panes from `begin` to `end` that stay in the window and those that leave it.
PaneWriter::Leaving PaneWriter::weigh(const Window& old, const Window& next, uint32_t begin,
                                      uint32_t end) const {
  Leaving weighed;
  for (uint32_t i = begin; i < end; i++) {
    const uint32_t slot = panes_.live_slot(i);
    const PaneRecord& pane = panes_.record(slot);
    const uint32_t before = parts_.counted(old, pane.start);
    const uint32_t after = parts_.counted(next, pane.start);
    if ((before & after) != 0) weighed.staying += pane.cells;
    if ((before & ~after) == 0) continue;
    weighed.leaving += pane.cells;
    if (weighed.first == kNone && pane.cells > 0) weighed.first = slot;
  }
  return weighed;
}

void PaneWriter::prepare(Time latest) {
  prepared_.clear();
  if (latest < header_->window.end || !windows_.in_range(latest)) return;
  const Window old = header_->window;
  const uint32_t begin = panes_.live_before(old.start);
  const Leaving weighed = weigh(old, windows_.first_window(latest), begin, panes_.live_before(old.end));
  if (weighed.first != kNone && weighed.staying > weighed.leaving) prepare_pane(weighed.first);
}

// Prepares the totals that a pane's leaving breaks. Reads only what the writer alone changes.
void PaneWriter::prepare_pane(uint32_t slot) {
  const StateLayout& layout = header_->layout;
  const PaneRecord& pane = panes_.record(slot);
  if (pane.cells < kWorthPreparing || !layout.is_flat || !may_break(layout) || parts_.any()) return;
  if (!prepared_.begin(slot, layout.words, header_->groups.next_unused)) return;
  const Window rest{pane.end, header_->window.end};
  Rebuilt batch[kMadeTogether];
  uint32_t count = 0;
  uint64_t index = 0;
  panes_.for_each_cell(pane, groups_, [&](const Cell* cell, const Group* group) {
    const uint64_t own = index++;
    if (cell->state()[0] == 0 || group->epoch != header_->epoch) return;
    Rebuilt& rebuilt = batch[count];
    std::copy(group->total(), group->total() + layout.words, rebuilt.total);
    rebuilt.which = unmerge(layout, rebuilt.total, cell->state());
    if (rebuilt.which == 0) return;
    clear_some(layout, rebuilt.total, rebuilt.which);
    rebuilt.index = own;
    rebuilt.group = cell->group();
    rebuilt.link = rebuilt.total[0] == 0 ? kNone : group->newest_cell;
    rebuilt.pane = kNone;
    panes_.prefetch_cell(rebuilt.link);
    if (++count < kMadeTogether) return;
    make_together(batch, count, rest);
    count = 0;
  });
  make_together(batch, count, rest);
}

// Follows the chains of some groups, a step in each by turns, while the next cells are being loaded.
void PaneWriter::make_together(Rebuilt* batch, uint32_t count, const Window& rest) {
  uint32_t open[kMadeTogether];
  uint32_t left = count;
  for (uint32_t i = 0; i < count; i++) open[i] = i;
  while (left > 0) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < left; i++) {
      Rebuilt& rebuilt = batch[open[i]];
      const uint32_t number = panes_.follow_link(rebuilt.link, rebuilt.group, &rebuilt.pane);
      if (number == kNone) continue;
      const Time start = panes_.record(rebuilt.pane).start;
      if (start < rest.start) continue;
      const Cell* cell = panes_.cell(number);
      if (start < rest.end && cell->state()[0] != 0) {
        merge_some(header_->layout, rebuilt.total, cell->state(), rebuilt.which);
      }
      rebuilt.link = cell->older;
      panes_.prefetch_cell(rebuilt.link);
      open[kept++] = open[i];
    }
    left = kept;
  }
  for (uint32_t i = 0; i < count; i++) (void)prepared_.add(batch[i].index, batch[i].total);
}

// Panes are taken out from the oldest on: what is rebuilt still has those that leave after this one.
void PaneWriter::remove_pane_from_totals(uint32_t slot, uint32_t counted) {
  const StateLayout& layout = header_->layout;
  const Time left_from = parts_.any() ? header_->window.start : panes_.record(slot).end;
  if (!prepared_.is_for(slot)) {
    prepared_.clear();
    prepare_pane(slot);
  }
  uint64_t index = 0;
  panes_.for_each_cell(panes_.record(slot), groups_, [&](const Cell* cell, Group* group) {
    const uint64_t own = index++;
    if (cell->state()[0] == 0) return;
    const uint32_t id = cell->group();
    const int64_t* made = prepared_.is_active() ? prepared_.take(own, id) : nullptr;
    change_total(id, group, [&](int64_t* total) {
      if (made != nullptr) {
        std::copy(made, made + layout.words, total);
        return;
      }
      const uint32_t broken = unmerge(layout, total, cell->state(), counted);
      if (broken != 0) rebuild(id, group, broken, left_from);
    });
  });
  prepared_.clear();
  change_values(slot, -1, counted);
}

}  // namespace trending
