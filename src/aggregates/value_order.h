// SPDX-License-Identifier: PostgreSQL
// The order in which our aggregates choose among values of equal times: the type's default one, and where that
// makes no difference, or there is none, that of the values' bytes.
#pragma once

#include "postgres/server.h"

namespace trending {

// Lives as long as the session.
TypeCacheEntry* value_type(Oid type);

int compare_in_order(const TypeCacheEntry* type, Oid collation, Datum left, Datum right);

}  // namespace trending
