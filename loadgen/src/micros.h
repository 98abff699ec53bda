// SPDX-License-Identifier: PostgreSQL
// Times and spans: microseconds, as the server keeps them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trending::loadgen {

using Micros = int64_t;     // a span
using Timestamp = int64_t;  // microseconds since 1970-01-01 00:00 UTC

inline constexpr Micros kMillisecond = 1000;
inline constexpr Micros kSecond = 1000 * kMillisecond;
inline constexpr Micros kMinute = 60 * kSecond;
inline constexpr Micros kHour = 60 * kMinute;
inline constexpr Micros kDay = 24 * kHour;

// The server counts its timestamps from 2000-01-01 UTC.
inline constexpr Timestamp kServerEpoch = 946684800 * kSecond;

Timestamp wall_clock();

// "90", "1.5s", "250ms", "5min", "2h", "7d" or a sum such as "1h30min"; a bare number is seconds. Not
// negative.
std::optional<Micros> parse_span(std::string_view text);

// ISO 8601, "2026-01-31", "2026-01-31 18:30", "2026-01-31T18:30:00.5+02:00"; without an offset it is UTC.
std::optional<Timestamp> parse_timestamp(std::string_view text);

// "850 µs", "1.2 ms", "12.0 s", "3 min 20 s", "2 h 5 min"
std::string format_span(Micros span);

}  // namespace trending::loadgen
