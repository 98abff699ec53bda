// What a trend is made of, as far as the engine is concerned. Trivially copyable; a copy lies in the shared
// state.
#pragma once

#include <cstdint>

#include "engine/aggregate.h"
#include "engine/window.h"

namespace trending {

struct TrendOptions {
  WindowSpec window;
  uint16_t aggregate_count = 0;  // may be 0: then groups are ranked by their number of rows
  AggregateKind kinds[kMaxAggregates] = {};
  uint16_t rank_by = 0;  // index of an aggregate
  bool descending = true;
  // Whether closed windows are held until mark_reported(). Without history leave it off, or memory is held
  // for windows that nobody asks for.
  bool report_windows = false;
  int64_t watermark_delay = 0;   // microseconds
  int64_t allowed_lateness = 0;  // microseconds
  uint32_t max_groups = 1'000'000;
  uint64_t hash_seed = 0;  // something random
};

// Where the states of these aggregates lie.
constexpr StateLayout make_layout(const TrendOptions& options) {
  StateLayout layout;
  layout.aggregate_count = options.aggregate_count;
  layout.rank_by = options.rank_by;
  layout.descending = options.descending;
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    layout.kinds[i] = options.kinds[i];
    if (state_words(options.kinds[i]) == 0) continue;
    layout.word_of[i] = layout.words;
    layout.words = static_cast<uint16_t>(layout.words + state_words(options.kinds[i]));
  }
  return layout;
}

// Running totals since the trend was created or restored. Every event given to apply() adds to exactly one of
// events, late, out_of_range, unmatched and refused.
struct Counters {
  uint64_t events = 0;        // counted
  uint64_t late = 0;          // belonged to no window that may still change
  uint64_t out_of_range = 0;  // a time whose windows leave the server's range of timestamps
  uint64_t unmatched = 0;     // took back a row that had not been counted
  uint64_t refused = 0;       // would have made a group or a cell beyond max_groups or the memory limit
};

}  // namespace trending
