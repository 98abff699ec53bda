// SPDX-License-Identifier: PostgreSQL
// Flink's words for what PostgreSQL's types and expressions say. Nothing is passed through: what has no known equal
// there is refused, with the reason.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// Raises feature_not_supported for the trend; the detail is the reason.
[[noreturn]] void refuse_flink(const Definition& definition, const char* format, ...)
    pg_attribute_printf(2, 3);

const char* flink_name(const char* name);  // `name`
const char* flink_text(const char* text);  // 'text'
const char* flink_interval(const Definition& definition, int64 microseconds);
const char* flink_type(const Definition& definition, Oid type, int32 typmod);

// An expression over the columns of the source by themselves. Wants canonical settings, like the others.
const char* flink_column_expression(const Definition& definition, const Expr* expression);
// One over the rows of the source: `s` with columns of joined tables in `d1`, `d2` and so on.
const char* flink_row_expression(const Definition& definition, const Expr* expression);
// One over the row of a group (group_row.h): `g` with window_start, window_end, key_1 and so on, agg_1 and so on.
const char* flink_group_expression(const Definition& definition, const Expr* expression);

}  // namespace trending
