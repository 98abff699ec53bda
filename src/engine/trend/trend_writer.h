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
// Session windows have a writer of their own (session_writer.h), which this one hands the calls on to.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/aggregates/batch.h"
#include "engine/aggregates/key.h"
#include "engine/aggregates/options.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/memory/heap_buffer.h"
#include "engine/ranking/ranked_groups.h"
#include "engine/sessions/session_writer.h"
#include "engine/stores/bytes_store.h"
#include "engine/stores/group_table.h"
#include "engine/stores/pane_store.h"
#include "engine/stores/sketch_store.h"
#include "engine/stores/value_store.h"
#include "engine/stores/views.h"
#include "engine/time/window.h"
#include "engine/trend/prepared_totals.h"

namespace trending {

class TrendWriter : RankedGroups {
 public:
  // Makes the state of a new trend in an empty arena. The calendar is needed when options.window is zoned.
  Status create(Arena* arena, const TrendOptions& options, Hooks hooks, Calendar calendar = {});
  // Goes on with a state made by create(), perhaps by an earlier process.
  Status open(Arena* arena, Hooks hooks, Calendar calendar = {});

  using RankedGroups::windows;
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
  Time concerned_from() const { return has_sessions() ? sessions_.reaches_back_to() : header_->late_before; }
  const Counters& counters() const { return header_->counters; }

  // Applies a transaction's events: first all rows that are added, then those that are retracted, so that
  // their order does not matter. A row is retracted by its group and pane. Where more rows are retracted than
  // there were, the group has none left in the pane, and nothing of what rows came to. A value that is kept
  // one by one is retracted in the same way.
  // kTooManyGroups or kOutOfMemory say that some events were refused (and counted); the rest is applied all
  // the same.
  Status apply(const BatchSlice& slice);

  // To be called, without the lock, before an apply() whose latest event is of this time, or an
  // advance_clock() to it: does what can be done beforehand of the work that the end of a window makes.
  // Nothing but time depends on it.
  void prepare(Time latest);

  // The latest time of an event that adds rows and is in this trend's range; kNoTime: there is none.
  Time latest_of(const BatchSlice& slice) const;

  // Where a transaction is applied to several trends: starts loading what its events, if they are few, will
  // touch in this one. In steps from 1 to kLookAheadSteps, each of which wants what the one before has
  // loaded: so one takes a step for all trends, then the next, and then calls apply() for each.
  static constexpr int kLookAheadSteps = 3;
  void look_ahead(const BatchSlice& slice, int step);

  // Changes options while the state stays. The watermark stands still, rather than going back, until the
  // clock has caught up with a longer delay. With report_windows set again, reporting begins with the windows
  // that are not final yet. Of session windows only max_groups can be changed. False: not possible, nothing
  // is changed.
  bool alter(const TrendTuning& tuning);

  // Whether apply() would refuse an event of this time as late, by the watermark as it stands.
  bool is_late(Time t) const {
    return windows_.in_range(t) && windows_.pane_of(t).start < header_->late_before;
  }

  // Whether a row of this key and time has part only in windows that end up to `final`. A session that is
  // here and would take the row does not end up to there.
  bool is_past(Time t, KeyView key, Time final) const;

  // Rows with a part in windows that end within `ends`, both included, are counted elsewhere, say, and not
  // late where they come too late for this state. Window{}: there are none. Not kept by the state.
  void count_elsewhere(const Window& ends) {
    elsewhere_ = ends;
    sessions_.count_elsewhere(ends);
  }
  bool counts_elsewhere() const { return elsewhere_.end != kNoTime; }
  bool is_counted_elsewhere(Time t) const;

  // Counts rows as late that are not given to apply().
  void count_late(uint64_t rows) { header_->counters.late += rows; }

  // Moves the event clock of an idle source forward. A time not after the clock does nothing.
  Status advance_clock(Time t);
  // Whether, with session windows, one may close or become final when the clock moves to t.
  bool session_is_due(Time t) const { return sessions_.is_due(t); }

  // Whether Hooks::crossed is called; from the beginning on it is. To be switched off while a state is
  // restored or filled with rows that are not new.
  using RankedGroups::report_crossings;

  // Frees up to about `cells` cells of panes that have passed; true while there are more. Every apply() does
  // a portion; an idle writer may do the rest.
  bool reclaim(uint64_t cells);

