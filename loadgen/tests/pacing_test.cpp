// SPDX-License-Identifier: PostgreSQL
#include "pacing.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

TEST(Schedule, EventsAreEvenlySpread) {
  const Schedule schedule(1000, 1);
  EXPECT_EQ(schedule.due(uint64_t{0}), 0);
  EXPECT_EQ(schedule.due(uint64_t{1}), kMillisecond);
  EXPECT_EQ(schedule.due(uint64_t{3'600'000}), kHour);
  EXPECT_EQ(schedule.due(EventSpan{10, 5}), 14 * kMillisecond);
  EXPECT_EQ(Schedule(0.5, 1).due(uint64_t{3}), 6 * kSecond);
}

TEST(Schedule, StoryTimeGoesAtSpeed) {
  EXPECT_EQ(Schedule(1000, 60).story_time(1000), kMinute);
  EXPECT_EQ(Schedule(1000, 0.5).story_time(1000), kSecond / 2);
  EXPECT_EQ(Schedule(0, 1).story_time(10000), kSecond);
}

TEST(Schedule, UnpacedIsAlwaysDue) {
  const Schedule schedule(0, 1);
  EXPECT_FALSE(schedule.paced());
  EXPECT_EQ(schedule.due(uint64_t{1'000'000'000}), 0);
  EXPECT_FALSE(schedule.events_within(kHour));
}

TEST(Schedule, EventsWithinADuration) {
  EXPECT_EQ(Schedule(1000, 1).events_within(2 * kSecond), 2000U);
  EXPECT_EQ(Schedule(3, 1).events_within(kSecond / 2), 2U);  // due at 0 and 0.33 s
  EXPECT_EQ(Schedule(0.5, 1).events_within(kSecond), 1U);
}

TEST(Dispenser, EndsExactlyAtTheLimit) {
  Dispenser dispenser(10, 4);
  EXPECT_EQ(dispenser.next()->count, 4U);
  EXPECT_EQ(dispenser.next()->first, 4U);
  const auto last = dispenser.next();
  EXPECT_EQ(last->first, 8U);
  EXPECT_EQ(last->count, 2U);
  EXPECT_FALSE(dispenser.next());
  EXPECT_FALSE(dispenser.next());
}

TEST(Dispenser, WaitsForEarlierSpans) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kLong = std::chrono::seconds(30);
  Dispenser dispenser(30, 10);
  const EventSpan first = *dispenser.next();
  const EventSpan second = *dispenser.next();
  const EventSpan third = *dispenser.next();
  std::stop_source stop;
  EXPECT_TRUE(dispenser.wait_for_earlier(first, stop.get_token(), Clock::now() + kLong));
  dispenser.finish(second);
  EXPECT_FALSE(dispenser.wait_for_earlier(third, stop.get_token(), Clock::now()));
  std::jthread finisher([&] { dispenser.finish(first); });
  EXPECT_TRUE(dispenser.wait_for_earlier(third, stop.get_token(), Clock::time_point::max()));
}

TEST(Dispenser, TheEndOfTheRunEndsTheWait) {
  Dispenser dispenser(20, 10);
  dispenser.next();
  const EventSpan second = *dispenser.next();
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(dispenser.wait_for_earlier(second, stop.get_token(),
                                          std::chrono::steady_clock::now() + std::chrono::seconds(30)));
}

TEST(Dispenser, HandsOutEachEventOnce) {
  constexpr uint64_t kLimit = 100003;
  Dispenser dispenser(kLimit, 7);
  std::mutex mutex;
  std::vector<EventSpan> spans;
  const auto take_all = [&] {
    while (const auto span = dispenser.next()) {
      const std::lock_guard lock(mutex);
      spans.push_back(*span);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(take_all);
  for (std::thread& thread : threads) thread.join();
  std::ranges::sort(spans, {}, &EventSpan::first);
  uint64_t expected = 0;
  for (const EventSpan& span : spans) {
    ASSERT_EQ(span.first, expected);
    expected += span.count;
  }
  EXPECT_EQ(expected, kLimit);
}

TEST(Backoff, DoublesUpToFiveSeconds) {
  EXPECT_EQ(backoff(0, 0.5), 100 * kMillisecond);
  EXPECT_EQ(backoff(1, 0.5), 200 * kMillisecond);
  EXPECT_EQ(backoff(20, 0.5), 5 * kSecond);
  EXPECT_EQ(backoff(4'000'000'000, 0.5), 5 * kSecond);
  EXPECT_EQ(backoff(0, 0), 75 * kMillisecond);
  EXPECT_LT(backoff(20, 0.999), 6250 * kMillisecond);
}

TEST(AutomaticBatch, MakesTenTransactionsASecondAndClient) {
  EXPECT_EQ(automatic_batch(1000, 4), 25U);
  EXPECT_EQ(automatic_batch(5, 4), 1U);
  EXPECT_EQ(automatic_batch(1e6, 4), 1000U);
  EXPECT_EQ(automatic_batch(0, 4), 1000U);
}

}  // namespace
}  // namespace trending::loadgen
