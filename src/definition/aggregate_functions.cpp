// SPDX-License-Identifier: PostgreSQL
#include "definition/aggregate_functions.h"

#include "values/own_function.h"

namespace trending {

namespace {

using enum AggregateFunction;

struct BuiltIn {
  Oid function;  // pg_proc.oid
  AggregateFunction kind;
};

// To add an aggregate: its line here or below, its kind in values/definition_aggregate.h, its state in
// the engine's aggregate.h, its value in values/aggregate_result.cpp.
constexpr BuiltIn kBuiltIn[] = {
    {F_COUNT_, kCountStar},    {F_COUNT_ANY, kCount}, {F_SUM_INT2, kSum},      {F_SUM_INT4, kSum},
    {F_SUM_INT8, kSum},        {F_SUM_FLOAT4, kSum},  {F_SUM_FLOAT8, kSum},    {F_SUM_NUMERIC, kSum},
    {F_AVG_INT2, kAvg},        {F_AVG_INT4, kAvg},    {F_AVG_INT8, kAvg},      {F_AVG_FLOAT4, kAvg},
    {F_AVG_FLOAT8, kAvg},      {F_AVG_NUMERIC, kAvg}, {F_MIN_INT2, kMin},      {F_MIN_INT4, kMin},
    {F_MIN_INT8, kMin},        {F_MIN_OID, kMin},     {F_MIN_FLOAT4, kMin},    {F_MIN_FLOAT8, kMin},
    {F_MIN_NUMERIC, kMin},     {F_MIN_DATE, kMin},    {F_MIN_TIME, kMin},      {F_MIN_TIMESTAMP, kMin},
    {F_MIN_TIMESTAMPTZ, kMin}, {F_MAX_INT2, kMax},    {F_MAX_INT4, kMax},      {F_MAX_INT8, kMax},
    {F_MAX_OID, kMax},         {F_MAX_FLOAT4, kMax},  {F_MAX_FLOAT8, kMax},    {F_MAX_NUMERIC, kMax},
    {F_MAX_DATE, kMax},        {F_MAX_TIME, kMax},    {F_MAX_TIMESTAMP, kMax}, {F_MAX_TIMESTAMPTZ, kMax},
};

// Aggregates of the extension itself, whose OIDs are given when it is created.
struct Own {
  const char* name;
  AggregateFunction kind;
};

constexpr Own kOwn[] = {
    {"first", kFirst},
    {"last", kLast},
    {"decayed_count", kDecayedCount},
    {"decayed_sum", kDecayedSum},
    {"approx_count_distinct", kApproxCountDistinct},
};

bool own_function_of(Oid function, AggregateFunction* kind) {
  const char* name = own_function_name(function);
  for (const Own& own : kOwn) {
    if (name == nullptr || strcmp(name, own.name) != 0) continue;
    *kind = own.kind;
    return true;
  }
  return false;
}

// min and max of all the other types.
bool extreme_of(Oid function, AggregateFunction* kind) {
  const char* name = get_func_name(function);
  if (name == nullptr || (strcmp(name, "min") != 0 && strcmp(name, "max") != 0)) return false;
  *kind = name[1] == 'i' ? kMin : kMax;
  return true;
}

}  // namespace

bool aggregate_function_of(Oid function, AggregateFunction* kind) {
  for (const BuiltIn& entry : kBuiltIn) {
    if (entry.function != function) continue;
    *kind = entry.kind;
    return true;
  }
  return function >= FirstNormalObjectId ? own_function_of(function, kind) : extreme_of(function, kind);
}

ValueForm value_form_of(Oid type) {
  switch (getBaseType(type)) {
    case BOOLOID:
      return ValueForm::kBool;
    case INT2OID:
      return ValueForm::kInt2;
    case INT4OID:
    case DATEOID:
      return ValueForm::kInt4;
    case INT8OID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return ValueForm::kInt8;
    case OIDOID:
      return ValueForm::kOid;
    case FLOAT4OID:
      return ValueForm::kFloat4;
    case FLOAT8OID:
      return ValueForm::kFloat8;
    case NUMERICOID:
      return ValueForm::kNumeric;
    default:
      return ValueForm::kBytes;
  }
}

bool combines_states(const Definition& definition) {
  for (int i = 0; i < definition.aggregate_count; i++) {
    if (definition.aggregates[i].function == kCombined) return true;
  }
  return false;
}

bool can_retract(const Definition& definition) {
  return definition.window.kind != WindowKind::kSession && !combines_states(definition);
}

bool needs_values(const Definition& definition) {
  if (!can_retract(definition)) return false;
  for (int i = 0; i < definition.aggregate_count; i++) {
    AggregateFunction function = definition.aggregates[i].function;
    if (function == kMin || function == kMax || function == kFirst || function == kLast) return true;
  }
  return false;
}

const char* supported_aggregates() {
  return "count, sum, avg, min, max, count(DISTINCT ...), trending.first, trending.last, "
         "trending.approx_count_distinct, trending.decayed_count, trending.decayed_sum, and others that have "
         "combine functions in C";
}

}  // namespace trending
