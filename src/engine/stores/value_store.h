// SPDX-License-Identifier: PostgreSQL
// The values that a trend keeps one by one, for aggregates that need them when rows may be
// retracted: kDistinct, and kMin, kMax, kFirst, kLast of a trend that keeps values ("nested" aggregates).
//
// A value is a group of a second table, with the key
//
//   the value's bytes (for extremes the words of the argument)  group's number (4)  aggregate (1)
//
// (of an extreme whose type is kBytes: `at`, if it has one, then the bytes themselves),
//
// and cells in panes of its own, which have the same spans as the trend's. A cell counts the value's rows in
// a pane; the value's total counts them over the current window. A total that becomes positive, or ceases to
// be, changes the total of the group: a number of values, or a tree of them.
//
// The tree of a nested extreme is a treap (Seidel and Aragon, 1996) of the values with a positive total, the
// one to be chosen first; heap priorities are the hashes, which are seeded. Its root stands in the group's
// total and its links in the totals of the values, so that a new epoch empties all of them at once.
//
// A group's number stays as long as it has cells, and a value's cell is always in a pane that has a cell of
// the group. Values that are left of a deleted group are in dying panes, where nothing looks at them.
//
// A value costs 64 bytes and 12 in the hash table, more if it is longer than 19 bytes, and 16 bytes in a
// pane.
#pragma once

#include <cstring>

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/batch.h"
#include "engine/memory/heap_buffer.h"
#include "engine/stores/group_table.h"
#include "engine/stores/pane_store.h"
#include "engine/stores/trend_header.h"

namespace trending {

struct ValueStoreState {
  GroupTableState values;
  PaneStoreState panes;
};

class ValueStore {
 public:
  // Looks at the values of another trend, or of the same in another process.
  void open(Arena* arena, TrendHeader* header, ValueStoreState* state, const Hooks& hooks);
  // Called once, when the trend is made.
  Status create() { return values_.create(); }

  // ---- events
  // Finds the cells of an event's values in a pane, making them if `add` is set; fold() and fold_total() are
  // about those. What was made stays when the status is not kOk, and does no harm.
  Status find(const BatchRecord& record, uint32_t group, const PaneRecord& pane, bool add);
  void fold(int64_t weight);
  void fold_total(int64_t* total, uint32_t counted);

  // ---- the current window
  // visit(group, value, rows) for the cells of a pane; of some aggregates (bits).
  template <typename Visit>
  void for_each_cell(Time pane_start, uint32_t counted, Visit&& visit) const {
    const uint32_t slot = panes_.find(pane_start);
    if (slot == kNone) return;
    panes_.for_each_cell(panes_.record(slot), values_, [&](const Cell* cell, const Group* value) {
      if (cell->state()[0] <= 0 || (counted >> aggregate_of(value) & 1) == 0) return;
      visit(group_of(value), cell->group(), cell->state()[0]);
    });
  }
  // Adds rows to a value's total, and what follows from that to its group's.
  void change(uint32_t value, int64_t rows, int64_t* total);
  void forget_epochs() {
    values_.for_each([](uint32_t, Group* value) { value->epoch = 0; });
  }

  // ---- other windows
  // visit(group, aggregate, value bytes) for every value that has rows in a window, where counted(start of a
  // pane) has the bits of the aggregates that the pane counts for.
  template <typename Counted, typename Visit>
  void for_each_in(const Window& window, Counted&& counted, Visit&& visit) const;
  // Adds such a value to a result.
  void add_to_result(uint16_t aggregate, KeyView value, int64_t* result) const;

  // The bytes of a nested extreme of type kBytes whose total says that there is one. For readers, too.
  static KeyView bytes_of_total(Arena* arena, const StateLayout& layout, ValueStoreState* state,
                                const int64_t* total, uint16_t aggregate);

  // ---- panes and memory
  uint32_t count() const { return values_.count(); }
  void expire_before(Time t) { panes_.expire_before(t); }
  bool has_dying() const { return panes_.has_dying(); }
  void reclaim(uint64_t cells);
  void shrink() { values_.shrink(); }

