// The aggregates that a trend can keep: one table, in aggregate_functions.cpp.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

struct AggregateEntry {
  Oid function;  // pg_proc.oid
  AggregateFunction kind;
};

// NULL for an aggregate that is not supported.
const AggregateEntry* aggregate_entry(Oid function);

// For messages: "count(*), count(expression)".
const char* supported_aggregates();

}  // namespace trending