  // ---- closed windows (options.report_windows)
  // A closed window with data that was not reported yet, or was corrected since: the one that follows `after`
  // in the order of their ends; start with Window{}. A final window must be reported before the next apply(),
  // whose events may come too late for it and yet share a pane with it.
  bool next_pending_window(const Window& after, PendingWindow* pending) const;
  bool has_pending_window() const;
  // Whether final windows are pending and should be reported now: to be asked after every apply() and
  // advance_clock(), costs nothing.
  bool has_final_pending_window() const {
    return has_sessions() ? sessions_.has_final_pending_window() : header_->final_pending;
  }
  // Windows that end at or before this can no longer change.
  Time final_before() const;
  // All pending windows were written. Their panes are released when nothing else needs them.
  void mark_reported();

  // The exact result of a window whose panes are kept: every group that has rows in it, in no particular
  // order. The result is valid during the call of the sink. Costs as much as the window has cells.
  // kOutOfMemory when the process lacks the memory to put it together: then the sink may not have been given
  // all.
  Status for_each_group_in_window(const Window& window,
                                  FunctionRef<void(KeyView, const int64_t* result)> sink) const;

  // ---- filling a trend with session windows from rows in descending order of time
  bool has_sessions() const { return header_->options.window.kind == WindowKind::kSession; }
  void start_filling(Time keep_after) { sessions_.start_filling(keep_after); }

  // ---- checkpoints
  // All panes, in the order of time.
  void for_each_pane(FunctionRef<void(const PaneView&)> sink) const;
  // The cells of a pane that changed since it was last marked clean. A cell whose rows came to 0 is among
  // them. What the sink is given is valid during its call.
  // kOutOfMemory when the process lacks the memory for a cell: then the sink was not given all.
  Status for_each_dirty_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const;
  Status for_each_cell(Time pane_start, FunctionRef<void(const CellView&)> sink) const;
  void mark_clean(Time pane_start);
  // Panes that start before this are gone, for good: a checkpoint deletes what it stored of them.
  Time kept_from() const { return header_->kept_from; }  // with sessions, none ever is
  // Closed windows that end at or before this were reported (kNoTime: none yet).
  Time reported_end() const { return header_->reported_end; }

  // Rebuilding from a checkpoint, into a state just created: its clocks, its cells (they are then clean; one
  // given again replaces what was given before). A clock of kNoTime means that there had been no event. A
  // checkpoint is taken with no window pending.
  Status restore_clock(Time clock, Time reported_end);
  // Follows restore_clock where options were altered: the watermark and final_until() may be ahead of what
  // clock and options give.
  void restore_horizon(Time watermark, Time final_until);
  // kCorrupt when it is no cell of such a trend.
  Status restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes, uint32_t size);
  void restore_counters(const Counters& counters) { header_->counters = counters; }

