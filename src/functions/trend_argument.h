// SPDX-License-Identifier: PostgreSQL
// Which trend a reading function means, and whether the caller may read it.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The trend that `relation` serves. Locks it ACCESS SHARE, as a query would; raises an error if it is not a
// trend or the caller lacks SELECT on it.
const Definition* readable_trend(Oid relation);

// The trend read without an argument: the one that trending.default_trend names, else the oldest.
Oid default_trend();

// An interval argument as a duration in microseconds: not negative; a month has 30 days.
int64 duration_argument(const Interval* interval);

}  // namespace trending
