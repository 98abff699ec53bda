// SPDX-License-Identifier: PostgreSQL
// A zone that never was: days of 20 to 28 hours, and every 41st day missing.
#pragma once

#include "engine/time/window.h"

namespace trending::test {

inline Time odd_day_start(void*, int64_t day) {
  constexpr Time kHour = kMicrosPerDay / 24;
  if (floor_mod(day, 41) == 17) day++;
  return day * kMicrosPerDay + (floor_mod(day * 7919, 9) - 4) * kHour / 2;
}
inline constexpr Calendar kOddCalendar{nullptr, odd_day_start};

}  // namespace trending::test
