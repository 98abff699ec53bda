#include "bgworker/shown_ranks.h"

#include <algorithm>

#include "bgworker/worker.h"
#include "definition/history_rows.h"
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
  trend->ranks_of = window;
  trend->has_ranks = true;
}

// Whether a window that closed later than this one had no data, or its result is not taken yet.
bool is_outdated(const FollowedTrend* trend, const Window& window) {
  return trend->writer.windows().next_window(window).end <= trend->writer.watermark();
}

}  // namespace

void ranks_withdraw(FollowedTrend* trend) {
  if (trend->has_ranks) previous_ranks_publish(trend->shared, &trend->blocks, nullptr);
  trend->has_ranks = false;
}

void ranks_show_taken(FollowedTrend* trend) {
  if (trend->writer.has_sessions()) return;  // which have no window before that all of them share
  const ClosedWindow* last = nullptr;
  for (const ClosedWindow& closed : trend->closed) {
    if (last == nullptr || closes_before(last->window, closed.window)) last = &closed;
  }
  if (last == nullptr || is_outdated(trend, last->window)) return;
  if (trend->has_ranks && closes_before(last->window, trend->ranks_of)) return;
  uint64 count = Min(last->rows.size(), size_t{kMaxPreviousRanks});
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

void ranks_show_stored(FollowedTrend* trend, const char* table) {
  const Definition& definition = *trend->definition;
  Window last;
  if (!history_has_keys(definition) || !history_last_window(definition, table, nullptr, &last)) return;
  HistoryRows rows = history_read(definition, table, last, kMaxPreviousRanks);
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (rows.count + 1)));
  for (uint64 i = 0; i < rows.count; i++) keys[i] = {rows.rows[i].key, rows.rows[i].rank};
  show_ranks(trend, last, keys, rows.count);
}

void ranks_poll(FollowedTrend* trend) {
  if (trend->has_ranks && is_outdated(trend, trend->ranks_of)) ranks_withdraw(trend);
}

}  // namespace trending
