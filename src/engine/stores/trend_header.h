// SPDX-License-Identifier: PostgreSQL
// What a trend's shared state says of the whole trend: its options, its clocks, its counters. trend_state.h
// in trend/ has the locks.
#pragma once

#include <cstdint>

#include "engine/aggregates/options.h"
#include "engine/time/window.h"

namespace trending {

inline constexpr uint64_t kTrendMagic = 0x31'44'4e'45'52'54'00'05;  // layout version 5

struct TrendHeader {
  uint64_t magic = kTrendMagic;
  TrendOptions options;
  StateLayout layout;
  Time clock = kNoTime;
  Time watermark = kNoTime;
  Window window;
  Time final_until = kNoTime;    // windows that end up to here are final; never goes back, nor does watermark
  Time late_before = INT64_MIN;  // events of panes that start before this are late
  Time next_horizon = INT64_MIN;  // late_before stays while final_until is below this
  Time kept_from = INT64_MIN;     // panes that start before this are gone or being freed; at most late_before
  Time reported_end = kNoTime;    // closed windows that end up to here were reported
  uint32_t corrected_panes = 0;   // panes with corrected_after set
  bool final_pending = false;     // a final window waits to be reported
  uint32_t epoch = 1;
  uint64_t version = 0;
  Counters counters;
};

}  // namespace trending
