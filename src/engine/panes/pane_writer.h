// SPDX-License-Identifier: PostgreSQL
// Writing a trend whose windows are made of panes: all but session windows.
//
// An event belongs to a pane. Totals of groups over the current window follow the clock: panes that come into
// the window are added, those that leave it are taken out (pane_totals.cpp, pane_roll.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/aggregates/batch.h"
#include "engine/aggregates/key.h"
#include "engine/aggregates/options.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/memory/heap_buffer.h"
#include "engine/panes/prepared_totals.h"
#include "engine/panes/window_parts.h"
#include "engine/ranking/ranked_groups.h"
#include "engine/stores/bytes_store.h"
#include "engine/stores/group_table.h"
#include "engine/stores/pane_store.h"
#include "engine/stores/sketch_store.h"
#include "engine/stores/value_store.h"
#include "engine/stores/views.h"
#include "engine/time/window.h"

namespace trending {

// Its functions mean what those of the same name of TrendWriter (trend/trend_writer.h) mean there.
class PaneWriter : public RankedGroups {
 public:
  void open(Arena* arena, RankedState* state, PaneStoreState* panes, const Hooks& hooks,
            const Calendar& calendar);
  Status create();

  Status apply(const BatchSlice& slice);
  Status advance_clock(Time t);
  void prepare(Time latest);
  Time latest_of(const BatchSlice& slice) const;
  void look_ahead(const BatchSlice& slice, int step);
  bool reclaim(uint64_t cells);
  bool alter(const TrendTuning& tuning);
  Time concerned_from() const { return header_->late_before; }
  bool is_past(Time t, KeyView key, Time final) const;
  bool is_counted_elsewhere(Time t) const;

  // ---- closed windows
  bool next_pending_window(const Window& after, PendingWindow* pending) const;
  bool has_pending_window() const;
  bool has_final_pending_window() const { return header_->final_pending; }
  Time final_before() const { return header_->final_until; }
  void mark_reported();
  Status for_each_group_in_window(const Window& window,
                                  FunctionRef<void(KeyView, const int64_t* result)> sink) const;

  // ---- checkpoints
  void for_each_pane(FunctionRef<void(const PaneView&)> sink) const;
  Status for_each_cell(Time pane_start, bool only_dirty, FunctionRef<void(const CellView&)> sink) const;
  void mark_clean(Time pane_start);
  Status restore_clock(Time clock, Time reported_end);
  void restore_horizon(Time watermark, Time final_until);
  Status restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes, uint32_t size);

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
  enum class Part { kAdded, kRetracted };
  Status apply_blocks(const BatchSlice& slice, Part part);
  Status apply_block(const Block& block, bool uneven, Part part);
  Status apply_record(const BatchRecord& record, int64_t weight, uint32_t probable);
  Status find_target(const BatchRecord& record, int64_t weight, uint32_t slot, uint32_t probable,
                     Target* target);
  void empty_cell(const Target& target, uint32_t counted);
  void find_group(KeyView key, uint32_t hash, uint32_t probable, Target* target) const;
  Status find_or_add(KeyView key, uint32_t hash, uint32_t pane, uint32_t probable, Target* target);
  uint32_t pane_at(Time t);
  uint32_t add_pane(const Pane& span);
  void note_correction(PaneRecord& pane);
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
                 uint32_t counted);
  Status prepare_stored(const BatchRecord& record, const Target& target, uint32_t counted);
  void fold_stored(const BatchRecord& record, uint32_t counted, int64_t change, int64_t* state,
                   BytesStore::Prepared* bytes);
  bool has_stored() const { return header_->layout.has_sketches || header_->layout.owned_bytes != 0; }
  bool merge_stored(int64_t* state, const int64_t* other, uint32_t which);
  void merge_into_total(int64_t* total, const int64_t* state, uint32_t counted);
  void change_values(uint32_t slot, int64_t sign, uint32_t counted);
  void add_pane_to_totals(uint32_t slot, uint32_t counted);
  void remove_pane_from_totals(uint32_t slot, uint32_t counted);
  uint32_t in_totals(Time pane_start) const;
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
  void release_panes();
  void forget_corrections();
  bool first_unreported(const Window& after, Window* found) const;
  bool first_corrected(const Window& after, Window* found) const;
  Window window_after(const Window& after, Time above, Time pane_start) const;

  PaneStore panes_;
  ValueStore values_;
  WindowParts parts_;
  // While panes leave the totals (roll()): the window before, of which those from here on are still in them.
  Window leaving_window_;
  Time leaving_from_ = kNoTime;
  BytesStore::Prepared cell_bytes_;  // what the event at hand makes of its cell and of the total
  BytesStore::Prepared total_bytes_;
  mutable HeapBuffer cell_key_;  // of the cell that a checkpoint is given, and its state
  mutable HeapBuffer cell_state_;
  mutable HeapBuffer results_;  // of a window, by the number of the group
  PreparedTotals prepared_;
  Block ahead_{};  // of look_ahead(); its begin is null when there is none
  // The pane that the last event fell into.
  Pane last_span_;
  uint32_t last_pane_ = kNone;
};

// Follows a group's chain through a window's panes: visit(cell, start of its pane).
template <typename Visit>
void PaneWriter::for_each_cell_of(uint32_t id, const Group* group, const Window& window,
                                  Visit&& visit) const {
  uint32_t slot = kNone;
  uint32_t number = panes_.newest(group, &slot);
  while (number != kNone && panes_.record(slot).start >= window.start) {
    const Cell* cell = panes_.cell(number);
    if (panes_.record(slot).start < window.end && cell->state()[0] != 0) {
      visit(cell, panes_.record(slot).start);
    }
    number = panes_.follow(cell, id, &slot);
  }
}

}  // namespace trending
