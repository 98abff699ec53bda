// SPDX-License-Identifier: PostgreSQL
// Times as text, by ISO 8601.
#pragma once

#include <optional>
#include <string_view>

#include "engine/time/time.h"

namespace trending {

// No time is longer than this, whatever its digits.
inline constexpr size_t kMaxTimeText = 64;

struct TextTime {
  Time local = 0;             // as if what the text says were UTC
  std::optional<int> offset;  // of the clock that it was read from, seconds east of UTC
};

// What `text` says, or nothing if it is no time by ISO 8601. Nothing but the text decides, and nothing of it
// is passed over.
//
// Dates are 2024-05-01, 20240501, 2024-122 and 2024-W18-3 (with and without the hyphens), with years of four
// digits, or of six behind a sign, or of five and six with hyphens; times are hh[:mm[:ss]], with and without
// colons, with decimals behind whichever is last. T, t or a space stands between the two. An offset is Z, z or
// +hh[:mm[:ss]], as far from UTC as the server takes it (less than 16 hours). 24:00 is the end of a day, second 60 the one after
// second 59, as the server reads them. A date alone is its beginning.
std::optional<TextTime> parse_iso8601(std::string_view text);

}  // namespace trending
