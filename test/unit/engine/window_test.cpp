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

TEST(Windows, PanesAreCutWherePartsOfWindowsBegin) {
  WindowSpec spec{WindowKind::kTumble, false, 60, 0, 0};
  spec.cuts[spec.cut_count++] = {true, -5};
  spec.cuts[spec.cut_count++] = {false, 10};
  const Windows windows(spec);
  EXPECT_EQ(windows.pane_of(61), (Pane{60, 70}));
  EXPECT_EQ(windows.pane_of(70), (Pane{70, 115}));
  EXPECT_EQ(windows.pane_of(119), (Pane{115, 120}));
  spec.kind = WindowKind::kHop;
  spec.slide = 20;
  const Windows hops(spec);
  EXPECT_EQ(hops.pane_of(61), (Pane{60, 70}));
  EXPECT_EQ(hops.pane_of(70), (Pane{70, 75}));
  EXPECT_EQ(hops.pane_of(79), (Pane{75, 80}));
  spec.cuts[1].distance = 60;
  EXPECT_EQ(check_window(spec), WindowError::kBadCut);
  spec.cuts[1] = {true, 10};
  EXPECT_EQ(check_window(spec), WindowError::kBadCut);
}

// No cut of any window lies within a pane, whatever the calendar; panes follow each other without a gap.
TEST(Windows, EveryPaneIsInAPartOrNot) {
  for_each_seed(200, [](uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
    const auto kind = static_cast<WindowKind>(below(3));
    WindowSpec spec = calendar_window(kind, 60, below);
    if (below(2) == 0) {
      spec = {kind, false, 2 + below(1000), 0, below(1000)};
      spec.slide = 1 + below(spec.size);
    }
    const Calendar calendar = spec.zoned ? kOddCalendar : Calendar{};
    for (int i = 0; i < 3; i++) {
      const int64_t distance = 1 + below(longest_window(spec) - 1);
      const bool from_end = below(2) == 0;
      spec.cuts[spec.cut_count++] = {from_end, from_end ? -distance : distance};
    }
    ASSERT_EQ(check_window(spec), WindowError::kNone);
    const Windows windows(spec, calendar);
    Time t = below(1000 * kMicrosPerDay);
    for (int i = 0; i < 50; i++) {
      const Pane pane = windows.pane_of(t);
      ASSERT_TRUE(pane.contains(t));
      ASSERT_EQ(windows.pane_of(pane.start), pane);
      ASSERT_EQ(windows.pane_of(pane.end).start, pane.end);
      ASSERT_EQ(found_by(windows, pane.start), found_by(windows, pane.end - 1));
      for (const Window& window : found_by(windows, t)) {
        for (int c = 0; c < spec.cut_count; c++) {
          const WindowCut& cut = spec.cuts[c];
          const Time at = (cut.from_end ? window.end : window.start) + cut.distance;
          ASSERT_EQ(pane.start >= at, pane.end - 1 >= at);
        }
      }
      t = below(3) == 0 ? pane.end : t + below(longest_window(spec));
    }
  });
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
  const Calendar calendar{nullptr, [](void*, Time local) {
                            return local - (local > 100 * kMicrosPerDay ? kMicrosPerDay / 24 : 0);
                          }};
  const Windows days({WindowKind::kTumble, true, kMicrosPerDay, 0, 0}, calendar);
  EXPECT_EQ(days.first_window(100 * kMicrosPerDay).end - days.first_window(100 * kMicrosPerDay).start,
            23 * kMicrosPerDay / 24);
  WindowSpec spec{WindowKind::kCumulate, true, kMicrosPerDay, kMicrosPerDay / 24, 0};
  spec.elapsed_step = true;
  EXPECT_EQ(found_by(Windows(spec, calendar), 100 * kMicrosPerDay).size(), 23u);
}

Time day(int64_t year, int month, int day) {
  return day_number({year, month, day}) * kMicrosPerDay;
}

WindowSpec of_months(WindowKind kind, int32_t size, int32_t slide = 0) {
  WindowSpec spec;
  spec.kind = kind;
  spec.size_months = size;
  spec.slide_months = slide;
  return spec;
}

