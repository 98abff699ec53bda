// SPDX-License-Identifier: PostgreSQL
#include "engine/panes/window_parts.h"

namespace trending {

// Equal parts have one number, which is that of an earlier aggregate or its own.
uint32_t WindowParts::counted_in_parts(const Window& window, Time pane_start) const {
  uint32_t counted = ~in_part_;
  uint32_t holding = 0;
  for (uint16_t i = 0; i < options_->aggregate_count; i++) {
    const uint16_t part = options_->aggregates[i].part;
    if (part == 0) continue;
    if (part == i + 1 && options_->parts[i].contains(window, pane_start)) holding |= uint32_t{1} << i;
    if ((holding >> (part - 1) & 1) != 0) counted |= uint32_t{1} << i;
  }
  return counted;
}

}  // namespace trending
