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

// A local time as a month, counted from that of the year 0, and what it is within it.
struct MonthTime {
  int64_t month = 0;
  int day = 1;
  Time in_day = 0;
};

constexpr MonthTime month_time(Time local) {
  const Date date = date_of_day(floor_div(local, kMicrosPerDay));
  return {12 * date.year + date.month - 1, date.day, floor_mod(local, kMicrosPerDay)};
}

// A day that the month does not have is its last one, as where the server adds months to a time.
constexpr Time local_time(const MonthTime& time) {
  const int64_t year = floor_div(time.month, 12);
  const auto month = static_cast<int>(floor_mod(time.month, 12)) + 1;
  const int last = days_in_month(year, month);
  return day_number({year, month, time.day < last ? time.day : last}) * kMicrosPerDay + time.in_day;
}

constexpr Time add_months(Time local, int64_t months) {
  MonthTime time = month_time(local);
  time.month += months;
  return local_time(time);
}

// What so many months are at least and at most.
constexpr int64_t least_days(int64_t months) {
  constexpr int16_t kLeast[] = {0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334};
  return 365 * (months / 12) + kLeast[months % 12];
}
constexpr int64_t most_days(int64_t months) {
  constexpr int16_t kMost[] = {0, 31, 62, 92, 123, 153, 184, 215, 245, 276, 306, 337};
  return 366 * (months / 12) + kMost[months % 12];
}

}  // namespace trending
