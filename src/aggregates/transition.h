// SPDX-License-Identifier: PostgreSQL
// What the transition functions of our aggregates share.
#pragma once

#include "postgres/server.h"

namespace trending {

// Where a transition state lives. An error outside of an aggregate: an internal pointer could come from
// anywhere.
inline MemoryContext aggregate_memory(FunctionCallInfo fcinfo) {
  MemoryContext memory = nullptr;
  if (AggCheckCallContext(fcinfo, &memory) == 0) elog(ERROR, "called outside of an aggregate");
  return memory;
}

// Argument `position` as a state; NULL for SQL's NULL.
template <typename State>
State* state_argument(FunctionCallInfo fcinfo, int position) {
  return PG_ARGISNULL(position) ? nullptr : reinterpret_cast<State*>(PG_GETARG_POINTER(position));
}

// A state, or NULL, as a function's result.
template <typename State>
Datum state_result(FunctionCallInfo fcinfo, State* state) {
  if (state == nullptr) PG_RETURN_NULL();
  PG_RETURN_POINTER(state);
}

}  // namespace trending
