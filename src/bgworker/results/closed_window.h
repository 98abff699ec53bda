// SPDX-License-Identifier: PostgreSQL
// The result of a closed window, as it was harvested from the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/time/window.h"
#include "engine/trend/trend_writer.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A window's best groups, in rank order, to be written.
struct ClosedWindow {
  struct Row {
    int64_t score;
    uint32_t key_offset;
    uint32_t key_size;
    uint32_t result_offset;  // in words
    uint32_t value_offset;   // the bytes of its rank key, while rows are ranked
    uint32_t value_size;
    int64_t rank;  // once all rows are there
  };
  Window window;
  bool is_final;
  bool keeps_values;  // the engine kept what retracting needs: that decides the results' layout
  std::vector<Row> rows;
  std::vector<std::byte> keys;
  std::vector<int64_t> results;
  std::vector<std::byte> values;

  KeyView key(const Row& row) const { return {keys.data() + row.key_offset, row.key_size}; }
  const int64_t* result(const Row& row) const { return results.data() + row.result_offset; }
  KeyView value(const Row& row) const { return {values.data() + row.value_offset, row.value_size}; }
  size_t bytes() const { return rows.size() * sizeof(Row) + keys.size() + results.size() * sizeof(int64_t); }
};

// Takes the result of a window: the groups that history keeps, ranked. May need catalogs.
void harvest_window(FollowedTrend* trend, const PendingWindow& pending, ClosedWindow* closed);

}  // namespace trending
