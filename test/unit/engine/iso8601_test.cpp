// SPDX-License-Identifier: PostgreSQL
#include "engine/time/iso8601.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include "engine/time/civil.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;
constexpr Time kHour = 3600 * kSecond;

Time at(int64_t year, int month, int day, Time in_day = 0) {
  return day_number({year, month, day}) * kMicrosPerDay + in_day;
}

TEST(Civil, AgreesWithTheStandardLibrary) {
  using namespace std::chrono;
  for (int64_t day = -4'000'000; day < 4'000'000; day += 37) {
    const year_month_day expected{sys_days{days{day - kUnixEpochDay}}};
    const Date date = date_of_day(day);
    ASSERT_EQ(date.year, static_cast<int>(expected.year())) << day;
    ASSERT_EQ(date.month, static_cast<int>(static_cast<unsigned>(expected.month()))) << day;
    ASSERT_EQ(date.day, static_cast<int>(static_cast<unsigned>(expected.day()))) << day;
    ASSERT_EQ(day_number(date), day);
    const year_month_day_last last{expected.year(), month_day_last{expected.month()}};
    ASSERT_EQ(days_in_month(date.year, date.month), static_cast<int>(static_cast<unsigned>(last.day())));
  }
}

TEST(Iso8601, ReadsTimesWithAnOffset) {
  const auto expect = [](const char* text, Time local, int offset) {
    const auto time = parse_iso8601(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(time->local, local) << text;
    EXPECT_EQ(time->offset, offset) << text;
  };
  const Time noon = at(2024, 5, 1, 12 * kHour);
  for (const char* text : {"2024-05-01T12:00:00Z", "2024-05-01t12:00z", "2024-05-01 12Z", "20240501T120000Z",
                           "20240501T1200Z", "20240501T12Z", "2024-122T12:00Z", "2024122T12Z",
                           "2024-W18-3T12:00:00Z", "2024W183T120000Z", "+002024-05-01T12:00:00.000Z",
                           "2024-05-01T11:59:60Z", "2024-05-01T12:00:00,000000000000000000000000Z"}) {
    expect(text, noon, 0);
  }
  expect("2024-05-01T12:00:00+05:30", noon, 5 * 3600 + 30 * 60);
  expect("2024-05-01T12:00:00-0330", noon, -(3 * 3600 + 30 * 60));
  expect("2024-05-01T12:00:00-03", noon, -3 * 3600);
  expect("2024-05-01 12:00:00-00:44:30", noon, -(44 * 60 + 30));
  expect("2024-05-01T12:00:00+15:59:59", noon, 16 * 3600 - 1);
  expect("2024-05-01T24:00Z", at(2024, 5, 2), 0);
  expect("2024-05-01T23:59:60Z", at(2024, 5, 2), 0);
  expect("2024-05-01T12:00:00.123456Z", noon + 123'456, 0);
  expect("2024-05-01T12:00:00.1Z", noon + 100'000, 0);
  expect("2024-05-01T12:00:00.123456789Z", noon + 123'457, 0);
  expect("2024-05-01T12:00:00.9999999Z", noon + kSecond, 0);
  expect("2024-05-01T11:59.5Z", noon - 30 * kSecond, 0);
  expect("2024-05-01T11,75Z", noon - 900 * kSecond, 0);
  expect("2024-02-29T00:00Z", at(2024, 2, 29), 0);
  expect("2020-W53-7T00Z", at(2021, 1, 3), 0);
  expect("2021-W01-1T00Z", at(2021, 1, 4), 0);
  expect("12024-05-01T12:00:00Z", at(12024, 5, 1, 12 * kHour), 0);
  expect("-000001-01-01T00:00Z", at(-1, 1, 1), 0);
  expect("0000-01-01T00:00Z", at(0, 1, 1), 0);
}

TEST(Iso8601, ReadsLocalTimes) {
  for (const char* text : {"2024-05-01T00:00:00", "20240501T00", "2024-05-01", "20240501", "2024-122"}) {
    const auto time = parse_iso8601(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(time->local, at(2024, 5, 1));
    EXPECT_FALSE(time->offset.has_value());
  }
}

TEST(Iso8601, RefusesEverythingElse) {
  for (const char* text : {"",
                           " ",
                           "now",
                           "today",
                           "infinity",
                           "2024",
                           "2024-05",
                           "2024-5-1",
                           "2024-05-01T",
                           "2024-05-01T1Z",
                           "2024-05-01 12:00:00 Z",
                           " 2024-05-01T12:00Z",
                           "2024-05-01T12:00Z ",
                           "2024-05-01T12:00:00Z+01",
                           "2024-13-01T00Z",
                           "2024-00-01T00Z",
                           "2024-02-30T00Z",
                           "2023-02-29T00Z",
                           "1900-02-29T00Z",
                           "2024-04-31T00Z",
                           "2024-05-00T00Z",
                           "2024-05-01T25:00Z",
                           "2024-05-01T24:00:01Z",
                           "2024-05-01T12:60Z",
                           "2024-05-01T12:00:61Z",
                           "2024-05-01T23:59:60.5Z",
                           "2024-05-01T12:00:00.Z",
                           "2024-05-01T12:00:00+16:00",
                           "2024-05-01T12:00:00+01:60",
                           "2024-05-01T12:00:00+1",
                           "2024-05-01T12:00+",
                           "2024-05-01T12:00:00+01:",
                           "2024-05-01T12:Z",
                           "2024-05-01T12:0Z",
                           "2024-05-0112:00Z",
                           "2024-0501T00Z",
                           "202405-01T00Z",
                           "2023-366T00Z",
                           "2024-367T00Z",
                           "2024-000T00Z",
                           "2021-W53-1T00Z",
                           "2024-W00-1T00Z",
                           "2024-W18-0T00Z",
                           "2024-W18-8T00Z",
                           "2024-W183T00Z",
                           "2024W18-3T00Z",
                           "2024-W18T00Z",
                           "01.05.2024",
                           "05/01/2024",
                           "1714564800",
                           "2024-05-01T12:00:00 Europe/Berlin",
                           "-000000-01-01T00Z",
                           "+2024-05-01T00Z",
                           "999999-01-01T00Z",
                           "-999999-01-01T00Z",
                           "294277-01-01T00Z",
                           "-004714-01-01T00Z",
                           "2024-05-01T12:00:00.00000000000000000000000000000000000000000000Z",
                           "２０２４-05-01T00Z"}) {
    EXPECT_FALSE(parse_iso8601(text).has_value()) << text;
  }
  EXPECT_FALSE(parse_iso8601(std::string_view("2024-05-01T12:00Z\0", 18)).has_value());
}

// Whatever the bytes: no crash, and what is a time is one that was written.
TEST(Iso8601, SurvivesMutations) {
  std::mt19937_64 random(7);
  const std::string characters = "0123456789-+:.,TZWtz \xff";
  for (int i = 0; i < 200'000; i++) {
    std::string text = "2024-W05-01T12:34:56.789+01:30";
    for (int changes = 1 + static_cast<int>(random() % 5); changes > 0; changes--) {
      const size_t place = random() % (text.size() + 1);
      const char made = characters[random() % characters.size()];
      if (random() % 3 == 0)
        text.insert(place, 1, made);
      else if (place < text.size() && random() % 2 == 0)
        text.erase(place, 1 + random() % 4);
      else if (place < text.size())
        text[place] = made;
    }
    const auto time = parse_iso8601(text);
    if (time) {
      ASSERT_GE(time->local, kMinTime) << text;
      ASSERT_LE(time->local, kEndTime) << text;
    }
  }
}

}  // namespace
}  // namespace trending::test