  // ---- checkpoints
  void count_cells(Time pane_start, uint64_t* cells, uint64_t* dirty) const;
  void mark_clean(Time pane_start);
  // visit(group, aggregate, value bytes, cell); only the dirty ones if so wanted.
  template <typename Visit>
  void for_each_stored(Time pane_start, bool dirty_only, Visit&& visit) const {
    const uint32_t slot = panes_.find(pane_start);
    if (slot == kNone) return;
    panes_.for_each_cell(panes_.record(slot), [&](const Cell* cell) {
      if (dirty_only && (cell->group_and_dirty & Cell::kDirty) == 0) return;
      const Group* value = values_.group(cell->group());
      visit(group_of(value), aggregate_of(value), bytes_of(value), cell);
    });
  }
  // Sets the rows of a value in a pane; `total` is its group's when the pane is in the current window, else
  // null.
  Status prepare_restore(uint32_t group, uint16_t aggregate, KeyView value, const PaneRecord& pane);
  void restore(int64_t rows, int64_t* total);

 private:
  static constexpr uint32_t kTailBytes = 5;
  static constexpr uint32_t kTotalWords = 2;  // rows, links

  struct Target {
    uint32_t value = kNone;
    uint32_t pane = kNone;
    Cell* cell = nullptr;
    int64_t change = 0;
  };

  uint32_t group_of(const Group* value) const {
    const KeyView key = values_.key(value);
    uint32_t group = 0;
    std::memcpy(&group, key.data + key.size - kTailBytes, sizeof(group));
    return group;
  }
  uint16_t aggregate_of(const Group* value) const {
    const KeyView key = values_.key(value);
    return std::to_integer<uint16_t>(key.data[key.size - 1]);
  }
  KeyView bytes_of(const Group* value) const {
    const KeyView key = values_.key(value);
    return {key.data, key.size - kTailBytes};
  }
  // Of an extreme: bytes of a key are aligned to 8.
  const int64_t* words_of(uint32_t value) const {
    return reinterpret_cast<const int64_t*>(values_.key(values_.group(value)).data);
  }

  TimedBytes timed_bytes_of(uint32_t value) const;
  bool make_key(uint32_t group, uint16_t aggregate, const TimedBytes& value, bool timed, KeyView* key);
  Status find_one(KeyView key, const PaneRecord& pane, bool add, Target* target);
  uint32_t pane_at(const PaneRecord& pane, bool add);
  void renew(Group* value) const;

  // Links of the tree: numbers of values plus one, 0 where there is none.
  uint32_t left(uint32_t link) const { return static_cast<uint32_t>(links(link)); }
  uint32_t right(uint32_t link) const { return static_cast<uint32_t>(links(link) >> 32); }
  uint64_t& links(uint32_t link) const {
    return reinterpret_cast<uint64_t*>(values_.group(link - 1)->total())[1];
  }
  void set_left(uint32_t link, uint32_t to) { links(link) = (links(link) & ~uint64_t{UINT32_MAX}) | to; }
  void set_right(uint32_t link, uint32_t to) {
    links(link) = (links(link) & UINT32_MAX) | static_cast<uint64_t>(to) << 32;
  }
  bool is_before(uint16_t aggregate, uint32_t a, uint32_t b) const;
  bool is_above(uint32_t a, uint32_t b) const;
  void split(uint16_t aggregate, uint32_t tree, uint32_t at, uint32_t* low, uint32_t* high);
  uint32_t join(uint32_t low, uint32_t high);
  uint32_t insert(uint16_t aggregate, uint32_t tree, uint32_t added);
  uint32_t erase(uint16_t aggregate, uint32_t tree, uint32_t gone);
  void change_tree(uint16_t aggregate, uint32_t value, bool appears, int64_t* total);

  TrendHeader* header_ = nullptr;
  const StateLayout* layout_ = nullptr;
  Hooks hooks_;
  GroupTable values_;
  PaneStore panes_;
  HeapBuffer key_;
  Target targets_[kMaxAggregates];
};

template <typename Counted, typename Visit>
void ValueStore::for_each_in(const Window& window, Counted&& counted, Visit&& visit) const {
  values_.for_each([&](uint32_t id, const Group* value) {
    int64_t rows = 0;
    uint32_t slot = kNone;
    uint32_t number = panes_.newest(value, &slot);
    while (number != kNone && panes_.record(slot).start >= window.start) {
      const Cell* cell = panes_.cell(number);
      if ((counted(panes_.record(slot).start) >> aggregate_of(value) & 1) != 0) rows += cell->state()[0];
      number = panes_.follow(cell, id, &slot);
    }
    if (rows > 0) visit(group_of(value), aggregate_of(value), bytes_of(value));
  });
}

}  // namespace trending
