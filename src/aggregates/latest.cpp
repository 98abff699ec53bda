// SPDX-License-Identifier: PostgreSQL
// trending.latest(value, at, n): the n values of the latest `at`, the newest first, as an array. Rows whose value or
// time is NULL do not count. Among equal times the greatest values come first, as with trending.last.
#include <algorithm>

#include "aggregates/transition.h"
#include "aggregates/value_order.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr int32 kMostValues = 1000;

struct TimedValue {
  int64 at;
  Datum value;  // a copy of its own
};

// The transition state, in the aggregate's memory context.
struct LatestState {
  TypeCacheEntry* type;
  int32 wanted;
  int32 count;
  TimedValue* values;  // the newest first; room for one more than is wanted
};

// What a call of the step function knows about its arguments; kept in fn_extra.
struct StepTypes {
  TypeCacheEntry* value;
  bool at_is_date;
};

const StepTypes& types_of_call(FunctionCallInfo fcinfo) {
  auto* types = static_cast<StepTypes*>(fcinfo->flinfo->fn_extra);
  if (types != nullptr) return *types;
  const Oid value = get_fn_expr_argtype(fcinfo->flinfo, 1);
  if (!OidIsValid(value)) elog(ERROR, "could not determine the type of the value");
  types = static_cast<StepTypes*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(StepTypes)));
  types->value = value_type(value);
  types->at_is_date = get_fn_expr_argtype(fcinfo->flinfo, 2) == DATEOID;
  fcinfo->flinfo->fn_extra = types;
  return *types;
}

LatestState* new_state(TypeCacheEntry* type, int32 wanted) {
  if (wanted < 1 || wanted > kMostValues) {
    ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                    errmsg("n of latest must be between 1 and %d", kMostValues)));
  }
  auto* state = static_cast<LatestState*>(palloc(sizeof(LatestState)));
  state->type = type;
  state->wanted = wanted;
  state->count = 0;
  state->values = static_cast<TimedValue*>(palloc(sizeof(TimedValue) * static_cast<Size>(wanted + 1)));
  return state;
}

// Takes a copy, if it is among the latest. In the aggregate's memory context.
void add(LatestState* state, Oid collation, int64 at, Datum value) {
  TimedValue* end = state->values + state->count;
  TimedValue* place = std::upper_bound(state->values, end, at, [&](int64 added, const TimedValue& other) {
    return added != other.at ? added > other.at
                             : compare_in_order(state->type, collation, value, other.value) > 0;
  });
  if (place - state->values == state->wanted) return;
  std::move_backward(place, end, end + 1);
  *place = {at, datumCopy(value, state->type->typbyval, state->type->typlen)};
  if (++state->count <= state->wanted) return;
  state->count--;
  if (!state->type->typbyval) pfree(DatumGetPointer(state->values[state->count].value));
}

void check_same(int32 wanted, int32 other) {
  if (wanted == other) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("n of latest must be the same in all rows")));
}

Datum step(FunctionCallInfo fcinfo) {
  auto* state = state_argument<LatestState>(fcinfo, 0);
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3)) return state_result(fcinfo, state);
  const StepTypes& types = types_of_call(fcinfo);
  const int64 at = types.at_is_date ? DatumGetDateADT(PG_GETARG_DATUM(2)) : PG_GETARG_INT64(2);
  MemoryContext caller = MemoryContextSwitchTo(aggregate_memory(fcinfo));
  if (state == nullptr) state = new_state(types.value, PG_GETARG_INT32(3));
  check_same(state->wanted, PG_GETARG_INT32(3));
  add(state, PG_GET_COLLATION(), at, PG_GETARG_DATUM(1));
  MemoryContextSwitchTo(caller);
  PG_RETURN_POINTER(state);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = state_argument<LatestState>(fcinfo, 0);
  const auto* right = state_argument<LatestState>(fcinfo, 1);
  if (right == nullptr) return state_result(fcinfo, left);
  MemoryContext caller = MemoryContextSwitchTo(aggregate_memory(fcinfo));
  if (left == nullptr) left = new_state(right->type, right->wanted);
  check_same(left->wanted, right->wanted);
  for (int32 i = 0; i < right->count; i++) {
    add(left, PG_GET_COLLATION(), right->values[i].at, right->values[i].value);
  }
  MemoryContextSwitchTo(caller);
  PG_RETURN_POINTER(left);
}

// Then, of each value, its time and what datumSerialize writes of it.
struct SerializedHead {
  Oid type;
  int32 wanted;
  int32 count;
};

Datum serialize(const LatestState& state) {
  const TypeCacheEntry* type = state.type;
  Size size = VARHDRSZ + sizeof(SerializedHead);
  for (int32 i = 0; i < state.count; i++) {
    size += sizeof(int64) + datumEstimateSpace(state.values[i].value, false, type->typbyval, type->typlen);
  }
  auto* bytes = static_cast<bytea*>(palloc(size));
  SET_VARSIZE(bytes, size);
  const SerializedHead head{type->type_id, state.wanted, state.count};
  memcpy(VARDATA(bytes), &head, sizeof(head));
  char* next = VARDATA(bytes) + sizeof(head);
  for (int32 i = 0; i < state.count; i++) {
    memcpy(next, &state.values[i].at, sizeof(int64));
    next += sizeof(int64);
    datumSerialize(state.values[i].value, false, type->typbyval, type->typlen, &next);
  }
  PG_RETURN_BYTEA_P(bytes);
}

Datum deserialize(bytea* bytes) {
  SerializedHead head;
  memcpy(&head, VARDATA_ANY(bytes), sizeof(head));
  LatestState* state = new_state(value_type(head.type), head.wanted);
  char* next = VARDATA_ANY(bytes) + sizeof(head);
  if (head.count < 0 || head.count > head.wanted) elog(ERROR, "invalid state");
  for (; state->count < head.count; state->count++) {
    TimedValue& value = state->values[state->count];
    memcpy(&value.at, next, sizeof(int64));
    next += sizeof(int64);
    bool isnull = false;
    value.value = datumRestore(&next, &isnull);
  }
  PG_RETURN_POINTER(state);
}

Datum array_of(const LatestState& state) {
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<Size>(state.count)));
  for (int32 i = 0; i < state.count; i++) values[i] = state.values[i].value;
  const TypeCacheEntry* type = state.type;
  PG_RETURN_ARRAYTYPE_P(
      construct_array(values, state.count, type->type_id, type->typlen, type->typbyval, type->typalign));
}

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(latest_step) {
  return trending::step(fcinfo);
}

TRENDING_PURE_FUNCTION(latest_combine) {
  return trending::combine(fcinfo);
}

TRENDING_PURE_FUNCTION(latest_serialize) {
  trending::aggregate_memory(fcinfo);
  return trending::serialize(*reinterpret_cast<trending::LatestState*>(PG_GETARG_POINTER(0)));
}

TRENDING_PURE_FUNCTION(latest_deserialize) {
  trending::aggregate_memory(fcinfo);
  return trending::deserialize(PG_GETARG_BYTEA_PP(0));
}

TRENDING_PURE_FUNCTION(latest_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  return trending::array_of(*reinterpret_cast<trending::LatestState*>(PG_GETARG_POINTER(0)));
}
