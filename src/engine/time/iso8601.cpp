// SPDX-License-Identifier: PostgreSQL
#include "engine/time/iso8601.h"

#include <cmath>

#include "engine/time/civil.h"

namespace trending {

namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The rest of a text; what is taken was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  size_t digits() const {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) count++;
    return count;
  }

  bool next_after_digits(char c) const {
    const size_t count = digits();
    return count < rest_.size() && rest_[count] == c;
  }

  // Exactly so many digits, whatever follows them.
  bool number(size_t count, int low, int high, int* value) {
    if (digits() < count) return false;
    *value = 0;
    for (size_t i = 0; i < count; i++) *value = 10 * *value + (rest_[i] - '0');
    rest_.remove_prefix(count);
    return low <= *value && *value <= high;
  }

  // Decimals behind a point or comma, as a part of `unit` microseconds: what the server makes of them, which
  // computes them as a double. Beyond 15 digits nothing of a microsecond is left.
  bool decimals(int64_t unit, int64_t* micros) {
    if (!take('.') && !take(',')) return true;
    const size_t count = digits();
    if (count == 0) return false;
    double numerator = 0;
    double denominator = 1;
    for (size_t i = 0; i < count && i < 15; i++) {
      numerator = 10 * numerator + (rest_[i] - '0');
      denominator *= 10;
    }
    rest_.remove_prefix(count);
    *micros += std::llrint(numerator / denominator * static_cast<double>(unit));
    return true;
  }

 private:
  std::string_view rest_;
};

// yyyy, ±yyyyyy, or five or six digits where a hyphen ends them.
bool read_year(Scanner* in, int* year) {
  const bool minus = in->take('-');
  if (minus || in->take('+')) {
    const bool known = in->number(6, 0, 999'999, year) && !(minus && *year == 0);
    if (minus) *year = -*year;
    return known;
  }
  const bool longer = in->next_after_digits('-') && in->digits() > 4 && in->digits() < 7;
  return in->number(longer ? in->digits() : 4, 0, 999'999, year);
}

// Week 1 is the one with the year's first Thursday.
bool read_week_date(Scanner* in, int year, bool hyphens, int64_t* day) {
  int week = 0;
  int weekday = 0;
  if (!in->number(2, 1, 53, &week) || (hyphens && !in->take('-')) || !in->number(1, 1, 7, &weekday))
    return false;
  const auto week_one = [](int64_t of) {
    const int64_t fourth = day_number({of, 1, 4});
    return fourth - floor_mod(fourth - kMonday, 7);
  };
  *day = week_one(year) + 7 * (week - 1) + weekday - 1;
  return 7 * (week - 1) < week_one(year + 1) - week_one(year);
}

bool read_date(Scanner* in, int64_t* day) {
  int year = 0;
  if (!read_year(in, &year)) return false;
  const bool hyphens = in->take('-');
  if (in->take('W')) return read_week_date(in, year, hyphens, day);
  int month = 0;
  int number = 0;
  if (in->digits() == 3) {
    *day = day_number({year, 1, 1}) - 1;
    if (!in->number(3, 1, is_leap_year(year) ? 366 : 365, &number)) return false;
    *day += number;
    return true;
  }
  if (!in->number(2, 1, 12, &month) || (hyphens && !in->take('-'))) return false;
  if (!in->number(2, 1, days_in_month(year, month), &number)) return false;
  *day = day_number({year, month, number});
  return true;
}

bool read_time_of_day(Scanner* in, int64_t* micros) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t unit = 3600 * kMicrosPerSecond;  // of the decimals
  if (!in->number(2, 0, 24, &hour)) return false;
  const bool colons = in->take(':');
  if (colons || in->digits() >= 2) {
    if (!in->number(2, 0, 59, &minute)) return false;
    unit = 60 * kMicrosPerSecond;
    if (colons ? in->take(':') : in->digits() >= 2) {
      if (!in->number(2, 0, 60, &second)) return false;
      unit = kMicrosPerSecond;
    }
  }
  *micros = (3600LL * hour + 60 * minute + second) * kMicrosPerSecond;
  return in->decimals(unit, micros) && *micros <= kMicrosPerDay;
}

bool read_offset(Scanner* in, std::optional<int>* offset) {
  if (in->at_end()) return true;
  if (in->take('Z') || in->take('z')) {
    *offset = 0;
    return true;
  }
  const bool west = in->take('-');
  if (!west && !in->take('+')) return false;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (!in->number(2, 0, 15, &hour)) return false;
  const bool colons = in->take(':');
  if ((colons || !in->at_end()) && !in->number(2, 0, 59, &minute)) return false;
  if ((colons ? in->take(':') : !in->at_end()) && !in->number(2, 0, 59, &second)) return false;
  const int east = 3600 * hour + 60 * minute + second;
  *offset = west ? -east : east;
  return true;
}

}  // namespace

std::optional<TextTime> parse_iso8601(std::string_view text) {
  if (text.size() > kMaxTimeText) return {};
  Scanner in(text);
  TextTime time;
  int64_t day = 0;
  if (!read_date(&in, &day) || day < kMinTime / kMicrosPerDay || day >= kEndTime / kMicrosPerDay) return {};
  if (!in.at_end()) {
    if (!in.take('T') && !in.take('t') && !in.take(' ')) return {};
    if (!read_time_of_day(&in, &time.local) || !read_offset(&in, &time.offset) || !in.at_end()) return {};
  }
  time.local += day * kMicrosPerDay;
  return time;
}

}  // namespace trending
