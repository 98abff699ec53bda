// SPDX-License-Identifier: PostgreSQL
// What the process title and pg_stat_activity say that the worker does.
#pragma once

#include "postgres/server.h"

namespace trending {

// It does this, for the trend that `relation` serves: the name is shown, in a transaction.
void title_show(const char* what, Oid relation = InvalidOid);

// It follows the changes. Costs a look when that is shown already.
void title_follow();

}  // namespace trending
