// SPDX-License-Identifier: PostgreSQL
#include "engine/time/window_part.h"

#include "engine/time/window.h"

namespace trending {

static_assert(kMaxPartSteps <= 32, "the stack is a word");

bool WindowPart::contains(const Window& window, Time t) const {
  if (count == 0) return true;
  uint32_t stack = 0;  // the top is bit 0
  for (int i = 0; i < count; i++) {
    const auto& [op, cut] = steps[i];
    switch (op) {
      case PartOp::kTrue:
        stack = stack << 1 | 1;
        break;
      case PartOp::kFrom:
        stack = stack << 1 | (t >= (cut.from_end ? window.end : window.start) + cut.distance ? 1 : 0);
        break;
      case PartOp::kNot:
        stack ^= 1;
        break;
      case PartOp::kAnd:
        stack = stack >> 1 & (stack | ~uint32_t{1});
        break;
      case PartOp::kOr:
        stack = stack >> 1 | (stack & 1);
        break;
    }
  }
  return (stack & 1) != 0;
}

bool WindowPart::is_valid() const {
  if (count > kMaxPartSteps) return false;
  int depth = 0;
  for (int i = 0; i < count; i++) {
    const PartOp op = steps[i].op;
    if (op > PartOp::kOr) return false;
    if (op == PartOp::kTrue || op == PartOp::kFrom) {
      depth++;
    } else if (depth < (op == PartOp::kNot ? 1 : 2)) {
      return false;
    } else if (op != PartOp::kNot) {
      depth--;
    }
  }
  return count == 0 || depth == 1;
}

}  // namespace trending
