// SPDX-License-Identifier: PostgreSQL
// HAVING: whether a group belongs to its trend, asked by the engine when the group has changed.
#pragma once

#include "definition/definition.h"
#include "definition/group_row.h"
#include "engine/aggregates/aggregate.h"
#include "postgres/server.h"

namespace trending {

// Compiles a trend's condition into CurrentMemoryContext; needs a transaction. Null without HAVING.
GroupRow* condition_create(const Definition* definition);

// Called under the trend's lock. Whatever it raises (evaluation.h), it is not true then, and *failed is set.
bool condition_holds(GroupRow* condition, LWLock* lock, const StateLayout& layout, KeyView key,
                     const int64_t* result, bool* failed);

}  // namespace trending
