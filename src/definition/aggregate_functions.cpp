#include "definition/aggregate_functions.h"

namespace trending {

namespace {

// To add an aggregate: its line here, its kind in definition.h, its state in the engine's aggregate.h.
constexpr AggregateEntry kAggregates[] = {
    {F_COUNT_, AggregateFunction::kCountStar},
    {F_COUNT_ANY, AggregateFunction::kCount},
};

}  // namespace

const AggregateEntry* aggregate_entry(Oid function) {
  for (const AggregateEntry& entry : kAggregates) {
    if (entry.function == function) return &entry;
  }
  return nullptr;
}

const char* supported_aggregates() {
  return "count(*) and count(expression)";
}

}  // namespace trending
