// SPDX-License-Identifier: PostgreSQL
// Parts of windows: the times of a window that lie before or after some constant distances from its bounds.
//
// Whether a time is in the part of a window changes only where a bound plus a distance lies, so panes are cut
// there, too (WindowSpec::cuts): a pane is in a part as a whole, or not at all.
#pragma once

#include <cstdint>

#include "engine/time/time.h"

namespace trending {

struct Window;

// Where windows are cut: so far after their start, or (a negative distance) before their end.
struct WindowCut {
  bool from_end = false;
  int64_t distance = 0;  // microseconds

  friend bool operator==(const WindowCut&, const WindowCut&) = default;
};
inline constexpr int kMaxCuts = 16;

// A condition on a time and a window, in postfix notation.
enum class PartOp : uint8_t {
  kTrue,
  kFrom,  // the time is at the cut, or after it
  kNot,
  kAnd,
  kOr,
};
struct PartStep {
  PartOp op = PartOp::kTrue;
  WindowCut cut;

  friend bool operator==(const PartStep&, const PartStep&) = default;
};
inline constexpr int kMaxPartSteps = 24;

struct WindowPart {
  uint8_t count = 0;  // of the steps; 0: the whole window
  PartStep steps[kMaxPartSteps] = {};

  // Whether a time of the window is in its part.
  bool contains(const Window& window, Time t) const;
  // Whether the steps make one condition.
  bool is_valid() const;

  friend bool operator==(const WindowPart&, const WindowPart&) = default;
};

}  // namespace trending
