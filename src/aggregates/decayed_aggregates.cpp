// SPDX-License-Identifier: PostgreSQL
// trending.decayed_count(at, half_life) and trending.decayed_sum(x, at, half_life) as ordinary aggregates:
// rows weigh 1 (or x) when they are new and half as much with every half-life that has passed since, as of
// now().
//
// The arithmetic is the engine's, so a trend says the same.
#include "aggregates/transition.h"
#include "engine/aggregates/decayed.h"
#include "postgres/guard.h"
#include "values/window_args.h"

namespace trending {

namespace {

struct DecayState {
  int64 half_life;
  DecayedSum sum;
};

int64 half_life_argument(FunctionCallInfo fcinfo, int position) {
  int64 span =
      interval_to_span(PG_ARGISNULL(position) ? nullptr : PG_GETARG_INTERVAL_P(position), "half_life");
  if (span <= 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("half_life must be greater than zero")));
  }
  return span;
}

void check_same_half_life(int64 left, int64 right) {
  if (left == right) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("half_life must be the same for all rows")));
}

// A row without a (finite) time or without x does not count.
Datum step(FunctionCallInfo fcinfo, bool counts, int first_argument) {
  auto* state = state_argument<DecayState>(fcinfo, 0);
  int64 half_life = half_life_argument(fcinfo, first_argument + 1);
  if (state != nullptr) check_same_half_life(state->half_life, half_life);
  if (PG_ARGISNULL(first_argument) || (!counts && PG_ARGISNULL(1))) return state_result(fcinfo, state);
  TimestampTz at = PG_GETARG_TIMESTAMPTZ(first_argument);
  if (TIMESTAMP_NOT_FINITE(at)) return state_result(fcinfo, state);
  if (state == nullptr) {
    state = static_cast<DecayState*>(MemoryContextAllocZero(aggregate_memory(fcinfo), sizeof(DecayState)));
    state->half_life = half_life;
  }
  state->sum.add(at, counts ? 1.0 : PG_GETARG_FLOAT8(1), 1, half_life);
  PG_RETURN_POINTER(state);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = state_argument<DecayState>(fcinfo, 0);
  auto* right = state_argument<DecayState>(fcinfo, 1);
  if (right == nullptr) return state_result(fcinfo, left);
  if (left == nullptr) {
    left = static_cast<DecayState*>(MemoryContextAlloc(aggregate_memory(fcinfo), sizeof(DecayState)));
    *left = *right;
    PG_RETURN_POINTER(left);
  }
  check_same_half_life(left->half_life, right->half_life);
  left->sum.add(right->sum);
  PG_RETURN_POINTER(left);
}

double present_value(const DecayState& state) {
  return decayed_value(state.sum.sum.sum, state.sum.landmark, state.half_life,
                       GetCurrentTransactionStartTimestamp());
}

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(decayed_count_step) {
  return trending::step(fcinfo, true, 1);
}

TRENDING_PURE_FUNCTION(decayed_sum_step) {
  return trending::step(fcinfo, false, 2);
}

TRENDING_PURE_FUNCTION(decayed_combine) {
  return trending::combine(fcinfo);
}

TRENDING_PURE_FUNCTION(decayed_serialize) {
  trending::aggregate_memory(fcinfo);
  constexpr Size size = VARHDRSZ + sizeof(trending::DecayState);
  auto* bytes = static_cast<bytea*>(palloc(size));
  SET_VARSIZE(bytes, size);
  memcpy(VARDATA(bytes), PG_GETARG_POINTER(0), sizeof(trending::DecayState));
  PG_RETURN_BYTEA_P(bytes);
}

TRENDING_PURE_FUNCTION(decayed_deserialize) {
  trending::aggregate_memory(fcinfo);
  bytea* bytes = PG_GETARG_BYTEA_PP(0);
  auto* state = static_cast<trending::DecayState*>(palloc(sizeof(trending::DecayState)));
  memcpy(state, VARDATA_ANY(bytes), sizeof(trending::DecayState));
  PG_RETURN_POINTER(state);
}

TRENDING_PURE_FUNCTION(decayed_count_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_FLOAT8(0);
  const auto& state = *reinterpret_cast<const trending::DecayState*>(PG_GETARG_POINTER(0));
  PG_RETURN_FLOAT8(trending::present_value(state));
}

TRENDING_PURE_FUNCTION(decayed_sum_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const auto& state = *reinterpret_cast<const trending::DecayState*>(PG_GETARG_POINTER(0));
  PG_RETURN_FLOAT8(trending::present_value(state));
}
