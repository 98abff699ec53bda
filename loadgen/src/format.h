// SPDX-License-Identifier: PostgreSQL
// Numbers and texts for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trending::loadgen {

// 1234567 → "1,234,567"
std::string with_commas(uint64_t number);

// 0.25 → "0.25", 12.34 → "12.3", 1234.5 → "1,235"
std::string format_rate(double per_second);

// 1, "event" → "1 event"; 1500, "event" → "1,500 events"
std::string counted(uint64_t number, std::string_view noun);

// 3, 12 → "25.0 %"
std::string percentage(uint64_t part, uint64_t whole);

std::string first_line(const std::string& text);

}  // namespace trending::loadgen
