// SPDX-License-Identifier: PostgreSQL
// HAVING: whether a group belongs to its trend, asked by the engine when the group has changed.
#pragma once

#include "definition/definition.h"
#include "engine/aggregates/aggregate.h"
#include "postgres/server.h"

namespace trending {

// A trend's condition, compiled. Plain data in its own memory context; freed with it.
struct Condition;

// Compiles it into CurrentMemoryContext; needs a transaction. Null without HAVING.
Condition* condition_create(const Definition* definition);

// Called under the trend's lock. Whatever it raises (evaluation.h), it is not true then, and *failed is set.
bool condition_holds(Condition* condition, LWLock* lock, const StateLayout& layout, KeyView key,
                     const int64_t* result, bool* failed);

}  // namespace trending