 private:
  // What an event touches. The cell is null when there is none.
  struct Target {
    uint32_t id = kNone;
    Group* group = nullptr;
    Cell* cell = nullptr;
  };
  // Some consecutive events whose memory is loaded together, and the groups that they probably belong to.
  struct Block {
    static constexpr uint32_t kSize = 16;
    const BatchRecord* begin;
    const BatchRecord* end;
    uint32_t probable[kSize];
  };
  Block block_at(const BatchRecord* begin, const BatchRecord* slice_end) const;
  void load_slots(const Block& block) const;
  void load_groups(Block* block) const;
  void load_cells(const Block& block) const;
  // What of the events is applied: the rows that are added, or those that are retracted.
  enum class Part { kAdded, kTaken };
  Status apply_blocks(const BatchSlice& slice, Part part);
  Status apply_block(const Block& block, bool uneven, Part part);
  Status apply_record(const BatchRecord& record, int64_t weight, uint32_t probable);
  Status find_target(const BatchRecord& record, int64_t weight, uint32_t slot, uint32_t probable,
                     Target* target);
  void empty_cell(const Target& target, bool is_current);
  void find_group(KeyView key, uint32_t hash, uint32_t probable, Target* target) const;
  Status find_or_add(KeyView key, uint32_t hash, uint32_t pane, uint32_t probable, Target* target);
  uint32_t pane_at(Time t);
  uint32_t add_pane(const Pane& span);
  void note_correction(PaneRecord& pane);
  Status give_cells(Time pane_start, bool dirty_only, FunctionRef<void(const CellView&)> sink) const;
  bool encode_group_cell(const Cell* cell, CellView* view) const;
  bool encode_value_cell(uint32_t group, uint16_t aggregate, KeyView value, const Cell* cell,
                         CellView* view) const;
  Status decode_stored(const std::byte* bytes, size_t size, int64_t* state);
  bool is_value(uint16_t aggregate, KeyView bytes) const {
    return hooks_.is_value == nullptr || hooks_.is_value(hooks_.context, aggregate, bytes);
  }
  Status restore_group_cell(uint32_t slot, KeyView key, const std::byte* bytes, size_t size);
  Status restore_value_cell(uint32_t slot, KeyView key, const std::byte* bytes, size_t size);
  template <typename Visit>
  void for_each_cell_of(uint32_t id, const Group* group, const Window& window, Visit&& visit) const;
  bool make_result(uint32_t id, const Group* group, const Window& window, int64_t* result) const;
  Status give_results(const Window& window, FunctionRef<void(KeyView, const int64_t* result)> sink) const;
  void move_clock(Time t);
  void roll(const Window& next);
  bool has_dying() const { return panes_.has_dying() || values_.has_dying(); }
  Status prepare(const BatchRecord& record, const Target& target, const PaneRecord& pane, bool adds,
                 bool is_current);
  Status prepare_stored(const BatchRecord& record, const Target& target, bool is_current);
  void fold_stored(const BatchRecord& record, int64_t change, int64_t* state, BytesStore::Prepared* bytes);
  bool has_stored() const { return header_->layout.has_sketches || header_->layout.owned_bytes != 0; }
  bool merge_stored(int64_t* state, const int64_t* other, uint32_t which);
  void merge_into_total(int64_t* total, const int64_t* state);
  void change_values(uint32_t slot, int64_t sign);
  void add_pane_to_totals(uint32_t slot);
  void remove_pane_from_totals(uint32_t slot);
  // A total that is rebuilt; the next cell of its group's chain, and the pane of the one before.
  struct Rebuilt {
    uint64_t index;
    uint32_t group;
    uint32_t which;
    uint32_t link;
    uint32_t pane;
    int64_t total[kMaxStateWords];
  };
  static constexpr uint32_t kMadeTogether = 32;
  struct Leaving {
    uint64_t leaving = 0;  // cells
    uint64_t staying = 0;
    uint32_t first = kNone;  // pane that leaves and has cells
  };
  Leaving weigh(const Window& old, const Window& next, uint32_t begin, uint32_t end) const;
  void prepare_pane(uint32_t slot);
  void make_together(Rebuilt* batch, uint32_t count, const Window& rest);
  void rebuild(uint32_t id, Group* group, uint32_t which, Time from);
  void start_epoch();
  void move_horizon();
  void let_panes_go();
  void forget_corrections();
  bool first_unreported(const Window& after, Window* found) const;
  bool first_corrected(const Window& after, Window* found) const;
  Window window_after(const Window& after, Time above, Time pane_start) const;

  Window elsewhere_;
  PaneStore panes_;
  ValueStore values_;
  BytesStore::Prepared cell_bytes_;  // what the event at hand makes of its cell and of the total
  BytesStore::Prepared total_bytes_;
  mutable HeapBuffer cell_key_;  // of the cell that a checkpoint is given, and its state
  mutable HeapBuffer cell_state_;
  mutable HeapBuffer results_;  // of a window, by the number of the group
  PreparedTotals prepared_;
  SessionWriter sessions_;
  Block ahead_{};  // of look_ahead(); its begin is null when there is none
  // The pane that the last event fell into.
  Pane last_span_;
  uint32_t last_pane_ = kNone;
};

// Follows a group's chain through a window's panes.
template <typename Visit>
void TrendWriter::for_each_cell_of(uint32_t id, const Group* group, const Window& window,
                                   Visit&& visit) const {
  uint32_t slot = kNone;
  uint32_t number = panes_.newest(group, &slot);
  while (number != kNone && panes_.record(slot).start >= window.start) {
    const Cell* cell = panes_.cell(number);
    if (panes_.record(slot).start < window.end && cell->state()[0] != 0) visit(cell);
    number = panes_.follow(cell, id, &slot);
  }
}

}  // namespace trending
