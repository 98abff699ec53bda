// SPDX-License-Identifier: PostgreSQL
// A trend's definition as a query for comparing: what trending.verify runs instead of the plain text.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

struct BatchText {
  bool only_latest = false;  // of sessions only every group's latest one, before HAVING
  // Beside every sum and average of floats the sum of the absolute values, or their average: by which the
  // rounding of the server's own is measured. Values beyond kGreatestSize count as that, so that the sum
  // cannot overflow. The columns are called as size_column() says.
  bool with_sizes = false;
  Time until = kEndTime;  // without rows of a later event time: these were too far ahead
  // Of decayed aggregates: without rows of an earlier event time, which are forgotten. kEndTime: the query
  // itself asks for it, by a function for those who may read the trend.
  Time since = kEndTime;
};
inline constexpr double kGreatestSize = 1e150;  // its square is a double, which avg(x) needs
// An average of sizes beyond may hold one that was cut.
inline constexpr double kGreatestAverage = 1e138;

const char* definition_batch_text(const Definition& definition, const BatchText& how);

// Of the definition's column with this index in the select list.
const char* size_column(int column);

}  // namespace trending
