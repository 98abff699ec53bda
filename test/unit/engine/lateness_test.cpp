// SPDX-License-Identifier: PostgreSQL
// What a row that is late for some of its windows counts in: exactly those that end after the event clock, as
// it stood before the row's transaction, less watermark_delay and allowed_lateness. The model keeps every row
// with that clock and adds up each window by itself; it knows nothing of panes.

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "engine/model.h"
#include "engine/odd_calendar.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

using Counts = std::map<std::string, int64_t>;

class LatenessRun {
 public:
  explicit LatenessRun(uint64_t seed)
      : random_(seed), calendar_(choose_options()), trend_(options_, calendar_) {}

  void run() {
    const int64_t transactions = 2 + below(30);
    for (int64_t i = 0; i < transactions && !testing::Test::HasFailure(); i++) {
      step();
      if (chance(6)) report();
    }
    if (testing::Test::HasFailure()) return;
    clock_ += 4 * span_ + options_.watermark_delay + options_.allowed_lateness;
    ASSERT_EQ(trend_.writer().advance_clock(clock_), Status::kOk);
    report();
    compare();
  }

 private:
  struct CountedRow {
    Event event;
    Time final_until;
  };

  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int64_t one_in) { return below(one_in) == 0; }

  Calendar choose_options() {
    WindowSpec& window = options_.window;
    const auto kind = static_cast<WindowKind>(below(3));
    const bool by_calendar = chance(4);
    if (by_calendar) {
      window = calendar_window(kind, chance(3) ? 70 : 4, [this](int64_t n) { return below(n); });
    } else {
      window.kind = kind;
      window.size = 2 + below(12);
      window.slide = 1 + below(window.size);
      window.origin = below(20) - 10;
    }
    unit_ = by_calendar ? kMicrosPerDay / 4 : 1;
    span_ = longest_window(window);
    options_.allowed_lateness = chance(3) ? 0 : below(2 * span_ / unit_ + 1) * unit_;
    options_.watermark_delay = chance(3) ? 0 : below(span_ / unit_ + 1) * unit_;
    options_.report_windows = true;
    options_.hash_seed = random_();
    now_ = below(1000) * unit_;
    return window.zoned ? kOddCalendar : Calendar{};
  }

  // Of a transaction some rows lie about where windows become final, and some move the clock on.
  void step() {
    const Time until =
        clock_ == kNoTime ? kNoTime : clock_ - options_.watermark_delay - options_.allowed_lateness;
    if (chance(3)) now_ += below(3 * span_ / unit_ + 1) * unit_;
    if (chance(8)) {
      if (now_ > clock_) clock_ = now_;
      ASSERT_EQ(trend_.writer().advance_clock(now_), Status::kOk);
      after_change();
      return;
    }
    std::vector<Event> events;
    Time latest = clock_;
    for (int64_t i = 1 + below(4); i > 0; i--) {
      const Time near = chance(2) && until != kNoTime ? until : now_;
      Event event{near + (below(4 * span_ / unit_) - 2 * span_ / unit_) * unit_, std::to_string(below(2)), 1};
      rows_.push_back({event, until});
      latest = std::max(latest, event.time);
      events.push_back(event);
    }
    ASSERT_EQ(trend_.apply(events), Status::kOk);
    clock_ = latest;
    after_change();
  }

  void after_change() {
    if (trend_.writer().has_final_pending_window()) report();
  }

  void report() {
    for (const Window& window : trend_.pending()) {
      Counts& counts = written_[window];
      counts.clear();
      trend_.writer().for_each_group_in_window(
          window, [&](KeyView key, const int64_t* state) { counts[string_of(key)] = state[0]; });
    }
    trend_.writer().mark_reported();
  }

  void compare() {
    std::map<Window, Counts, ByEnd> expected;
    for (const CountedRow& row : rows_) {
      for (const Window& window : windows_of(options_.window, calendar_, row.event.time)) {
        if (row.final_until == kNoTime || window.end > row.final_until) expected[window][row.event.key]++;
      }
    }
    std::erase_if(written_, [](const auto& window) { return window.second.empty(); });
    ASSERT_EQ(written_.size(), expected.size());
    for (const auto& [window, counts] : expected) {
      ASSERT_EQ(written_[window], counts) << window.start << " to " << window.end;
    }
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  int64_t unit_ = 1;
  int64_t span_ = 1;
  Time now_ = 0;
  Calendar calendar_;
  Time clock_ = kNoTime;
  std::vector<CountedRow> rows_;
  std::map<Window, Counts, ByEnd> written_;
  TestTrend trend_;
};

TEST(Lateness, ARowThatIsCountedElsewhereIsNotLate) {
  TrendOptions options;
  options.window = {WindowKind::kHop, false, 10, 5, 0};
  options.report_windows = true;
  TestTrend trend(options);
  ASSERT_EQ(trend.apply({{100, "a"}}), Status::kOk);
  EXPECT_TRUE(trend.writer().is_past(90, {}, 100));
  EXPECT_FALSE(trend.writer().is_past(95, {}, 100));
  trend.writer().count_elsewhere({20, 50});  // of windows that end at 20, 25, ..., 50
  for (Time t : {9, 10, 49, 50}) EXPECT_EQ(trend.writer().is_counted_elsewhere(t), t == 10 || t == 49) << t;
  ASSERT_EQ(trend.apply({{9, "a"}, {10, "a"}, {49, "a"}, {50, "a"}}), Status::kOk);
  EXPECT_EQ(trend.reader().counters().late, 2u);
  trend.writer().count_late(3);
  EXPECT_EQ(trend.reader().counters().late, 5u);
}

TEST(Lateness, ARowCountsInExactlyTheWindowsThatAreNotFinal) {
  for_each_seed(4000, [](uint64_t seed) { LatenessRun(seed).run(); });
}

}  // namespace
}  // namespace trending::test
