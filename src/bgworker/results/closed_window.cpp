// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/closed_window.h"

#include <algorithm>

#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "definition/partition_by.h"

namespace trending {

namespace {

// Order of rank: the better score first, ties by the definition's tie-breaks; before that by partition.
struct RankOrder {
  const ClosedWindow* closed;
  const Definition* definition;
  const StateLayout* layout;

  KeyBytes key(const ClosedWindow::Row& row) const {
    return KeyBytes{closed->keys.data() + row.key_offset, row.key_size};
  }
  int compare_partitions(const ClosedWindow::Row& a, const ClosedWindow::Row& b) const {
    return is_partitioned(*definition) ? partition_compare(*definition, key(a), key(b)) : 0;
  }
  int compare_values(const ClosedWindow::Row& a, const ClosedWindow::Row& b) const {
    if (layout->score_decides) return 0;
    if (definition->ranks_by_keys) return rank_key_compare(*definition, closed->value(a), closed->value(b));
    return compare_rank(*layout, closed->result(a), closed->result(b));
  }
  bool operator()(const ClosedWindow::Row& a, const ClosedWindow::Row& b) const {
    const int partitions = compare_partitions(a, b);
    if (partitions != 0) return partitions < 0;
    if (a.score != b.score) return a.score > b.score;
    const int order = compare_values(a, b);
    if (order != 0) return order < 0;
    return key_compare(definition->keys, key(a), key(b)) < 0;
  }
};

// Brings the rows into their order and gives them their ranks.
void rank_rows(ClosedWindow* closed, const RankOrder& order) {
  std::sort(closed->rows.begin(), closed->rows.end(), order);
  for (size_t i = 0; i < closed->rows.size(); i++) {
    bool begins = i == 0 || order.compare_partitions(closed->rows[i - 1], closed->rows[i]) != 0;
    closed->rows[i].rank = begins ? 1 : closed->rows[i - 1].rank + 1;
  }
}

// The best `limit` rows, of every partition.
void cut_rows(ClosedWindow* closed, const RankOrder& order, size_t limit) {
  if (is_partitioned(*order.definition)) {
    rank_rows(closed, order);
    std::erase_if(closed->rows,
                  [limit](const ClosedWindow::Row& row) { return static_cast<size_t>(row.rank) > limit; });
  } else if (closed->rows.size() > limit) {
    std::nth_element(closed->rows.begin(), closed->rows.begin() + static_cast<ptrdiff_t>(limit),
                     closed->rows.end(), order);
    closed->rows.resize(limit);
  }
}

// Keeps the best rows and drops the keys and results of the others.
void keep_best(ClosedWindow* closed, const RankOrder& order, size_t limit) {
  const StateLayout& layout = *order.layout;
  cut_rows(closed, order, limit);
  std::vector<std::byte> keys;
  std::vector<int64_t> results;
  std::vector<std::byte> values;
  for (ClosedWindow::Row& row : closed->rows) {
    auto key = closed->keys.begin() + row.key_offset;
    const int64_t* result = closed->result(row);
    auto value = closed->values.begin() + row.value_offset;
    row.key_offset = static_cast<uint32_t>(keys.size());
    row.result_offset = static_cast<uint32_t>(results.size());
    row.value_offset = static_cast<uint32_t>(values.size());
    values.insert(values.end(), value, value + row.value_size);
    keys.insert(keys.end(), key, key + row.key_size);
    results.insert(results.end(), result, result + result_bytes(layout, result) / sizeof(int64_t));
  }
  closed->keys.swap(keys);
  closed->results.swap(results);
  closed->values.swap(values);
}

void add_row(FollowedTrend* trend, KeyView key, const int64_t* result, ClosedWindow* closed) {
  const StateLayout& layout = trend->writer.layout();
  const RankKey rank = trend->definition->ranks_by_keys ? trend_rank_key(trend, key, result, closed->window)
                                                        : RankKey{rank_score(layout, result), {}};
  closed->rows.push_back({rank.score, static_cast<uint32_t>(closed->keys.size()), key.size,
                          static_cast<uint32_t>(closed->results.size()),
                          static_cast<uint32_t>(closed->values.size()), rank.bytes.size, 0});
  closed->values.insert(closed->values.end(), rank.bytes.data, rank.bytes.data + rank.bytes.size);
  closed->keys.insert(closed->keys.end(), key.data, key.data + key.size);
  closed->results.insert(closed->results.end(), result,
                         result + result_bytes(layout, result) / sizeof(int64_t));
}

}  // namespace

void harvest_window(FollowedTrend* trend, const PendingWindow& pending, ClosedWindow* closed) {
  const Definition* definition = trend->definition;
  const StateLayout& layout = trend->writer.layout();
  const int64 configured = definition->options.history_limit;
  const size_t limit =
      configured < 0 || configured > INT64_MAX / 8 ? SIZE_MAX : static_cast<size_t>(configured);
  closed->window = pending.window;
  closed->is_final = pending.is_final;
  closed->keeps_values = trend->keeps_values;
  const RankOrder order{closed, definition, &layout};
  size_t prune_at = limit == SIZE_MAX ? SIZE_MAX : 4 * limit + 4096;
  Status status =
      trend->writer.for_each_group_in_window(pending.window, [&](KeyView key, const int64_t* result) {
        add_row(trend, key, result, closed);
        // Pruned now and then, so that a window of a million groups does not pile up for its best hundred.
        if (closed->rows.size() < prune_at) return;
        keep_best(closed, order, limit);
        prune_at = 2 * closed->rows.size() + 2 * limit + 4096;
      });
  if (status != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for the result of a window")));
  }
  if (limit != SIZE_MAX) keep_best(closed, order, limit);
  rank_rows(closed, order);
  std::vector<std::byte>().swap(closed->values);
}

}  // namespace trending