TEST(Windows, MonthsQuartersAndYears) {
  const Windows months(of_months(WindowKind::kTumble, 1));
  EXPECT_EQ(months.first_window(day(2024, 2, 29)), (Window{day(2024, 2, 1), day(2024, 3, 1)}));
  EXPECT_EQ(months.first_window(day(2024, 3, 1) - 1), (Window{day(2024, 2, 1), day(2024, 3, 1)}));
  EXPECT_EQ(months.first_window(day(1969, 12, 31)), (Window{day(1969, 12, 1), day(1970, 1, 1)}));
  EXPECT_EQ(months.next_window({day(2023, 12, 1), day(2024, 1, 1)}),
            (Window{day(2024, 1, 1), day(2024, 2, 1)}));
  const Windows quarters(of_months(WindowKind::kTumble, 3));
  EXPECT_EQ(quarters.first_window(day(2024, 5, 31)), (Window{day(2024, 4, 1), day(2024, 7, 1)}));
  const Windows years(of_months(WindowKind::kTumble, 12));
  EXPECT_EQ(years.pane_of(day(2024, 12, 31)), (Pane{day(2024, 1, 1), day(2025, 1, 1)}));
  const Windows half_years(of_months(WindowKind::kHop, 6, 3));
  EXPECT_EQ(found_by(half_years, day(2024, 2, 1)),
            (WindowSet{{day(2023, 10, 1), day(2024, 4, 1)}, {day(2024, 1, 1), day(2024, 7, 1)}}));
  EXPECT_EQ(half_years.pane_of(day(2024, 2, 1)), (Pane{day(2024, 1, 1), day(2024, 4, 1)}));
}

TEST(Windows, MonthsFromTheLastDayOfOne) {
  WindowSpec spec = of_months(WindowKind::kTumble, 1);
  spec.origin = day(2023, 1, 31) + kMinute;
  const Windows months(spec);
  EXPECT_EQ(months.first_window(day(2024, 2, 29)),
            (Window{day(2024, 1, 31) + kMinute, day(2024, 2, 29) + kMinute}));
  EXPECT_EQ(months.next_window(months.first_window(day(2024, 2, 29))),
            (Window{day(2024, 2, 29) + kMinute, day(2024, 3, 31) + kMinute}));
}

TEST(Windows, TheLastMonthEveryDay) {
  WindowSpec spec = of_months(WindowKind::kHop, 1);
  spec.slide = kMicrosPerDay;
  const Windows windows(spec);
  // What began on 28, 29, 30 and 31 January ends on 28 February.
  EXPECT_EQ(windows.first_window(day(2023, 2, 27)),
            (Window{day(2023, 1, 27) + kMicrosPerDay, day(2023, 2, 28)}));
  EXPECT_EQ(windows.next_window({day(2023, 1, 31), day(2023, 2, 28)}),
            (Window{day(2023, 2, 1), day(2023, 3, 1)}));
  EXPECT_EQ(found_by(windows, day(2023, 2, 28)).size(), 28u);
  EXPECT_EQ(found_by(windows, day(2023, 2, 27)).size(), 31u);
  EXPECT_EQ(windows.pane_of(day(2023, 2, 27) + 1), (Pane{day(2023, 2, 27), day(2023, 2, 28)}));
}

TEST(Windows, ThisMonthSoFar) {
  WindowSpec spec = of_months(WindowKind::kCumulate, 1);
  spec.slide = kMicrosPerDay;
  const Windows windows(spec);
  EXPECT_EQ(windows.first_window(day(2024, 2, 28)), (Window{day(2024, 2, 1), day(2024, 2, 29)}));
  EXPECT_EQ(windows.next_window({day(2024, 2, 1), day(2024, 2, 29)}),
            (Window{day(2024, 2, 1), day(2024, 3, 1)}));
  EXPECT_EQ(windows.next_window({day(2024, 2, 1), day(2024, 3, 1)}),
            (Window{day(2024, 3, 1), day(2024, 3, 2)}));
  spec.slide = 7 * kMicrosPerDay;
  EXPECT_EQ(Windows(spec).pane_of(day(2024, 2, 29)), (Pane{day(2024, 2, 29), day(2024, 3, 1)}));
}

