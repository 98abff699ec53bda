// SPDX-License-Identifier: PostgreSQL
// The engine state of a trend: its options, what the engine asks of us, and making one.
#pragma once

#include "definition/definition.h"
#include "engine/trend/trend_writer.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Where hooks of the engine put what they give it, and why they could not: FollowedTrend::buffers.
struct HookBuffers {
  StringInfoData partition = {};  // of a key
  StringInfoData combined = {};   // a state
  char error[256] = "";           // why the last one could not be made, or what of a group failed

  // In CurrentMemoryContext.
  void make() {
    initStringInfo(&partition);
    initStringInfo(&combined);
  }
};

// So many expressions of groups failed, as evaluation_failure says of the last one: counts them. The reason is
// shown when the lock has been released (trend_report_failed).
void trend_groups_failed(FollowedTrend* trend, uint64 count);
void trend_report_failed(FollowedTrend* trend);

// The rank key of a group, valid until the next call; counts what fails.
RankKey trend_rank_key(FollowedTrend* trend, KeyView key, const int64_t* result, const Window& window);

// The options of a trend's engine state, those that the engine follows while it runs, and the layout of
// results: of today, or that which the trend had with another replica identity.
TrendOptions trend_options(const FollowedTrend* trend);
TrendOptions engine_options(const Definition& definition, bool keeps_values);
TrendTuning tuning_of(const Definition& definition);
StateLayout trend_layout(const FollowedTrend* trend, bool keeps_values);

// Hooks::crossed, whose context is the FollowedTrend.
using CrossedHook = void (*)(void* trend, KeyView key, const int64_t* result, const Window& window);

// Such a state in an arena of its own, which reports no crossings yet. On failure there is none.
Status trend_make_state(FollowedTrend* trend, const TrendOptions& options, CrossedHook crossed);

}  // namespace trending
