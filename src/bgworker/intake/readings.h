// Which trends read a source's rows alike: to them a row is the same event, or refused for the same reason.
//
// Such trends differ in their windows, or how they rank, or what they keep. Their rows are read once and
// gathered once, in one slot of the batch; what a reading's number is there is its index among the readings.
#pragma once

#include <cstdint>
#include <vector>

#include "bgworker/trend/followed_trend.h"

namespace trending {

struct Reading {
  std::vector<FollowedTrend*> trends;  // at least one
};

// All trends whose definition is loaded, each in one reading. Found anew after readings_forget(); then the
// batch must be empty, for its slots are given out anew, too.
const std::vector<Reading>& readings();

// A trend came or went, or its definition, options or windows changed. Between transactions only. Followers
// of tables are found anew, too.
void readings_forget();

}  // namespace trending
