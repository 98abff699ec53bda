// SPDX-License-Identifier: PostgreSQL
// Recalculating sessions: see recompute.cpp.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// What is recalculated: sessions that reach into [from, to] and end up to `final_before`.
struct SessionRange {
  Time from;
  Time to;
  Time final_before;
};

// What the rows are called that the query reads: history's with the names of history_row_type(), and the late
// rows that are not taken in yet: place (tid), event_time, row.
inline constexpr const char* kRecomputeHistory = "trending_history_rows";
inline constexpr const char* kRecomputeLateRows = "trending_late_rows";

// What a row of the result is: one that history should have; a window to delete from history; a late row that
// is now counted.
inline constexpr const char* kRecomputeRow = "row";
inline constexpr const char* kRecomputeGone = "gone";
inline constexpr const char* kRecomputeLate = "late";

// Columns: those of the trend with rank, what the row is (text), the place of the late row (tid).
char* session_recompute_query(const Definition& definition, const SessionRange& range);

}  // namespace trending
