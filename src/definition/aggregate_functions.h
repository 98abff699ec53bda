// SPDX-License-Identifier: PostgreSQL
// The aggregates that a trend can keep: which functions they are, over which types.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// False for an aggregate that is not supported.
bool aggregate_function_of(Oid function, AggregateFunction* kind);

// How a value of this type becomes words of the engine.
ValueForm value_form_of(Oid type);

// For messages: what the aggregates are.
const char* supported_aggregates();

// Whether PostgreSQL's functions combine the states of some aggregate.
bool combines_states(const Definition& definition);

// Whether a trend's state can retract a row. Sessions cannot, since they do not keep the times of their rows,
// nor can combined states: such a trend is refilled when a row that it counted is updated or deleted
// (bgworker/intake/refill.h).
bool can_retract(const Definition& definition);

// Whether some aggregate depends on a single row, so that taking this one back needs all the others.
bool needs_values(const Definition& definition);

}  // namespace trending
