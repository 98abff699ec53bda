// SPDX-License-Identifier: PostgreSQL
// How far the value of a float aggregate may be from another's: PostgreSQL rounds in the order of the rows, so
// the difference is a part not of the value, which may be zero because all the rest cancelled out, but of
// what went in.
#pragma once

#include "postgres/server.h"

namespace trending {

inline constexpr double kGreatestSize = 1e150;  // its square is a double, which avg(x) needs
// An average of sizes beyond may hold one that was cut.
inline constexpr double kGreatestAverage = 1e138;

// Whether a built-in aggregate function has such a size. Others' values are compared by themselves.
bool has_float_size(Oid function);

// The size as an expression over the same rows: of sum(x) the sum of |x|, of var_samp(x) the square of the
// greatest |x|, and so on. Values beyond kGreatestSize count as that, so that it cannot overflow. For
// functions that have one only.
Expr* float_size(const Aggref* aggregate);

}  // namespace trending
