// SPDX-License-Identifier: PostgreSQL
// The definition of a trend with session windows as a query that runs by itself: trending.session cannot be
// computed row by row, so FROM is replaced by window functions over the source that find the sessions ("gaps
// and islands").
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The text, in CurrentMemoryContext, with every name qualified; `only_latest`: of every group only its latest
// session, before HAVING; `until`: without rows of a later event time. Locks the source ACCESS SHARE.
const char* session_query_text(const Definition& definition, bool only_latest, Time until);

}  // namespace trending
