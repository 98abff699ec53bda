// SPDX-License-Identifier: PostgreSQL
// What hosts are shown of a trend's stores.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aggregates/key.h"
#include "engine/time/window.h"

namespace trending {

// A cell as a checkpoint stores it. What the key and the state mean is the engine's business; a trend has
// several stores of cells, whose keys are independent.
struct CellView {
  KeyView key;
  uint8_t store = 0;
  const std::byte* state = nullptr;
  uint32_t state_size = 0;
};

struct PaneView {
  Pane span;
  uint64_t cells = 0;
  uint64_t dirty_cells = 0;  // changed since mark_clean()
};

// A closed window whose result is to be written.
struct PendingWindow {
  Window window;
  bool is_final = false;  // no event can change it any more
};

}  // namespace trending
