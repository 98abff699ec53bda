// SPDX-License-Identifier: PostgreSQL
// Time as the engine knows it: microseconds since 2000-01-01 00:00 UTC, the server's TimestampTz.
#pragma once

#include <cstdint>

namespace trending {

using Time = int64_t;

// Stands for "no time yet". Also the server's -infinity, which is no event time either.
inline constexpr Time kNoTime = INT64_MIN;

// The range of the server's finite timestamps: 4714-11-24 BC inclusive to 294277-01-01 exclusive.
inline constexpr Time kMinTime = -211813488000000000;
inline constexpr Time kEndTime = 9223371331200000000;

inline constexpr Time kMicrosPerDay = 86'400'000'000;

// 1970-01-01 00:00, what windows are aligned to by default, and its number as a day.
inline constexpr Time kUnixEpoch = -946684800000000;
inline constexpr int64_t kUnixEpochDay = -10957;

// A Monday, 2000-01-03, as a day number.
inline constexpr int64_t kMonday = 2;

// Division and remainder that round towards minus infinity; b > 0.
constexpr int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}
constexpr int64_t floor_mod(int64_t a, int64_t b) {
  int64_t r = a % b;
  return r < 0 ? r + b : r;
}

// Sums that stop at the ends of the range instead of overflowing.
constexpr Time add_saturated(Time a, int64_t b) {
  Time sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? INT64_MIN : INT64_MAX;
}
constexpr Time subtract_saturated(Time a, int64_t b) {
  Time difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? INT64_MAX : INT64_MIN;
}

}  // namespace trending
