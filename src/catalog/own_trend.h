// SPDX-License-Identifier: PostgreSQL
// A trend that the caller wants to do something to.
#pragma once

#include "postgres/server.h"

namespace trending {

// Raises an error unless it is a registered trend and the current user's. Returns its name. To be asked
// before the trend is locked: nobody may lock a relation of others.
const char* own_trend(Oid relation);

}  // namespace trending
