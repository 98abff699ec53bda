// SPDX-License-Identifier: PostgreSQL
// trending.approx_count_distinct(x) as an ordinary aggregate: a HyperLogLog sketch of the engine's. It counts
// exactly as a trend does, so both say the same of the same rows.
#include <cstring>

#include "aggregates/transition.h"
#include "engine/aggregates/hyperloglog.h"
#include "postgres/guard.h"
#include "values/distinct_value.h"

namespace trending {

namespace {

// The transition state, in the aggregate's memory context; the sketch is replaced when it grows.
struct SketchState {
  void* sketch;
};

// What a call of the step function knows of its argument; kept in fn_extra.
struct StepType {
  DistinctType type;
  StringInfoData bytes;
};

StepType* type_of_call(FunctionCallInfo fcinfo) {
  if (fcinfo->flinfo->fn_extra != nullptr) return static_cast<StepType*>(fcinfo->flinfo->fn_extra);
  Oid type = get_fn_expr_argtype(fcinfo->flinfo, 1);
  if (!OidIsValid(type)) elog(ERROR, "could not determine the type of the argument");
  MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
  auto* step = static_cast<StepType*>(palloc0(sizeof(StepType)));
  step->type = distinct_type(type, PG_GET_COLLATION());
  initStringInfo(&step->bytes);
  MemoryContextSwitchTo(caller);
  if (step->type.form == DistinctForm::kNone) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("approx_count_distinct of type %s is not supported", format_type_be(type)),
             errhint("Equal values of this type or collation can look different. Count a cast to text.")));
  }
  fcinfo->flinfo->fn_extra = step;
  return step;
}

SketchState* new_state(MemoryContext memory) {
  auto* state = static_cast<SketchState*>(MemoryContextAlloc(memory, sizeof(SketchState)));
  state->sketch = MemoryContextAlloc(memory, sketch::initial_bytes());
  sketch::init(state->sketch);
  return state;
}

void grow(MemoryContext memory, SketchState* state) {
  void* larger = MemoryContextAlloc(memory, sketch::grown_bytes(state->sketch));
  sketch::grow(state->sketch, larger);
  pfree(state->sketch);
  state->sketch = larger;
}

void add(MemoryContext memory, SketchState* state, uint64_t hash) {
  while (sketch::add(state->sketch, hash) == sketch::Added::kFull) grow(memory, state);
}

void merge(MemoryContext memory, SketchState* state, const void* other) {
  while (sketch::merge(state->sketch, other) == sketch::Added::kFull) grow(memory, state);
}

Datum step(FunctionCallInfo fcinfo) {
  auto* state = state_argument<SketchState>(fcinfo, 0);
  if (PG_ARGISNULL(1)) return state_result(fcinfo, state);
  MemoryContext memory = aggregate_memory(fcinfo);
  if (state == nullptr) state = new_state(memory);
  StepType* known = type_of_call(fcinfo);
  resetStringInfo(&known->bytes);
  if (!distinct_append(known->type, PG_GETARG_DATUM(1), &known->bytes)) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("value is too long to be counted"),
                    errdetail("At most %u bytes.", kMaxKeySize)));
  }
  add(memory, state, distinct_hash(known->bytes.data, known->bytes.len));
  PG_RETURN_POINTER(state);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = state_argument<SketchState>(fcinfo, 0);
  if (PG_ARGISNULL(1)) return state_result(fcinfo, left);
  MemoryContext memory = aggregate_memory(fcinfo);
  if (left == nullptr) left = new_state(memory);
  merge(memory, left, reinterpret_cast<SketchState*>(PG_GETARG_POINTER(1))->sketch);
  PG_RETURN_POINTER(left);
}

Datum serialize(const SketchState& state) {
  Size size = VARHDRSZ + sketch::serialized_bytes(state.sketch);
  auto* bytes = static_cast<bytea*>(palloc(size));
  SET_VARSIZE(bytes, size);
  sketch::serialize(state.sketch, VARDATA(bytes));
  PG_RETURN_BYTEA_P(bytes);
}

Datum deserialize(bytea* bytes) {
  Size size = sketch::deserialized_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
  if (size == 0) elog(ERROR, "invalid sketch");
  auto* state = static_cast<SketchState*>(palloc(sizeof(SketchState)));
  state->sketch = palloc(size);
  sketch::deserialize(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), state->sketch);
  PG_RETURN_POINTER(state);
}

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(approx_step) {
  return trending::step(fcinfo);
}

TRENDING_PURE_FUNCTION(approx_combine) {
  return trending::combine(fcinfo);
}

TRENDING_PURE_FUNCTION(approx_serialize) {
  trending::aggregate_memory(fcinfo);
  return trending::serialize(*reinterpret_cast<trending::SketchState*>(PG_GETARG_POINTER(0)));
}

TRENDING_PURE_FUNCTION(approx_deserialize) {
  trending::aggregate_memory(fcinfo);
  return trending::deserialize(PG_GETARG_BYTEA_PP(0));
}

TRENDING_PURE_FUNCTION(approx_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_INT64(0);
  const auto* state = reinterpret_cast<const trending::SketchState*>(PG_GETARG_POINTER(0));
  PG_RETURN_INT64(static_cast<int64>(trending::sketch::estimate(state->sketch)));
}
