// SPDX-License-Identifier: PostgreSQL
#include "micros.h"

#include <gtest/gtest.h>

#include "format.h"

namespace trending::loadgen {
namespace {

TEST(ParseSpan, ReadsUnits) {
  EXPECT_EQ(parse_span("90"), 90 * kSecond);
  EXPECT_EQ(parse_span("0"), 0);
  EXPECT_EQ(parse_span("1.5"), 1500 * kMillisecond);
  EXPECT_EQ(parse_span("1.5s"), 1500 * kMillisecond);
  EXPECT_EQ(parse_span("250ms"), 250 * kMillisecond);
  EXPECT_EQ(parse_span("10us"), 10);
  EXPECT_EQ(parse_span("5min"), 5 * kMinute);
  EXPECT_EQ(parse_span("2 h"), 2 * kHour);
  EXPECT_EQ(parse_span("7d"), 7 * kDay);
  EXPECT_EQ(parse_span("1h30min"), 90 * kMinute);
}

TEST(ParseSpan, RefusesTheRest) {
  for (const char* text :
       {"", " ", "s", "-5s", "5 parsecs", "1.2.3s", "1h30", "5s!", "nan", "inf", "1e400", "99999999d"}) {
    EXPECT_FALSE(parse_span(text)) << text;
  }
}

TEST(ParseTimestamp, ReadsIso8601) {
  EXPECT_EQ(parse_timestamp("1970-01-01"), 0);
  EXPECT_EQ(parse_timestamp("2000-01-01 00:00"), kServerEpoch);
  EXPECT_EQ(parse_timestamp("2000-01-01T00:00:00Z"), kServerEpoch);
  EXPECT_EQ(parse_timestamp("2000-01-01T00:00:01.5"), kServerEpoch + 1500 * kMillisecond);
  EXPECT_EQ(parse_timestamp("2000-01-01T02:00:00+02:00"), kServerEpoch);
  EXPECT_EQ(parse_timestamp("1999-12-31T18:30:00-0530"), kServerEpoch);
  EXPECT_EQ(parse_timestamp("2000-01-01T02:00:00+02"), kServerEpoch);
  EXPECT_EQ(parse_timestamp("2024-02-29"), parse_timestamp("2024-02-28").value() + kDay);
}

TEST(ParseTimestamp, RefusesTheRest) {
  for (const char* text : {"", "now", "2026", "2026-13-01", "2026-02-30", "2023-02-29", "2026-01-01T24:00:00",
                           "26-01-01", "2026-01-01 12", "2026-01-01T12:00:60", "2026-01-01T12:00:00 CET",
                           "2026-01-01T12:00:00.", "1969-12-31", "-026-01-01"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(FormatSpan, SuitsTheSize) {
  EXPECT_EQ(format_span(850), "850 µs");
  EXPECT_EQ(format_span(1234), "1.2 ms");
  EXPECT_EQ(format_span(12 * kSecond), "12.0 s");
  EXPECT_EQ(format_span(200 * kSecond), "3 min 20 s");
  EXPECT_EQ(format_span(125 * kMinute), "2 h 5 min");
}

TEST(Format, Numbers) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(format_rate(0.25), "0.25");
  EXPECT_EQ(format_rate(12.34), "12.3");
  EXPECT_EQ(format_rate(1234.5), "1,235");
  EXPECT_EQ(format_rate(9.999), "10.0");
  EXPECT_EQ(counted(1, "event"), "1 event");
  EXPECT_EQ(counted(1500, "event"), "1,500 events");
  EXPECT_EQ(percentage(3, 12), "25.0 %");
  EXPECT_EQ(percentage(0, 0), "0.0 %");
}

}  // namespace
}  // namespace trending::loadgen
