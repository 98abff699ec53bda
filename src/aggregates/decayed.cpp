// trending.decayed_count(at, half_life) and trending.decayed_sum(x, at, half_life) as ordinary aggregates:
// rows weigh 1 (or x) when they are new and half as much with every half-life that has passed since, as of
// now().
//
// Forward decay (Cormode et al., ICDE 2009): a row is added with the weight it has relative to a landmark
// that does not depend on when the result is asked for. The landmark lies on a multiple of the half-life, so
// that moving it divides by a power of two, which is exact.
#include <cmath>

#include "definition/window_args.h"
#include "postgres/guard.h"

namespace trending {

namespace {

struct DecayState {
  int64 half_life;
  int64 landmark;  // in half-lives since 2000-01-01
  double sum;      // of the weights relative to the landmark; `rest` is what its rounding lost
  double rest;
};

MemoryContext aggregate_memory(FunctionCallInfo fcinfo) {
  MemoryContext memory = nullptr;
  if (AggCheckCallContext(fcinfo, &memory) == 0) elog(ERROR, "called outside of an aggregate");
  return memory;
}

int64 floor_divide(int64 a, int64 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

double power_of_half(int64 exponent) {
  return std::ldexp(1.0, static_cast<int>(-Min(exponent, int64{2000})));
}

void move_landmark(DecayState* state, int64 landmark) {
  double factor = power_of_half(landmark - state->landmark);
  state->sum *= factor;
  state->rest *= factor;
  state->landmark = landmark;
}

// Knuth's two-sum: sum + rest stays exact to about twice a double's precision.
void add(DecayState* state, double value) {
  double total = state->sum + value;
  if (!std::isfinite(total)) {
    state->sum = total;
    state->rest = 0;
    return;
  }
  double part = total - state->sum;
  state->rest += (state->sum - (total - part)) + (value - part);
  state->sum = total;
}

void add_row(DecayState* state, TimestampTz at, double x) {
  int64 landmark = floor_divide(at, state->half_life);
  if (landmark > state->landmark) move_landmark(state, landmark);
  double age = static_cast<double>(at - landmark * state->half_life) / static_cast<double>(state->half_life);
  add(state, x * std::exp2(age) * power_of_half(state->landmark - landmark));
}

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

Datum unchanged(const DecayState* state, FunctionCallInfo fcinfo) {
  if (state == nullptr) PG_RETURN_NULL();
  PG_RETURN_POINTER(state);
}

// A row without a (finite) time or without x does not count.
Datum step(FunctionCallInfo fcinfo, bool counts, int first_argument) {
  auto* state = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<DecayState*>(PG_GETARG_POINTER(0));
  int64 half_life = half_life_argument(fcinfo, first_argument + 1);
  if (state != nullptr) check_same_half_life(state->half_life, half_life);
  if (PG_ARGISNULL(first_argument) || (!counts && PG_ARGISNULL(1))) return unchanged(state, fcinfo);
  TimestampTz at = PG_GETARG_TIMESTAMPTZ(first_argument);
  if (TIMESTAMP_NOT_FINITE(at)) return unchanged(state, fcinfo);
  if (state == nullptr) {
    state = static_cast<DecayState*>(MemoryContextAllocZero(aggregate_memory(fcinfo), sizeof(DecayState)));
    state->half_life = half_life;
    state->landmark = floor_divide(at, half_life);
  }
  add_row(state, at, counts ? 1.0 : PG_GETARG_FLOAT8(1));
  PG_RETURN_POINTER(state);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = PG_ARGISNULL(0) ? nullptr : reinterpret_cast<DecayState*>(PG_GETARG_POINTER(0));
  auto* right = PG_ARGISNULL(1) ? nullptr : reinterpret_cast<DecayState*>(PG_GETARG_POINTER(1));
  if (right == nullptr) return unchanged(left, fcinfo);
  if (left == nullptr) {
    left = static_cast<DecayState*>(MemoryContextAlloc(aggregate_memory(fcinfo), sizeof(DecayState)));
    *left = *right;
    PG_RETURN_POINTER(left);
  }
  check_same_half_life(left->half_life, right->half_life);
  DecayState other = *right;
  if (other.landmark > left->landmark) move_landmark(left, other.landmark);
  if (left->landmark > other.landmark) move_landmark(&other, left->landmark);
  add(left, other.sum);
  add(left, other.rest);
  PG_RETURN_POINTER(left);
}

double present_value(const DecayState& state, TimestampTz now) {
  int64 half_lives = floor_divide(now, state.half_life);
  double age = static_cast<double>(now - half_lives * state.half_life) / static_cast<double>(state.half_life);
  int64 whole = Max(Min(half_lives - state.landmark, int64{5000}), int64{-5000});
  return std::ldexp((state.sum + state.rest) * std::exp2(-age), static_cast<int>(-whole));
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(decayed_count_step) {
  return trending::step(fcinfo, true, 1);
}

TRENDING_FUNCTION(decayed_sum_step) {
  return trending::step(fcinfo, false, 2);
}

TRENDING_FUNCTION(decayed_combine) {
  return trending::combine(fcinfo);
}

TRENDING_FUNCTION(decayed_serialize) {
  trending::aggregate_memory(fcinfo);
  constexpr Size size = VARHDRSZ + sizeof(trending::DecayState);
  auto* bytes = static_cast<bytea*>(palloc(size));
  SET_VARSIZE(bytes, size);
  memcpy(VARDATA(bytes), PG_GETARG_POINTER(0), sizeof(trending::DecayState));
  PG_RETURN_BYTEA_P(bytes);
}

TRENDING_FUNCTION(decayed_deserialize) {
  trending::aggregate_memory(fcinfo);
  bytea* bytes = PG_GETARG_BYTEA_PP(0);
  auto* state = static_cast<trending::DecayState*>(palloc(sizeof(trending::DecayState)));
  memcpy(state, VARDATA_ANY(bytes), sizeof(trending::DecayState));
  PG_RETURN_POINTER(state);
}

TRENDING_FUNCTION(decayed_count_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_FLOAT8(0);
  const auto& state = *reinterpret_cast<const trending::DecayState*>(PG_GETARG_POINTER(0));
  PG_RETURN_FLOAT8(trending::present_value(state, GetCurrentTransactionStartTimestamp()));
}

TRENDING_FUNCTION(decayed_sum_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const auto& state = *reinterpret_cast<const trending::DecayState*>(PG_GETARG_POINTER(0));
  PG_RETURN_FLOAT8(trending::present_value(state, GetCurrentTransactionStartTimestamp()));
}
