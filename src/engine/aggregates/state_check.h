// SPDX-License-Identifier: PostgreSQL
// Whether words that come from outside, a stored state or result, may be worked with: no sum of such states
// overflows, nothing refers to where nothing is. Not whether they are right.
#pragma once

#include "engine/aggregates/aggregate.h"

namespace trending {

// Rows of a cell, of a value, inputs of an aggregate: more are never counted in a pane. So sums over all
// panes of a window do not overflow.
inline constexpr int64_t kMostRows = int64_t{1} << 46;

// A cell or a session: what it keeps elsewhere is not looked at, its words for that are made zero.
bool take_state(const StateLayout& layout, int64_t* state);

// A result of so many bytes, as a host may have kept it.
bool is_result(const StateLayout& layout, const int64_t* result, size_t bytes);

}  // namespace trending