TEST(Windows, ChecksSpecifications) {
  const auto check = [](WindowKind kind, int64_t size, int64_t slide, int32_t months = 0,
                        int32_t slide_months = 0) {
    WindowSpec spec{kind, false, size, slide, 0};
    spec.size_months = months;
    spec.slide_months = slide_months;
    return check_window(spec);
  };
  using enum WindowKind;
  EXPECT_EQ(check(kTumble, 1, 0), WindowError::kNone);
  EXPECT_EQ(check(kTumble, 0, 0), WindowError::kSizeNotPositive);
  EXPECT_EQ(check(kTumble, 1, 0, 1), WindowError::kSizeNotPositive);
  EXPECT_EQ(check(kTumble, 0, 0, -1), WindowError::kSizeNotPositive);
  EXPECT_EQ(check(kTumble, INT64_MAX, 0), WindowError::kSizeTooLarge);
  EXPECT_EQ(check(kTumble, 0, 0, kMaxWindowMonths + 1), WindowError::kSizeTooLarge);
  EXPECT_EQ(check(kHop, 10, 0), WindowError::kSlideNotPositive);
  EXPECT_EQ(check(kHop, 10, 10, 0, 1), WindowError::kSlideNotPositive);
  EXPECT_EQ(check(kHop, 10, 11), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(kHop, 0, 0, 1, 2), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(kHop, 0, 28 * kMicrosPerDay, 1), WindowError::kNone);
  EXPECT_EQ(check(kHop, 0, 28 * kMicrosPerDay + 1, 1), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(kHop, 31 * kMicrosPerDay, 0, 0, 1), WindowError::kNone);
  EXPECT_EQ(check(kHop, 30 * kMicrosPerDay, 0, 0, 1), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(kCumulate, kMicrosPerDay, 25 * kMicrosPerDay / 24), WindowError::kSlideAboveSize);
  EXPECT_EQ(check(kHop, 1'000'000, 1), WindowError::kNone);
  EXPECT_EQ(check(kHop, 1'000'001, 1), WindowError::kTooManyPanes);
  EXPECT_EQ(check(kHop, 0, kMicrosPerDay + 1, 1), WindowError::kSlideNotDays);
  EXPECT_EQ(check(kCumulate, 0, 31 * kMicrosPerDay / 1'000'000, 1), WindowError::kNone);
  EXPECT_EQ(check(kCumulate, 0, 31 * kMicrosPerDay / 1'000'000 - 1, 1), WindowError::kTooManyPanes);
  EXPECT_EQ(check(kCumulate, kMaxWindowSize, kMaxWindowSize), WindowError::kNone);
  EXPECT_EQ(check(kTumble, 0, 0, kMaxWindowMonths), WindowError::kNone);
}

// Every way of asking agrees with trying all windows, for any specification and time.
void agree_with_trying_all(uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % static_cast<uint64_t>(n)); };
  for (int run = 0; run < 5000; run++) {
    const auto kind = static_cast<WindowKind>(below(3));
    const bool by_calendar = below(3) > 0;
    WindowSpec spec;
    if (by_calendar) {
      spec = calendar_window(kind, below(2) == 0 ? 40 : 800, below);
    } else {
      spec.kind = kind;
      spec.size = 1 + below(300);
      spec.slide = 1 + below(spec.size);
      spec.origin = below(2000) - 1000;
    }
    ASSERT_EQ(check_window(spec), WindowError::kNone);
    const Calendar calendar = spec.zoned ? kOddCalendar : Calendar{};
    const Windows windows(spec, calendar);
    const Time t = by_calendar ? below(2000 * kMicrosPerDay) - 1000 * kMicrosPerDay : below(2000) - 1000;

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

TEST(Windows, OfMonthsAreSoundAtTheEndsOfTime) {
  for (const WindowKind kind : {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate}) {
    for (const int32_t size : {1, 12, kMaxWindowMonths}) {
      for (const Time origin : {kUnixEpoch, kMinTime, kEndTime - 1}) {
        WindowSpec spec = of_months(kind, size, std::max(1, size / 7));
        spec.origin = origin;
        const Windows windows(spec);
        for (const Time t : {windows.range().start, windows.range().end - 1}) {
          EXPECT_TRUE(windows.pane_of(t).contains(t));
          EXPECT_GE(windows.first_window(t).start, kMinTime);
          EXPECT_LT(windows.next_window(windows.last_window(t)).end, kEndTime);
        }
      }
    }
  }
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
