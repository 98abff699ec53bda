// SPDX-License-Identifier: PostgreSQL
// Changing the state of a trend that readers read.
#pragma once

#include "bgworker/trend/followed_trend.h"
#include "shmem/area.h"

namespace trending {

// Calls change(writer) under the trend's lock. It says whether readers can see the difference; they are told
// that there is a new version then.
template <typename Change>
void change_trend(FollowedTrend* trend, Change&& change) {
  TrendShared* shared = trend->shared;
  hold_trend(shared);
  const bool shows = change(&trend->writer);
  if (shows) pg_atomic_write_u64(&shared->version, pg_atomic_read_u64(&shared->version) + 1);
  release_trend(shared);
}

}  // namespace trending
