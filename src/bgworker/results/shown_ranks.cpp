// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/shown_ranks.h"

#include <algorithm>

#include "bgworker/results/history.h"
#include "bgworker/trend/followed_trend.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "shmem/previous_ranks.h"

namespace trending {

namespace {

bool closes_before(const Window& a, const Window& b) {
  return a.end != b.end ? a.end < b.end : a.start < b.start;
}

void show_ranks(FollowedTrend* trend, const Window& window, const RankedKey* keys, uint64 count) {
  PreviousRanks* ranks = previous_ranks_make(keys, count);
  previous_ranks_publish(trend->shared, &trend->blocks, ranks);
  pfree(ranks);
  trend->ranks->of = window;
  trend->ranks->shown = true;
}

// Whether a window that closed later than this one had no data, or its result is not harvested yet.
bool is_outdated(const FollowedTrend* trend, const Window& window) {
  return trend->writer.windows().next_window(window).end <= trend->writer.watermark();
}

}  // namespace

void ranks_withdraw(FollowedTrend* trend) {
  if (trend->ranks->shown) previous_ranks_publish(trend->shared, &trend->blocks, nullptr);
  trend->ranks->shown = false;
}

void ranks_show_harvested(FollowedTrend* trend) {
  if (trend->writer.has_sessions()) return;  // which have no window before that all of them share
  const ClosedWindow* last = nullptr;
  for (const ClosedWindow& closed : trend->history->windows.items) {
    if (last == nullptr || closes_before(last->window, closed.window)) last = &closed;
  }
  if (last == nullptr || is_outdated(trend, last->window)) return;
  if (trend->ranks->shown && closes_before(last->window, trend->ranks->of)) return;
  uint64 count = std::min(last->rows.size(), size_t{kMaxPreviousRanks});
  // The best of all partitions before the second of any.
  auto* rows = static_cast<const ClosedWindow::Row**>(
      palloc_extended(sizeof(void*) * (last->rows.size() + 1), MCXT_ALLOC_HUGE));
  for (size_t i = 0; i < last->rows.size(); i++) rows[i] = &last->rows[i];
  std::sort(rows, rows + last->rows.size(), [](auto* a, auto* b) { return a->rank < b->rank; });
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (count + 1)));
  for (uint64 i = 0; i < count; i++) {
    keys[i] = {last->key(*rows[i]), rows[i]->rank};
  }
  show_ranks(trend, last->window, keys, count);
  pfree(rows);
  pfree(keys);
}

namespace {

// Rows of a window as they are met.
struct FoundRanks {
  RankedKey* keys;
  uint64 count;
  uint64 room;

  void add(const RankedKey& key) {
    if (count == room) {
      room *= 2;
      keys = static_cast<RankedKey*>(repalloc_huge(keys, sizeof(RankedKey) * room));
    }
    keys[count++] = key;
  }
};

// The key of a row; false when it cannot be one of the trend's (somebody edited the table).
bool key_of_row(const Definition& definition, const OwnedTable* table, TupleTableSlot* row, StringInfo buffer,
                KeyBytes* key) {
  Datum keys[kMaxKeyColumns];
  bool nulls[kMaxKeyColumns];
  for (int i = 0; i < definition.keys.count; i++) {
    keys[i] = owned_value(table, row, history_key_column(definition, i), &nulls[i]);
  }
  if (!key_encode(definition.keys, keys, nulls, buffer)) return false;
  auto* bytes = static_cast<std::byte*>(palloc(buffer->len + 1));
  memcpy(bytes, buffer->data, buffer->len);
  *key = KeyBytes{bytes, static_cast<uint32_t>(buffer->len)};
  return true;
}

FoundRanks find_ranks(const Definition& definition, OwnedTable* table, const Window& window) {
  FoundRanks found = {static_cast<RankedKey*>(palloc(sizeof(RankedKey) * kMaxPreviousRanks)), 0,
                      kMaxPreviousRanks};
  StringInfoData buffer;
  initStringInfo(&buffer);
  const int rank_column = own_columns_at(*table->shape, kHistoryOwnColumns) - 1;
  owned_scan(table, kHistoryEnd, window.end, window.end, false, [&](TupleTableSlot* row) {
    bool no_start = false;
    bool no_rank = false;
    const Time start = DatumGetInt64(owned_value(table, row, kHistoryStart, &no_start));
    const int64 rank = DatumGetInt64(owned_value(table, row, rank_column, &no_rank));
    KeyBytes key = {};
    if (!no_start && !no_rank && start == window.start && rank <= kMaxPreviousRanks &&
        key_of_row(definition, table, row, &buffer, &key)) {
      found.add({key, rank});
    }
    return true;
  });
  std::sort(found.keys, found.keys + found.count,
            [](const RankedKey& a, const RankedKey& b) { return a.rank < b.rank; });
  found.count = std::min(found.count, uint64{kMaxPreviousRanks});
  return found;
}

}  // namespace

void ranks_show_stored(FollowedTrend* trend, OwnedTable* table) {
  const Definition& definition = *trend->definition;
  Window last;
  if (!history_has_keys(definition) || !last_window(table, &last)) return;
  const FoundRanks found = find_ranks(definition, table, last);
  show_ranks(trend, last, found.keys, found.count);
}

void ranks_poll(FollowedTrend* trend) {
  if (trend->ranks->shown && is_outdated(trend, trend->ranks->of)) ranks_withdraw(trend);
}

}  // namespace trending
