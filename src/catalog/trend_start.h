// SPDX-License-Identifier: PostgreSQL
// What is kept in trending.trend_start: which rows of its source came after a trend was created, and how far
// back its history is complete.
#pragma once

#include "postgres/server.h"

namespace trending {

// The transactions that have not committed yet, as trend_start.later holds them (bigint[]): the first one
// that has not begun, then those that run, subtransactions included, in ascending order. Rows written by any
// of them came after this moment.
Datum later_transactions();

}  // namespace trending
