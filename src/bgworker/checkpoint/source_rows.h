// SPDX-License-Identifier: PostgreSQL
// What is stored of a trend's source: its tables (trending.trend_source_table), and the times of rows that
// were refused as too far ahead (trending.trend_ahead_range). Needs SPI.
#pragma once

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Writes what has changed. Returns the checksum of all.
int64 write_source_rows(FollowedTrend* trend);

// Reads them into trend->stored, and their checksum; null when they are good, else what is wrong.
const char* read_source_rows(FollowedTrend* trend, int64* checksum);
// What the checksum does not know.
bool ahead_ranges_are_valid(const FollowedTrend* trend);

}  // namespace trending
