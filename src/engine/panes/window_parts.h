// SPDX-License-Identifier: PostgreSQL
// What of a pane's cells counts in a window: everything, unless some aggregates are over parts of windows.
#pragma once

#include <cstdint>

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/options.h"
#include "engine/time/window.h"

namespace trending {

class WindowParts {
 public:
  WindowParts() = default;
  WindowParts(const TrendOptions* options, const StateLayout& layout)
      : options_(options), in_part_(layout.in_part) {}

  bool any() const { return in_part_ != 0; }

  // Bits of merge() for the pane that begins there; 0 if it is not in the window.
  uint32_t counted(const Window& window, Time pane_start) const {
    if (!window.contains(pane_start)) return 0;
    return in_part_ == 0 ? kEverything : counted_in_parts(window, pane_start);
  }

 private:
  uint32_t counted_in_parts(const Window& window, Time pane_start) const;

  const TrendOptions* options_ = nullptr;
  uint32_t in_part_ = 0;
};

}  // namespace trending
