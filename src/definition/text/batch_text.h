// SPDX-License-Identifier: PostgreSQL
// A trend's definition as a query for comparing: what trending.verify runs instead of the plain text.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

struct BatchText {
  bool only_latest = false;  // of sessions only every group's latest one, before HAVING
  // Beside every float aggregate the size of what went in, see float_size.h. The columns are called as
  // size_column() says.
  bool with_sizes = false;
  bool catches = false;   // what fails for a group is NULL, as in the trend; for this process (caught_text.h)
  Time until = kEndTime;  // without rows of a later event time: these were too far ahead
  // Of decayed aggregates: without rows of an earlier event time, which are forgotten. kEndTime: the query
  // itself asks for it, by a function for those who may read the trend.
  Time since = kEndTime;
};

const char* definition_batch_text(const Definition& definition, const BatchText& how);

// Of the definition's column with this index in the select list.
const char* size_column(int column);

}  // namespace trending
