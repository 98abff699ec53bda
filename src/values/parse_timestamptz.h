// SPDX-License-Identifier: PostgreSQL
// trending.parse_timestamptz in definitions.
#pragma once

#include "postgres/server.h"

namespace trending {

// Whether a call of this function runs our C code, the only code of an extension that the worker evaluates for a row.
// Not so if the function was replaced.
bool is_parse_timestamptz(Oid function);

// An error if the zone of this call is a constant that names none: every row would fail.
void check_parse_zone(const FuncExpr* call);

}  // namespace trending
