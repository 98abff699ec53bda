// SPDX-License-Identifier: PostgreSQL
// Writing a trend: the one process that feeds it.
//
// The writer holds the trend's lock exclusively around every call that is not const. As it is the only one to
// change anything, it may call the const ones without the lock, also while others read.
//
// A transaction is one instant: all events of an apply() are judged by the watermark as it stood before it,
// and the event clock moves to the latest of them when all are in. So the order of events within a
// transaction does not matter and replaying the same transactions gives the same results.
//
// A front: windows made of panes and session windows each have a writer of their own (pane_writer.h,
// session_writer.h), which this one hands its calls on to.
#pragma once

#include <cstdint>

#include "engine/aggregates/batch.h"
#include "engine/aggregates/key.h"
#include "engine/aggregates/options.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/panes/pane_writer.h"
#include "engine/sessions/session_writer.h"
#include "engine/stores/views.h"
#include "engine/time/window.h"

namespace trending {

class TrendWriter {
 public:
  // Makes the state of a new trend in an empty arena. The calendar is needed when options.window is zoned.
  Status create(Arena* arena, const TrendOptions& options, Hooks hooks, Calendar calendar = {});
  // Goes on with a state made by create(), perhaps by an earlier process.
  Status open(Arena* arena, Hooks hooks, Calendar calendar = {});

  const Windows& windows() const { return groups().windows(); }
  const StateLayout& layout() const { return header_->layout; }
  uint64_t hash_seed() const { return header_->options.hash_seed; }
  Time clock() const { return header_->clock; }
  Time watermark() const { return header_->watermark; }
  Window window() const { return header_->window; }
  // Windows that end up to here are final. Does not go back when allowed_lateness grows: what was final stays
  // so.
  Time final_until() const { return header_->final_until; }
  // Events before this are part of no window that is kept, and would be late. With session windows a look at
  // all of them.
  Time concerned_from() const {
    return has_sessions() ? sessions_.concerned_from() : panes_.concerned_from();
  }
  const Counters& counters() const { return header_->counters; }

  // Applies a transaction's events: first all rows that are added, then those that are retracted, so that
  // their order does not matter. A row is retracted by its group and pane. Where more rows are retracted than
  // there were, the group has none left in the pane, and nothing of what rows came to. A value that is kept
  // one by one is retracted in the same way.
  // kTooManyGroups or kOutOfMemory say that some events were refused (and counted); the rest is applied all
  // the same.
  Status apply(const BatchSlice& slice) {
    return has_sessions() ? sessions_.apply(slice) : panes_.apply(slice);
  }

  // To be called, without the lock, before an apply() whose latest event is of this time, or an
  // advance_clock() to it: does what can be done beforehand of the work that the end of a window makes.
  // Nothing but time depends on it.
  void prepare(Time latest) {
    if (!has_sessions()) panes_.prepare(latest);
  }

  // The latest time of an event that adds rows and is in this trend's range; kNoTime: there is none.
  Time latest_of(const BatchSlice& slice) const {
    return has_sessions() ? slice.max_time : panes_.latest_of(slice);
  }

  // Where a transaction is applied to several trends: starts loading what its events, if they are few, will
  // touch in this one. In steps from 1 to kLookAheadSteps, each of which wants what the one before has
  // loaded: so one takes a step for all trends, then the next, and then calls apply() for each.
  static constexpr int kLookAheadSteps = 3;
  void look_ahead(const BatchSlice& slice, int step) {
    if (!has_sessions()) panes_.look_ahead(slice, step);
  }

  // Changes options while the state stays. The watermark stands still, rather than going back, until the
  // clock has caught up with a longer delay. With report_windows set again, reporting begins with the windows
  // that are not final yet. Of session windows only max_groups can be changed. False: not possible, nothing
  // is changed.
  bool alter(const TrendTuning& tuning);

  // Whether apply() would refuse an event of this time as late, by the watermark as it stands.
  bool is_late(Time t) const { return groups().is_late(t); }

  // Whether a row of this key and time has part only in windows that end up to `final`. A session that is
  // here and would take the row does not end up to there.
  bool is_past(Time t, KeyView key, Time final) const {
    return has_sessions() ? sessions_.is_past(t, key, final) : panes_.is_past(t, key, final);
  }

  // Rows with a part in windows that end within `ends`, both included, are counted elsewhere, say, and not
  // late where they come too late for this state. Window{}: there are none. Not kept by the state.
  void count_elsewhere(const Window& ends) { groups().count_elsewhere(ends); }
  bool counts_elsewhere() const { return groups().counts_elsewhere(); }
  bool is_counted_elsewhere(Time t) const {
    return has_sessions() ? sessions_.is_counted_elsewhere(t) : panes_.is_counted_elsewhere(t);
  }

  // Counts rows as late that are not given to apply().
  void count_late(uint64_t rows) { header_->counters.late += rows; }

  // Moves the event clock of an idle source forward. A time not after the clock does nothing.
  Status advance_clock(Time t) {
    return has_sessions() ? sessions_.advance_clock(t) : panes_.advance_clock(t);
  }
  // Whether, with session windows, one may close or become final when the clock moves to t.
  bool session_is_due(Time t) const { return sessions_.is_due(t); }

