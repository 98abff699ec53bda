// SPDX-License-Identifier: PostgreSQL
// Dates of the proleptic Gregorian calendar, years counted through zero (0 is 1 BC), and months of them.
#pragma once

#include "engine/time/time.h"

namespace trending {

struct Date {
  int64_t year = 2000;
  int month = 1;  // from 1
  int day = 1;    // from 1
};

constexpr bool is_leap_year(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int days_in_month(int64_t year, int month) {
  if (month == 2) return is_leap_year(year) ? 29 : 28;
  return 30 + ((month + month / 8) & 1);
}

// Days since 2000-01-01. Years are taken to begin in March, so that the day that may be missing is their
// last; from then on the lengths of months repeat every five, 153 days.
constexpr int64_t day_number(const Date& date) {
  const int64_t year = date.month < 3 ? date.year - 1 : date.year;
  const int month = (date.month + 9) % 12;  // from March
  const int64_t days = 365 * year + floor_div(year, 4) - floor_div(year, 100) + floor_div(year, 400);
  return days + (153 * month + 2) / 5 + date.day - 1 - 730'425;
}

constexpr Date date_of_day(int64_t day) {
  constexpr int64_t kDaysOf400Years = 146'097;
  const int64_t since = day + 730'425;  // days since 0000-03-01
  const int64_t era = floor_div(since, kDaysOf400Years);
  const int64_t rest = floor_mod(since, kDaysOf400Years);
  // Without the leap days that lie before it, every year has 365 days.
  const int64_t year = (rest - rest / 1460 + rest / 36'524 - rest / 146'096) / 365;
  const auto day_of_year = static_cast<int>(rest - (365 * year + year / 4 - year / 100));
  const int month = (5 * day_of_year + 2) / 153;  // from March
  Date date;
  date.month = month < 10 ? month + 3 : month - 9;
  date.day = day_of_year - (153 * month + 2) / 5 + 1;
  date.year = 400 * era + year + (date.month < 3 ? 1 : 0);
  return date;
}

}  // namespace trending
