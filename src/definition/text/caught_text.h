// SPDX-License-Identifier: PostgreSQL
// In a trend an expression that fails for a group is NULL there, and a condition that fails does not hold. So
// it is in a query that compares with the trend: what it computes of a group is computed by a function of
// ours, trending_internal.caught(), which is told what by a number.
//
// The expressions that the numbers mean belong to this process, and go with the memory context that was current
// when the first of them was made. Outside of that the function is an error.
#pragma once

#include "postgres/server.h"

namespace trending {

// Puts calls of that function in the place of what the query of a definition, as the analyser left it, computes of
// a group. Drops its ORDER BY.
void catch_failures(Query* query);

}  // namespace trending
