// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <random>

#include "engine/model.h"
#include "engine/odd_calendar.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr Time kSecond = 1'000'000;
constexpr Time kMinute = 60 * kSecond;

WindowSet found_by(const Windows& windows, Time t) {
  WindowSet found;
  windows.for_each_window_of(t, [&](const Window& window) { found.insert(window); });
  return found;
}

TEST(Windows, Tumble) {
  const Windows windows({WindowKind::kTumble, false, 5 * kMinute, 0, kUnixEpoch});
  EXPECT_EQ(windows.first_window(0), (Window{0, 5 * kMinute}));
  EXPECT_EQ(windows.first_window(5 * kMinute - 1), (Window{0, 5 * kMinute}));
  EXPECT_EQ(windows.first_window(-1), (Window{-5 * kMinute, 0}));
  EXPECT_EQ(windows.pane_of(-1), (Window{-5 * kMinute, 0}));
  EXPECT_EQ(windows.next_window({0, 5 * kMinute}), (Window{5 * kMinute, 10 * kMinute}));
}

TEST(Windows, HopWhoseSizeIsNoMultipleOfItsSlide) {
  const Windows windows({WindowKind::kHop, false, 25, 10, 0});
  EXPECT_EQ(found_by(windows, 22), (WindowSet{{0, 25}, {10, 35}, {20, 45}}));
  EXPECT_EQ(found_by(windows, 26), (WindowSet{{10, 35}, {20, 45}}));
  EXPECT_EQ(windows.pane_of(22), (Pane{20, 25}));
  EXPECT_EQ(windows.pane_of(26), (Pane{25, 30}));
}

TEST(Windows, CumulateCutsTheLastStepAtTheEndOfThePeriod) {
  const Windows windows({WindowKind::kCumulate, false, 25, 10, 0});
  EXPECT_EQ(found_by(windows, 12), (WindowSet{{0, 20}, {0, 25}}));
  EXPECT_EQ(windows.pane_of(24), (Pane{20, 25}));
  EXPECT_EQ(windows.next_window({0, 20}), (Window{0, 25}));
  EXPECT_EQ(windows.next_window({0, 25}), (Window{25, 35}));
}

TEST(Windows, DaysOfAZoneHaveTheirRealLength) {
  // Clocks go forward an hour in the morning of day 100.
  const Calendar calendar{
      nullptr, [](void*, int64_t day) { return day * kMicrosPerDay - (day > 100 ? kMicrosPerDay / 24 : 0); }};
  const Windows days({WindowKind::kTumble, true, 1, 0, 0}, calendar);
  EXPECT_EQ(days.first_window(100 * kMicrosPerDay).end - days.first_window(100 * kMicrosPerDay).start,
            23 * kMicrosPerDay / 24);
  const Windows hours({WindowKind::kCumulate, true, 1, kMicrosPerDay / 24, 0}, calendar);
  EXPECT_EQ(found_by(hours, 100 * kMicrosPerDay).size(), 23u);
}

TEST(Windows, ChecksSpecifications) {
  const auto check = [](WindowKind kind, int64_t size, int64_t slide, bool zoned = false) {
    return check_window({kind, zoned, size, slide, 0});
  };
  EXPECT_EQ(check(WindowKind::kTumble, 1, 0), WindowError::kNone);
  EXPECT_EQ(check(WindowKind::kTumble, 0, 0), WindowError::kSizeNotPositive);
  EXPECT_EQ(check(WindowKind::kTumble, INT64_MAX, 0), WindowError::kSizeTooLarge);
  EXPECT_EQ(check(WindowKind::kTumble, INT64_MAX, 0, true), WindowError::kSizeTooLarge);
  EXPECT_EQ(check(WindowKind::kHop, 10, 0), WindowError::kSlideNotPositive);
  EXPECT_EQ(check(WindowKind::kHop, 10, 11), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(WindowKind::kCumulate, 1, 25 * kMicrosPerDay / 24, true), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(WindowKind::kHop, kMicrosPerDay, 1), WindowError::kTooManyPanes);
  EXPECT_EQ(check(WindowKind::kCumulate, kMaxWindowSize, kMaxWindowSize), WindowError::kNone);
}

// Every way of asking agrees with trying all windows, for any specification and time.
void agree_with_trying_all(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (int run = 0; run < 3000; run++) {
    WindowSpec spec;
    spec.kind = static_cast<WindowKind>(below(3));
    spec.zoned = below(2) == 0;
    spec.size = 1 + below(spec.zoned ? 40 : 300);
    spec.slide = 1 + below(spec.size);
    if (spec.zoned && spec.kind == WindowKind::kCumulate)
      spec.slide = kMicrosPerDay / 8 * (1 + below(8 * spec.size));
    spec.origin = below(2000) - 1000;
    ASSERT_EQ(check_window(spec), WindowError::kNone);
    const Calendar calendar = spec.zoned ? kOddCalendar : Calendar{};
    const Windows windows(spec, calendar);
    const Time t = spec.zoned ? below(1000 * kMicrosPerDay) - 500 * kMicrosPerDay : below(2000) - 1000;

    const WindowSet expected = windows_of(spec, calendar, t);
    ASSERT_EQ(found_by(windows, t), expected);
    ASSERT_EQ(windows.first_window(t), *expected.begin());
    ASSERT_EQ(windows.last_window(t), *expected.rbegin());
    ASSERT_TRUE(ByEnd()(windows.last_window(t), windows.next_window(windows.last_window(t))));
    // A pane is all times that share t's windows, and no other.
    const Pane pane = windows.pane_of(t);
    ASSERT_TRUE(pane.contains(t));
    ASSERT_EQ(windows_of(spec, calendar, pane.start), expected);
    ASSERT_EQ(windows_of(spec, calendar, pane.end - 1), expected);
    ASSERT_NE(windows_of(spec, calendar, pane.start - 1), expected);
    ASSERT_NE(windows_of(spec, calendar, pane.end), expected);
  }
}

TEST(Windows, AgreeWithTryingAll) {
  for_each_seed(1, agree_with_trying_all);
}

TEST(Windows, AreSoundAtTheEndsOfTime) {
  for (const WindowKind kind : {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate}) {
    for (const int64_t size : {int64_t{1}, kMinute, kMaxWindowSize}) {
      for (const Time origin : {Time{0}, kUnixEpoch, kMinTime, kEndTime - 1}) {
        const Windows windows({kind, false, size, std::max<int64_t>(1, size / 7), origin});
        EXPECT_FALSE(windows.in_range(INT64_MIN));
        EXPECT_FALSE(windows.in_range(INT64_MAX));
        EXPECT_FALSE(windows.in_range(kMinTime - 1));
        EXPECT_FALSE(windows.in_range(kEndTime));
        for (const Time t : {kMinTime + 2 * size, kEndTime - 2 * size - 1}) {
          ASSERT_TRUE(windows.in_range(t));
          EXPECT_TRUE(windows.pane_of(t).contains(t));
          EXPECT_GE(windows.first_window(t).start, kMinTime);
          EXPECT_LT(windows.next_window(windows.last_window(t)).end, kEndTime);
        }
      }
    }
  }
}

}  // namespace
}  // namespace trending::test
