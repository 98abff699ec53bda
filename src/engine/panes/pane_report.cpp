// SPDX-License-Identifier: PostgreSQL
// Closed windows: which ones have to be written, and what is in them.

#include <algorithm>
#include <cstring>

#include "engine/panes/pane_writer.h"

namespace trending {

namespace {

bool closes_before(const Window& a, const Window& b) {
  return a.end != b.end ? a.end < b.end : a.start < b.start;
}

}  // namespace

// An event came to a pane of which some windows have been reported. Those that may still be corrected are to
// be reported again; the others keep their result.
void PaneWriter::note_correction(PaneRecord& pane) {
  if (!header_->options.report_windows) return;
  if (pane.corrected_after == INT64_MAX) header_->corrected_panes++;
  pane.corrected_after = std::min(pane.corrected_after, header_->final_until);
}

// Frees the panes that no window needs any more. Final windows that had no rows are done with, too: what
// comes later to a pane that they share is for other windows.
void PaneWriter::release_panes() {
  PendingWindow pending;
  const bool is_pending = next_pending_window({}, &pending);
  header_->final_pending = is_pending && pending.is_final;
  if (header_->final_pending) return;
  if (header_->options.report_windows) {
    header_->reported_end = std::max(header_->reported_end, header_->final_until);
  }
  if (is_pending) return;
  header_->kept_from = header_->late_before;
  panes_.expire_before(header_->kept_from);
  if (header_->layout.nested != 0) values_.expire_before(header_->kept_from);
}

void PaneWriter::forget_corrections() {
  if (header_->corrected_panes == 0) return;
  for (uint32_t i = 0; i < panes_.live_count(); i++) {
    panes_.record(panes_.live_slot(i)).corrected_after = INT64_MAX;
  }
  header_->corrected_panes = 0;
}

void PaneWriter::mark_reported() {
  if (header_->watermark > header_->reported_end) header_->reported_end = header_->watermark;
  forget_corrections();
  release_panes();
}

bool PaneWriter::has_pending_window() const {
  PendingWindow pending;
  return next_pending_window({}, &pending);
}

bool PaneWriter::alter(const TrendTuning& tuning) {
  TrendOptions& options = header_->options;
  // Windows that closed before and may still be corrected are reported, too: all their panes are there.
  if (tuning.report_windows && !options.report_windows) header_->reported_end = header_->final_until;
  options.watermark_delay = tuning.watermark_delay;
  options.allowed_lateness = tuning.allowed_lateness;
  options.max_groups = tuning.max_groups;
  options.report_windows = tuning.report_windows;
  if (!options.report_windows) forget_corrections();
  if (header_->clock != kNoTime) {
    move_clock(header_->clock);
    release_panes();
  }
  header_->version++;
  return true;
}

bool PaneWriter::next_pending_window(const Window& after, PendingWindow* pending) const {
  if (!header_->options.report_windows || header_->watermark == kNoTime) return false;
  Window unreported;
  Window corrected;
  const bool has_unreported = first_unreported(after, &unreported);
  const bool has_corrected = first_corrected(after, &corrected);
  if (!has_unreported && !has_corrected) return false;
  pending->window =
      has_corrected && (!has_unreported || closes_before(corrected, unreported)) ? corrected : unreported;
  pending->is_final = pending->window.end <= header_->final_until;
  return true;
}

// The first window of those that follow `after`, end after `above`, and do not end before the pane begins. It
// may begin after the pane.
Window PaneWriter::window_after(const Window& after, Time above, Time pane_start) const {
  const Time from = std::max({pane_start, above, subtract_saturated(after.end, 1)});
  Window window = windows_.first_window(from);
  while (!closes_before(after, window)) window = windows_.next_window(window);
  return window;
}

// A window that closed and was not reported: the windows of the first pane with data that has one.
bool PaneWriter::first_unreported(const Window& after, Window* found) const {
  const Time above = std::max(header_->reported_end, subtract_saturated(after.end, 1));
  for (uint32_t i = panes_.live_ended_by(above); i < panes_.live_count(); i++) {
    const PaneRecord& pane = panes_.record(panes_.live_slot(i));
    if (pane.cells == 0) continue;
    const Window window = window_after(after, header_->reported_end, pane.start);
    if (window.end > header_->watermark) return false;  // so do those of all later panes
    if (!window.contains(pane.start)) continue;
    *found = window;
    return true;
  }
  return false;
}

// A window that was reported and got an event since.
bool PaneWriter::first_corrected(const Window& after, Window* found) const {
  if (header_->corrected_panes == 0) return false;
  bool any = false;
  for (uint32_t i = 0; i < panes_.live_count(); i++) {
    const PaneRecord& pane = panes_.record(panes_.live_slot(i));
    if (pane.corrected_after == INT64_MAX) continue;
    const Window window = window_after(after, pane.corrected_after, pane.start);
    if (window.end > header_->reported_end || !window.contains(pane.start)) continue;
    if (any && !closes_before(window, *found)) continue;
    *found = window;
    any = true;
  }
  return any;
}

Status PaneWriter::for_each_group_in_window(const Window& window,
                                            FunctionRef<void(KeyView, const int64_t* result)> sink) const {
  if (window == header_->window) {
    bool good = true;
    groups_.for_each([&](uint32_t, const Group* group) {
      if (!ranking_.is_live(group)) return;
      const int64_t* result = result_of(group->total());
      good = good && result != nullptr;
      if (good) sink(groups_.key(group), result);
    });
    return good ? Status::kOk : Status::kOutOfMemory;
  }
  const StateLayout& layout = header_->layout;
  if (has_stored() || layout.nested != 0) return give_results(window, sink);
  const uint32_t begin = panes_.live_before(window.start);
  const uint32_t end = panes_.live_before(window.end);
  if (begin == end) return Status::kOk;
  if (begin + 1 == end &&
      parts_.counted(window, panes_.record(panes_.live_slot(begin)).start) == kEverything) {
    panes_.for_each_cell(panes_.record(panes_.live_slot(begin)), [&](const Cell* cell) {
      const KeyView key = groups_.key(groups_.group(cell->group()));
      if (cell->state()[0] > 0 && holds(key, cell->state())) sink(key, cell->state());
    });
    return Status::kOk;
  }
  groups_.for_each([&](uint32_t id, const Group* group) {
    int64_t sum[kMaxStateWords] = {};
    for_each_cell_of(id, group, window, [&](const Cell* cell, Time pane_start) {
      merge(layout, sum, cell->state(), parts_.counted(window, pane_start));
    });
    if (sum[0] > 0 && holds(groups_.key(group), sum)) sink(groups_.key(group), sum);
  });
  return Status::kOk;
}

// Makes a group's result in a window from its cells and what they have elsewhere; its nested words are there
// already.
bool PaneWriter::make_result(uint32_t id, const Group* group, const Window& window, int64_t* result) const {
  const StateLayout& layout = header_->layout;
  HyperLogLog sketches[kMaxAggregates];
  bool good = true;
  for_each_cell_of(id, group, window, [&](const Cell* cell, Time pane_start) {
    const uint32_t counted = parts_.counted(window, pane_start);
    merge(layout, result, cell->state(), counted);
    if (layout.owned_bytes != 0) good = bytes_.merge_into_result(result, cell->state(), counted) && good;
    for (uint16_t i = 0; i < layout.aggregate_count && layout.has_sketches; i++) {
      if (layout.aggregates[i].kind != AggregateKind::kApproxDistinct || (counted >> i & 1) == 0) continue;
      const void* sketch = sketches_.find(cell->state(), i);
      if (sketch != nullptr) good = sketches[i].merge(sketch) && good;
    }
  });
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (layout.aggregates[i].kind != AggregateKind::kApproxDistinct) continue;
    result[layout.word_of[i] + 1] = static_cast<int64_t>(sketches[i].estimate());
  }
  return good;
}

