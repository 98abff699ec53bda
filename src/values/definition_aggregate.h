// SPDX-License-Identifier: PostgreSQL
// The aggregates of a definition, as far as their values are concerned.
#pragma once

#include <cstdint>

#include "engine/time/window_part.h"
#include "postgres/server.h"
#include "values/bytes_value.h"
#include "values/combined_aggregate.h"
#include "values/distinct_value.h"

namespace trending {

// What an aggregate of the select list computes. The functions: definition/aggregate_functions.cpp.
enum class AggregateFunction : uint8_t {
  kCountStar,  // count(*)
  kCount,      // count(x): the rows whose x is not NULL
  kSum,
  kAvg,
  kMin,
  kMax,
  kFirst,                // trending.first(x, at)
  kLast,                 // trending.last(x, at)
  kCountDistinct,        // count(DISTINCT x)
  kApproxCountDistinct,  // trending.approx_count_distinct(x)
  kDecayedCount,         // trending.decayed_count(at, half_life)
  kDecayedSum,           // trending.decayed_sum(x, at, half_life)
  kCombined,             // any other whose states PostgreSQL can combine
};

// How a value becomes words of the engine and back.
enum class ValueForm : uint8_t {
  kNone,  // the aggregate takes no such value
  kBool,
  kInt2,
  kInt4,  // date as well
  kInt8,  // time, timestamp and timestamptz as well
  kOid,
  kFloat4,
  kFloat8,
  kNumeric,
  kBytes,  // any other type, see bytes_value.h
};

// One aggregate of the definition. Equal aggregates are kept once.
struct DefinitionAggregate {
  AggregateFunction function;
  int64 half_life;  // of a decayed one in microseconds; else 0
  Oid result_type;
  Expr* argument;               // x; NULL for count(*) and decayed_count; planned, Vars as in KeyColumn
  ValueForm value;              // of x, where its value matters
  BytesType bytes;              // of x, where that is kBytes
  Expr* at;                     // of first and last, else NULL
  Oid at_type;                  // of its values, below any domain
  CombinedAggregate* combined;  // kCombined, whose arguments are there; else NULL
  DistinctType distinct;        // of the two that count distinct values
  Expr* filter;                 // boolean, NULL without FILTER; what of it a row says by itself
  WindowPart part;              // what of it depends on the window
};

// Whether the result is 0 rather than NULL where no row counts.
inline bool is_never_null(AggregateFunction function) {
  return function == AggregateFunction::kCountStar || function == AggregateFunction::kCount ||
         function == AggregateFunction::kCountDistinct ||
         function == AggregateFunction::kApproxCountDistinct || function == AggregateFunction::kDecayedCount;
}

inline bool is_decayed(AggregateFunction function) {
  return function == AggregateFunction::kDecayedCount || function == AggregateFunction::kDecayedSum;
}

}  // namespace trending
