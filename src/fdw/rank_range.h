// SPDX-License-Identifier: PostgreSQL
// The ranks that conditions on the column rank leave: numbers in the scan, estimates in the planner.
#pragma once

#include <algorithm>

#include "postgres/server.h"

namespace trending {

template <typename Number>
struct RankRange {
  Number first;
  Number last;

  // By a condition: rank <strategy> value. `before` and `after` are the value's neighbours.
  void narrow(StrategyNumber strategy, Number before, Number value, Number after) {
    switch (strategy) {
      case BTLessStrategyNumber:
        last = std::min(last, before);
        break;
      case BTLessEqualStrategyNumber:
        last = std::min(last, value);
        break;
      case BTEqualStrategyNumber:
        first = std::max(first, value);
        last = std::min(last, value);
        break;
      case BTGreaterEqualStrategyNumber:
        first = std::max(first, value);
        break;
      default:
        first = std::max(first, after);
        break;
    }
  }
};

}  // namespace trending
