// SPDX-License-Identifier: PostgreSQL
#include "format.h"

#include <cmath>

#include <fmt/format.h>

namespace trending::loadgen {

std::string with_commas(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t digits = 3; digits < text.size(); digits += 4) text.insert(text.size() - digits, 1, ',');
  return text;
}

std::string format_rate(double per_second) {
  if (per_second == std::floor(per_second) || per_second >= 99.95) {
    return with_commas(static_cast<uint64_t>(std::llround(per_second)));
  }
  return per_second >= 9.995 ? fmt::format("{:.1f}", per_second) : fmt::format("{:.2f}", per_second);
}

std::string counted(uint64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", with_commas(number), noun, number == 1 ? "" : "s");
}

std::string percentage(uint64_t part, uint64_t whole) {
  return fmt::format("{:.1f} %",
                     whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace trending::loadgen
