// SPDX-License-Identifier: PostgreSQL
// Between values of SQL and the words of the engine.
#pragma once

#include "engine/aggregates/aggregate.h"
#include "postgres/server.h"
#include "values/definition_aggregate.h"

namespace trending {

// What the engine is to keep for the aggregates of a definition.
void aggregate_specs(const DefinitionAggregate* aggregates, int count, AggregateSpec* specs);

// Writes a value's words (1 or 5) for the engine; false if it does not fit. Not for ValueForm::kBytes.
bool value_to_words(ValueForm form, Datum value, int64_t* words);

// A time given to first or last as an integer that is ordered as the times are; of a type that is no domain.
// Rows may be read outside any transaction (decoder/direct_replay.h), so nothing may be looked up here.
int64 pick_time(Oid type, Datum value);

// An aggregate's present value as its result type. Decayed values are as of the transaction's start. Values
// passed by reference are palloc'd.
Datum aggregate_datum(const DefinitionAggregate& aggregate, const AggregateValue& value, bool* isnull);

// A value as a numeric, for functions that serve all trends: times as seconds since 1970. NULL for a type that
// is no number, time or boolean.
Datum value_number(Oid type, Datum value, bool* isnull);

}  // namespace trending