// The same where states are not all there is: values are gathered by group first, sketches are united on the
// heap, one group at a time. Nothing here has a destructor while the sink runs, which may leave by longjmp.
Status PaneWriter::give_results(const Window& window,
                                FunctionRef<void(KeyView, const int64_t* result)> sink) const {
  const StateLayout& layout = header_->layout;
  const size_t stride = layout.nested != 0 ? layout.bytes() : 0;
  const size_t bytes = size_t{header_->groups.next_unused} * stride;
  if (!results_.reserve(bytes)) return Status::kOutOfMemory;
  if (bytes > 0) {
    std::memset(results_.data(), 0, bytes);
    const auto counted = [&](Time pane_start) { return parts_.counted(window, pane_start); };
    values_.for_each_in(window, counted, [&](uint32_t group, uint16_t aggregate, KeyView value) {
      auto* result = reinterpret_cast<int64_t*>(results_.data() + group * stride);
      values_.add_to_result(aggregate, value, result);
    });
  }
  bool good = true;
  groups_.for_each([&](uint32_t id, const Group* group) {
    int64_t result[kMaxStateWords] = {};
    if (stride > 0) std::memcpy(result, results_.data() + id * stride, stride);
    good = good && make_result(id, group, window, result);
    if (!good || result[0] <= 0) return;
    const int64_t* packed = pack(result, [&](uint16_t i) {
      return local_bytes(result + layout.word_of[i] + bytes_word(layout.aggregates[i]));
    });
    good = packed != nullptr;
    if (good && holds(groups_.key(group), packed)) sink(groups_.key(group), packed);
  });
  results_.clear();
  return good ? Status::kOk : Status::kOutOfMemory;
}

}  // namespace trending
