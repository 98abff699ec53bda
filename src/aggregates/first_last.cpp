// SPDX-License-Identifier: PostgreSQL
// trending.first(value, at) and trending.last(value, at) as ordinary aggregates: the value of the earliest
// and of the latest `at`. Rows whose value or time is NULL do not count.
//
// Among equal times first takes the least value and last the greatest, so that the result does not depend on
// the order of rows; a trend does the same. The order is the type's default one, and where that makes no
// difference, or there is none, that of the values' bytes.
#include "aggregates/transition.h"
#include "aggregates/value_order.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// The transition state, in the aggregate's memory context. `value` is a copy of its own.
struct PickState {
  TypeCacheEntry* type;  // lives as long as the session
  int64 at;
  Datum value;
  bool is_last;
};

// What a call of the step function knows about its arguments; kept in fn_extra.
struct StepTypes {
  TypeCacheEntry* value;
  bool at_is_date;
};

const StepTypes& types_of_call(FunctionCallInfo fcinfo) {
  auto* types = static_cast<StepTypes*>(fcinfo->flinfo->fn_extra);
  if (types != nullptr) return *types;
  Oid value = get_fn_expr_argtype(fcinfo->flinfo, 1);
  if (!OidIsValid(value)) elog(ERROR, "could not determine the type of the value");
  types = static_cast<StepTypes*>(MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(StepTypes)));
  types->value = value_type(value);
  types->at_is_date = get_fn_expr_argtype(fcinfo->flinfo, 2) == DATEOID;
  fcinfo->flinfo->fn_extra = types;
  return *types;
}

// Whether (at, value) takes the place of what the state has.
bool is_better(const PickState& state, Oid collation, int64 at, Datum value) {
  if (at != state.at) return (at > state.at) == state.is_last;
  int order = compare_in_order(state.type, collation, value, state.value);
  return state.is_last ? order > 0 : order < 0;
}

// Takes a copy. In the aggregate's memory context.
void set_value(PickState* state, int64 at, Datum value) {
  state->at = at;
  state->value = datumCopy(value, state->type->typbyval, state->type->typlen);
}

void replace_value(PickState* state, int64 at, Datum value) {
  Datum old = state->value;
  set_value(state, at, value);
  if (!state->type->typbyval) pfree(DatumGetPointer(old));
}

Datum pick(FunctionCallInfo fcinfo, bool is_last) {
  auto* state = state_argument<PickState>(fcinfo, 0);
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return state_result(fcinfo, state);
  const StepTypes& types = types_of_call(fcinfo);
  int64 at = types.at_is_date ? DatumGetDateADT(PG_GETARG_DATUM(2)) : PG_GETARG_INT64(2);
  MemoryContext caller = MemoryContextSwitchTo(aggregate_memory(fcinfo));
  if (state == nullptr) {
    state = static_cast<PickState*>(palloc(sizeof(PickState)));
    state->type = types.value;
    state->is_last = is_last;
    set_value(state, at, PG_GETARG_DATUM(1));
  } else if (is_better(*state, PG_GET_COLLATION(), at, PG_GETARG_DATUM(1))) {
    replace_value(state, at, PG_GETARG_DATUM(1));
  }
  MemoryContextSwitchTo(caller);
  PG_RETURN_POINTER(state);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = state_argument<PickState>(fcinfo, 0);
  auto* right = state_argument<PickState>(fcinfo, 1);
  if (right == nullptr) return state_result(fcinfo, left);
  MemoryContext caller = MemoryContextSwitchTo(aggregate_memory(fcinfo));
  if (left == nullptr) {
    left = static_cast<PickState*>(palloc(sizeof(PickState)));
    left->type = right->type;
    left->is_last = right->is_last;
    set_value(left, right->at, right->value);
  } else if (is_better(*left, PG_GET_COLLATION(), right->at, right->value)) {
    replace_value(left, right->at, right->value);
  }
  MemoryContextSwitchTo(caller);
  PG_RETURN_POINTER(left);
}

// Between processes of one query: type, direction, time, then the value as datumSerialize writes it.
struct SerializedHead {
  int64 at;
  Oid type;
  bool is_last;
};

Datum serialize(const PickState& state) {
  Size size = VARHDRSZ + sizeof(SerializedHead) +
              datumEstimateSpace(state.value, false, state.type->typbyval, state.type->typlen);
  auto* bytes = static_cast<bytea*>(palloc(size));
  SET_VARSIZE(bytes, size);
  SerializedHead head = {};
  head.at = state.at;
  head.type = state.type->type_id;
  head.is_last = state.is_last;
  memcpy(VARDATA(bytes), &head, sizeof(head));
  char* next = VARDATA(bytes) + sizeof(head);
  datumSerialize(state.value, false, state.type->typbyval, state.type->typlen, &next);
  PG_RETURN_BYTEA_P(bytes);
}

Datum deserialize(FunctionCallInfo fcinfo) {
  aggregate_memory(fcinfo);
  bytea* bytes = PG_GETARG_BYTEA_PP(0);
  SerializedHead head;
  memcpy(&head, VARDATA_ANY(bytes), sizeof(head));
  auto* state = static_cast<PickState*>(palloc(sizeof(PickState)));
  state->type = value_type(head.type);
  state->at = head.at;
  state->is_last = head.is_last;
  char* next = VARDATA_ANY(bytes) + sizeof(head);
  bool isnull = false;
  state->value = datumRestore(&next, &isnull);
  PG_RETURN_POINTER(state);
}

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(first_step) {
  return trending::pick(fcinfo, false);
}

TRENDING_PURE_FUNCTION(last_step) {
  return trending::pick(fcinfo, true);
}

TRENDING_PURE_FUNCTION(pick_combine) {
  return trending::combine(fcinfo);
}

TRENDING_PURE_FUNCTION(pick_serialize) {
  trending::aggregate_memory(fcinfo);
  return trending::serialize(*reinterpret_cast<trending::PickState*>(PG_GETARG_POINTER(0)));
}

TRENDING_PURE_FUNCTION(pick_deserialize) {
  return trending::deserialize(fcinfo);
}

// The state lives on (the same aggregate may be asked again, as a window function): a copy is not needed, as
// the value is replaced only by a later step.
TRENDING_PURE_FUNCTION(pick_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  const auto* state = reinterpret_cast<const trending::PickState*>(PG_GETARG_POINTER(0));
  PG_RETURN_DATUM(datumCopy(state->value, state->type->typbyval, state->type->typlen));
}
