// SPDX-License-Identifier: PostgreSQL
// Which trends read a source's rows alike: to them a row is the same event, or refused for the same reason.
//
// Such trends differ in their windows, or how they rank, or what they keep. Their rows are read once and
// gathered once, in one slot of the batch; the number of a shared reader is its slot there.
#pragma once

#include <cstdint>
#include <vector>

#include "bgworker/trend/followed_trend.h"

namespace trending {

struct SharedReader {
  std::vector<FollowedTrend*> trends;  // at least one
};

// All trends whose definition is loaded, each in one shared reader. Found again after
// shared_readers_forget(); then the batch must be empty, for its slots are given out again, too.
const std::vector<SharedReader>& shared_readers();

// A trend came or went, or its definition, options or windows changed. Between transactions only. Followers
// of tables are found again, too.
void shared_readers_forget();

}  // namespace trending
