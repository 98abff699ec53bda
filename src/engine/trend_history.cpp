// Closed windows: which ones have to be written, and what is in them.

#include <algorithm>

#include "engine/trend_writer.h"

namespace trending {

namespace {

bool closes_before(const Window& a, const Window& b) {
  return a.end != b.end ? a.end < b.end : a.start < b.start;
}

}  // namespace

// An event came to a pane of which some windows have been reported. Those that may still be corrected are to
// be reported again; the others keep their result.
void TrendWriter::note_correction(PaneRecord& pane) {
  if (!header_->options.report_windows) return;
  if (pane.corrected_after == INT64_MAX) header_->corrected_panes++;
  const Time reached = subtract_saturated(header_->watermark, header_->options.allowed_lateness);
  pane.corrected_after = std::min(pane.corrected_after, reached);
}

// Frees the panes that no window needs any more.
void TrendWriter::let_panes_go() {
  PendingWindow pending;
  if (next_pending_window({}, &pending)) {
    header_->final_pending = pending.is_final;
    return;
  }
  header_->final_pending = false;
  header_->kept_from = header_->late_before;
  panes_.expire_before(header_->kept_from);
}

void TrendWriter::mark_reported() {
  if (header_->watermark > header_->reported_end) header_->reported_end = header_->watermark;
  if (header_->corrected_panes > 0) {
    for (uint32_t i = 0; i < panes_.live_count(); i++) {
      panes_.record(panes_.live_slot(i)).corrected_after = INT64_MAX;
    }
    header_->corrected_panes = 0;
  }
  let_panes_go();
}

bool TrendWriter::next_pending_window(const Window& after, PendingWindow* pending) const {
  if (!header_->options.report_windows || header_->watermark == kNoTime) return false;
  Window unreported;
  Window corrected;
  const bool has_unreported = first_unreported(after, &unreported);
  const bool has_corrected = first_corrected(after, &corrected);
  if (!has_unreported && !has_corrected) return false;
  pending->window =
      has_corrected && (!has_unreported || closes_before(corrected, unreported)) ? corrected : unreported;
  const Time final_at = add_saturated(pending->window.end, header_->options.allowed_lateness);
  pending->is_final = final_at <= header_->watermark;
  return true;
}

// The first window of those that follow `after`, end after `above`, and do not end before the pane begins. It
// may begin after the pane.
Window TrendWriter::window_after(const Window& after, Time above, Time pane_start) const {
  const Time from = std::max({pane_start, above, subtract_saturated(after.end, 1)});
  Window window = windows_.first_window(from);
  while (!closes_before(after, window)) window = windows_.next_window(window);
  return window;
}

// A window that closed and was not reported: the windows of the first pane with data that has one.
bool TrendWriter::first_unreported(const Window& after, Window* found) const {
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
bool TrendWriter::first_corrected(const Window& after, Window* found) const {
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

void TrendWriter::for_each_group_in_window(const Window& window,
                                           FunctionRef<void(KeyView, const int64_t* state)> sink) const {
  if (window == header_->window) {
    groups_.for_each([&](uint32_t, const Group* group) {
      if (ranking_.is_live(group)) sink(groups_.key(group), group->total());
    });
    return;
  }
  const uint32_t begin = panes_.live_before(window.start);
  const uint32_t end = panes_.live_before(window.end);
  if (begin == end) return;
  if (begin + 1 == end) {
    panes_.for_each_cell(panes_.record(panes_.live_slot(begin)), [&](const Cell* cell) {
      const KeyView key = groups_.key(groups_.group(cell->group()));
      if (cell->state()[0] > 0 && holds(key, cell->state())) sink(key, cell->state());
    });
    return;
  }
  // Follow every group's chain through the window's panes.
  const StateLayout& layout = header_->layout;
  groups_.for_each([&](uint32_t id, const Group* group) {
    int64_t sum[kMaxStateWords] = {};
    uint32_t slot = kNone;
    uint32_t number = panes_.newest(group, &slot);
    while (number != kNone && panes_.record(slot).start >= window.start) {
      const Cell* cell = panes_.cell(number);
      if (panes_.record(slot).start < window.end) merge(layout, sum, cell->state());
      number = panes_.follow(cell, id, &slot);
    }
    if (sum[0] > 0 && holds(groups_.key(group), sum)) sink(groups_.key(group), sum);
  });
}

}  // namespace trending
