// Writing a trend: the one process that feeds it.
//
// The writer holds the trend's lock exclusively around every call that is not const. As it is the only one to
// change anything, it may call the const ones without the lock, also while others read.
//
// A transaction is one instant: all events of an apply() are judged by the watermark as it stood before it,
// and the event clock moves to the latest of them when all are in. So the order of events within a
// transaction does not matter and replaying the same transactions gives the same results.
#pragma once

#include <cstdint>

#include "engine/arena.h"
#include "engine/batch.h"
#include "engine/function_ref.h"
#include "engine/key.h"
#include "engine/options.h"
#include "engine/state.h"
#include "engine/window.h"

namespace trending {

// A group's share of a pane, as a checkpoint stores it: layout().words words of state.
struct CellView {
  KeyView key;
  const int64_t* state = nullptr;
};

struct PaneView {
  Pane span;
  uint64_t cells = 0;
  uint64_t dirty_cells = 0;  // changed since mark_clean()
};

// A closed window whose result is to be written.
struct PendingWindow {
  Window window;
  bool is_final = false;  // no event can change it any more
};

class TrendWriter {
 public:
  // Makes the state of a new trend in an empty arena. The calendar is needed when options.window is zoned.
  Status create(Arena* arena, const TrendOptions& options, Hooks hooks, Calendar calendar = {});
  // Goes on with a state made by create(), perhaps by an earlier process.
  Status open(Arena* arena, Hooks hooks, Calendar calendar = {});

  const Windows& windows() const { return windows_; }
  const StateLayout& layout() const { return header_->layout; }
  uint64_t hash_seed() const { return header_->options.hash_seed; }
  Time clock() const { return header_->clock; }
  Time watermark() const { return header_->watermark; }
  Window window() const { return header_->window; }
  const Counters& counters() const { return header_->counters; }

  // Applies a transaction's events. kTooManyGroups or kOutOfMemory say that some were refused (and counted);
  // the rest is applied all the same.
  Status apply(const BatchSlice& slice);

  // Moves the event clock of an idle source forward. A time not after the clock, or out of range, does
  // nothing.
  Status advance_clock(Time t);

  // ---- closed windows (options.report_windows)
  // A closed window with data that was not reported yet, or was corrected since, and ends after `after_end`:
  // the one that ends first. Start with kNoTime. A window with is_final set should be reported before the
  // next apply(), whose events may come too late for it and yet share a pane with it.
  bool next_pending_window(Time after_end, PendingWindow* pending) const;
  // Whether some pending window is final: cheap, to be asked after every apply() and advance_clock().
  bool has_final_pending_window() const;
  // All pending windows were written. Their panes are let go when nothing else needs them.
  void mark_reported();

  // The exact result of a window whose panes are kept: every group that has rows in it, in no particular
  // order. The state is valid during the call of the sink. Costs as much as the window has cells.
  void for_each_group_in_window(const Window& window,
                                FunctionRef<void(KeyView, const int64_t* state)> sink) const;

  // ---- checkpoints
  // Panes with changed cells, and all panes, in the order of time.
  void for_each_pane(FunctionRef<void(const PaneView&)> sink) const;
  // The cells of a pane that changed since it was last marked clean. A cell whose rows came to 0 is among
  // them.
  void for_each_dirty_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const;
  void for_each_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const;
  void mark_clean(Time pane_start);
  // Panes that start before this are gone, for good: a checkpoint deletes what it stored of them.
  Time kept_from() const { return header_->kept_from; }
  // Closed windows that end at or before this were reported (kNoTime: none yet).
  Time reported_end() const { return header_->reported_end; }

  // Rebuilding from a checkpoint, into a state just created: the clocks first, then the cells (clean). An
  // event clock of kNoTime means that there had been no event.
  Status restore_clock(Time clock, Time reported_end);
  Status restore_cell(Time pane_start, KeyView key, const int64_t* state);
  void restore_counters(const Counters& counters) { header_->counters = counters; }

 private:
  Arena* arena_ = nullptr;
  Hooks hooks_;
  TrendHeader* header_ = nullptr;
  Windows windows_;
};

}  // namespace trending