  // Whether Hooks::crossed is called; from the beginning on it is. To be switched off while a state is
  // restored or filled with rows that are not new.
  void report_crossings(bool wanted) { groups().report_crossings(wanted); }

  // Frees up to about `cells` cells of panes that have passed; true while there are more. Every apply() does
  // a portion; an idle writer may do the rest.
  bool reclaim(uint64_t cells) { return has_sessions() ? sessions_.reclaim() : panes_.reclaim(cells); }

  // ---- closed windows (options.report_windows)
  // A closed window with data that was not reported yet, or was corrected since: the one that follows `after`
  // in the order of their ends; start with Window{}. A final window must be reported before the next apply(),
  // whose events may come too late for it and yet share a pane with it.
  bool next_pending_window(const Window& after, PendingWindow* pending) const {
    return has_sessions() ? sessions_.next_pending_window(after, pending)
                          : panes_.next_pending_window(after, pending);
  }
  bool has_pending_window() const {
    return has_sessions() ? sessions_.has_pending_window() : panes_.has_pending_window();
  }
  // Whether final windows are pending and should be reported now: to be asked after every apply() and
  // advance_clock(), costs nothing.
  bool has_final_pending_window() const {
    return has_sessions() ? sessions_.has_final_pending_window() : panes_.has_final_pending_window();
  }
  // Windows that end at or before this can no longer change.
  Time final_before() const { return has_sessions() ? sessions_.final_before() : panes_.final_before(); }
  // All pending windows were written. Their panes are released when nothing else needs them.
  void mark_reported() { has_sessions() ? sessions_.mark_reported() : panes_.mark_reported(); }

  // The exact result of a window whose panes are kept: every group that has rows in it, in no particular
  // order. The result is valid during the call of the sink. Costs as much as the window has cells.
  // kOutOfMemory when the process lacks the memory to put it together: then the sink may not have been given
  // all.
  Status for_each_group_in_window(const Window& window,
                                  FunctionRef<void(KeyView, const int64_t* result)> sink) const {
    return has_sessions() ? sessions_.for_each_group_in_window(window, sink)
                          : panes_.for_each_group_in_window(window, sink);
  }

  // ---- filling a trend with session windows from rows in descending order of time
  bool has_sessions() const { return header_->options.window.kind == WindowKind::kSession; }
  void start_filling(Time keep_after) { sessions_.start_filling(keep_after); }

  // ---- checkpoints
  // All panes, in the order of time.
  void for_each_pane(FunctionRef<void(const PaneView&)> sink) const {
    has_sessions() ? sessions_.for_each_pane(sink) : panes_.for_each_pane(sink);
  }
  // The cells of a pane that changed since it was last marked clean. A cell whose rows came to 0 is among
  // them. What the sink is given is valid during its call.
  // kOutOfMemory when the process lacks the memory for a cell: then the sink was not given all.
  Status for_each_dirty_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const {
    return give_cells(pane_start, true, sink);
  }
  Status for_each_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const {
    return give_cells(pane_start, false, sink);
  }
  void mark_clean(Time pane_start) {
    has_sessions() ? sessions_.mark_clean() : panes_.mark_clean(pane_start);
  }
  // Panes that start before this are gone, for good: a checkpoint deletes what it stored of them.
  Time kept_from() const { return header_->kept_from; }  // with sessions, none ever is
  // Closed windows that end at or before this were reported (kNoTime: none yet).
  Time reported_end() const { return header_->reported_end; }

  // Rebuilding from a checkpoint, into a state just created: its clocks, its cells (they are then clean; one
  // given again replaces what was given before). A clock of kNoTime means that there had been no event. A
  // checkpoint is taken with no window pending.
  Status restore_clock(Time clock, Time reported_end) {
    return has_sessions() ? sessions_.restore_clock(clock, reported_end)
                          : panes_.restore_clock(clock, reported_end);
  }
  // Follows restore_clock where options were altered: the watermark and final_until() may be ahead of what
  // clock and options give.
  void restore_horizon(Time watermark, Time final_until) {
    if (!has_sessions()) panes_.restore_horizon(watermark, final_until);  // options of sessions stay
  }
  // kCorrupt when it is no cell of such a trend.
  Status restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes, uint32_t size);
  void restore_counters(const Counters& counters) { header_->counters = counters; }

 private:
  const RankedGroups& groups() const {
    return has_sessions() ? static_cast<const RankedGroups&>(sessions_) : panes_;
  }
  Status give_cells(Time pane_start, bool only_dirty, FunctionRef<void(const CellView&)> sink) const {
    return has_sessions() ? sessions_.for_each_cell(only_dirty, sink)
                          : panes_.for_each_cell(pane_start, only_dirty, sink);
  }
  RankedGroups& groups() { return has_sessions() ? static_cast<RankedGroups&>(sessions_) : panes_; }

  TrendHeader* header_ = nullptr;
  PaneWriter panes_;  // one of these two is in use
  SessionWriter sessions_;
};

}  // namespace trending
