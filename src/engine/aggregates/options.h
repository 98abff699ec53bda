// SPDX-License-Identifier: PostgreSQL
// What a trend is made of, as far as the engine is concerned. Trivially copyable; a copy lies in the shared
// state.
#pragma once

#include <cstdint>

#include "engine/aggregates/aggregate.h"
#include "engine/time/window.h"

namespace trending {

struct TrendOptions {
  WindowSpec window;
  uint16_t aggregate_count = 0;  // may be 0: then groups are ranked by their number of rows
  AggregateSpec aggregates[kMaxAggregates] = {};
  WindowPart parts[kMaxAggregates] = {};  // window.cuts has all of their cuts
  // By which groups are ranked, before their keys: at least one term. Without aggregates it means nothing.
  uint16_t rank_count = 1;
  RankTerm rank[kMaxRankTerms] = {};
  bool ranks_by_host = false;       // by Hooks::rank instead, of which these say what it may come to:
  bool host_score_decides = false;  // equal scores are equal ranks, there are no bytes
  bool host_rank_moves = false;     // it depends on the window, too, not on key and result alone
  // Rows may be retracted: min, max, first and last then keep every value instead of the one that counts.
  bool keeps_values = false;
  bool partitioned = false;    // ranks are kept within partitions (Hooks::partition_of)
  bool has_condition = false;  // HAVING: only groups for which Hooks::condition holds are ranked
  // Whether closed windows are held until mark_reported(). Without history leave it off, or memory is held
  // for windows that nobody asks for.
  bool report_windows = false;
  int64_t watermark_delay = 0;   // microseconds
  int64_t allowed_lateness = 0;  // microseconds
  uint32_t max_groups = 1'000'000;
  uint32_t max_values = 16'000'000;  // different values kept for all groups together, see value_store.h
  uint64_t hash_seed = 0;            // something random
};

// What alter() may change of them.
struct TrendTuning {
  int64_t watermark_delay = 0;
  int64_t allowed_lateness = 0;
  uint32_t max_groups = 1;
  bool report_windows = false;
};

// Where the states of these aggregates lie.
StateLayout make_layout(const TrendOptions& options);

// Whether groups that changed are looked at by the host at the end of a change, before they are ranked.
constexpr bool asks_host(const TrendOptions& options) {
  return options.has_condition || options.ranks_by_host;
}

// Words that a group has behind its total: GroupExtra, StoredRank.
constexpr uint32_t extra_words(const TrendOptions& options) {
  if (options.ranks_by_host) return 2 + 3;
  return options.partitioned || options.has_condition ? 2 : 0;
}

// Running totals since the trend was created or restored. Every event given to apply() adds to exactly one of
// events, late, out_of_range, unmatched and refused, but for retracted rows of final windows, which is how
// old rows go and adds to none.
struct Counters {
  uint64_t events = 0;        // counted
  uint64_t retracted = 0;     // of them those that took a row back; not stored
  uint64_t late = 0;          // belonged to no window that may still change
  uint64_t out_of_range = 0;  // a time whose windows leave the server's range of timestamps
  uint64_t unmatched = 0;     // retracted a row where its group had none in the pane, nor got one with it
  uint64_t refused = 0;       // would have made a group or a cell beyond max_groups or the memory limit
  // Not events: sketches of totals that lack something since memory was short when their window began. They
  // are whole again in the next one.
  uint64_t incomplete = 0;
};

}  // namespace trending
