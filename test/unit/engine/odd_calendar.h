// SPDX-License-Identifier: PostgreSQL
// A zone that never was: days of 20 to 28 hours, and every 41st day missing. Windows of its calendar.
#pragma once

#include <algorithm>

#include "engine/time/window.h"

namespace trending::test {

inline Time odd_day_start(int64_t day) {
  constexpr Time kHour = kMicrosPerDay / 24;
  if (floor_mod(day, 41) == 17) day++;
  return day * kMicrosPerDay + (floor_mod(day * 7919, 9) - 4) * kHour / 2;
}
inline Time odd_instant(void*, Time local) {
  const int64_t day = floor_div(local, kMicrosPerDay);
  return std::min(odd_day_start(day) + floor_mod(local, kMicrosPerDay), odd_day_start(day + 1));
}
inline constexpr Calendar kOddCalendar{nullptr, odd_instant};

// Days or months up to so many days, in that zone or in UTC.
template <typename Below>
WindowSpec calendar_window(WindowKind kind, int64_t most, Below below) {
  WindowSpec spec;
  const auto choose = [&](int64_t* micros, int32_t* months, int64_t most_micros) {
    *micros = *months = 0;
    if (below(2) == 0 && most_micros >= 28 * kMicrosPerDay) {
      *months = static_cast<int32_t>(1 + below(most_micros / (28 * kMicrosPerDay)));
    } else {
      *micros = kMicrosPerDay * (1 + below(std::max<int64_t>(1, most_micros / kMicrosPerDay)));
    }
  };
  do {
    spec = {};
    spec.kind = kind;
    spec.zoned = below(3) != 0;
    choose(&spec.size, &spec.size_months, most * kMicrosPerDay);
    choose(&spec.slide, &spec.slide_months, longest_window(spec));
    const bool whole_days = spec.zoned || (kind == WindowKind::kHop && spec.size_months > 0);
    if (!whole_days && spec.slide_months == 0 && below(2) == 0) spec.slide = 1 + below(spec.slide);
    if (spec.zoned && kind == WindowKind::kCumulate && below(2) == 0) {
      spec.elapsed_step = true;
      spec.slide_months = 0;
      spec.slide = kMicrosPerDay / 8 * (1 + below(8 * longest_window(spec) / kMicrosPerDay));
    }
    // Not too many windows for those who try them all.
    if (spec.slide > 0) spec.slide = std::max(spec.slide, longest_window(spec) / 200);
    if (whole_days && !spec.elapsed_step) spec.slide -= spec.slide % kMicrosPerDay;
    spec.origin = (below(2000) - 1000) * kMicrosPerDay + (below(2) == 0 ? below(kMicrosPerDay) : 0);
  } while (check_window(spec) != WindowError::kNone);
  return spec;
}

}  // namespace trending::test
