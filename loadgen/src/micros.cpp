// SPDX-License-Identifier: PostgreSQL
#include "micros.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

namespace trending::loadgen {

namespace {

struct Unit {
  std::string_view name;
  Micros micros;
};

constexpr Unit kUnits[] = {{"us", 1},      {"ms", kMillisecond}, {"s", kSecond}, {"sec", kSecond},
                           {"m", kMinute}, {"min", kMinute},     {"h", kHour},   {"d", kDay},
                           {"day", kDay},  {"days", kDay}};

constexpr Micros kLongestSpan = 36500 * kDay;

std::optional<Micros> find_unit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.micros;
  }
  return std::nullopt;
}

// Takes a run of characters that satisfy the predicate off the front of the text.
template <typename Predicate>
std::string_view take(std::string_view& text, Predicate predicate) {
  size_t length = 0;
  while (length < text.size() && predicate(text[length])) ++length;
  const std::string_view taken = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Exactly `digits` digits off the front, as a number within the bounds.
bool take_number(std::string_view& text, size_t digits, int low, int high, int& number) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !is_digit(text.front())) return false;
  text.remove_prefix(digits);
  return number >= low && number <= high;
}

// [:SS[.ffffff]] off the front.
bool take_seconds(std::string_view& text, Micros& micros) {
  micros = 0;
  if (!take_char(text, ":")) return true;
  int seconds = 0;
  if (!take_number(text, 2, 0, 59, seconds)) return false;
  micros = seconds * kSecond;
  if (!take_char(text, ".")) return true;
  const std::string_view fraction = take(text, is_digit);
  if (fraction.empty()) return false;
  Micros scale = kSecond;
  for (const char digit : fraction) micros += (digit - '0') * (scale /= 10);
  return true;
}

// Z, +HH, +HHMM or +HH:MM; nothing means UTC.
bool take_offset(std::string_view& text, Micros& offset) {
  offset = 0;
  if (text.empty() || take_char(text, "Zz")) return true;
  const int sign = text.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!take_char(text, "+-") || !take_number(text, 2, 0, 15, hours)) return false;
  if (!text.empty()) {
    take_char(text, ":");
    if (!take_number(text, 2, 0, 59, minutes)) return false;
  }
  offset = sign * (hours * kHour + minutes * kMinute);
  return true;
}

}  // namespace

Timestamp wall_clock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

std::optional<Micros> parse_span(std::string_view text) {
  double total = 0;
  if (text.empty()) return std::nullopt;
  const bool bare = text.find_first_not_of("0123456789.") == std::string_view::npos;
  while (!text.empty()) {
    const std::string_view digits = take(text, [](char c) { return is_digit(c) || c == '.'; });
    double number = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || stop != digits.data() + digits.size()) return std::nullopt;
    take(text, [](char c) { return c == ' '; });
    const std::string_view name = take(text, [](char c) { return !is_digit(c) && c != ' ' && c != '.'; });
    take(text, [](char c) { return c == ' '; });
    const std::optional<Micros> unit = bare ? kSecond : find_unit(name);
    if (!unit) return std::nullopt;
    total += number * static_cast<double>(*unit);
  }
  if (total > static_cast<double>(kLongestSpan)) return std::nullopt;
  return std::llround(total);
}

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  Micros seconds = 0, offset = 0;
  if (!take_number(text, 4, 1970, 9999, year) || !take_char(text, "-") ||
      !take_number(text, 2, 1, 12, month) || !take_char(text, "-") || !take_number(text, 2, 1, 31, day)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  if (take_char(text, " T")) {
    if (!take_number(text, 2, 0, 23, hour) || !take_char(text, ":") || !take_number(text, 2, 0, 59, minute) ||
        !take_seconds(text, seconds) || !take_offset(text, offset)) {
      return std::nullopt;
    }
  }
  if (!text.empty()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * kDay + hour * kHour + minute * kMinute + seconds - offset;
}

std::string format_span(Micros span) {
  const double value = static_cast<double>(span);
  if (span < kMillisecond) return fmt::format("{} µs", span);
  if (span < kSecond) return fmt::format("{:.1f} ms", value / kMillisecond);
  if (span < 2 * kMinute) return fmt::format("{:.1f} s", value / kSecond);
  const Micros seconds = (span + kSecond / 2) / kSecond;
  if (span < 2 * kHour) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace trending::loadgen
