// SPDX-License-Identifier: PostgreSQL
#include "latency.h"

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

TEST(Latency, EmptyHasNoQuantiles) {
  LatencySnapshot snapshot;
  snapshot.add(LatencyHistogram());
  EXPECT_EQ(snapshot.count(), 0U);
  EXPECT_EQ(snapshot.quantile(0.99), 0);
}

TEST(Latency, QuantilesAreWithinAThirtySecond) {
  LatencyHistogram histogram;
  for (Micros value = 1; value <= 100000; ++value) histogram.record(value);
  LatencySnapshot snapshot;
  snapshot.add(histogram);
  EXPECT_EQ(snapshot.count(), 100000U);
  for (const double share : {0.0001, 0.01, 0.5, 0.95, 0.99, 0.999}) {
    const double exact = share * 100000;
    EXPECT_GE(static_cast<double>(snapshot.quantile(share)), exact);
    EXPECT_LE(static_cast<double>(snapshot.quantile(share)), exact * 33 / 32 + 1);
  }
  EXPECT_EQ(snapshot.quantile(1), 100000);
  EXPECT_EQ(snapshot.longest(), 100000);
}

TEST(Latency, ExtremesAreKept) {
  LatencyHistogram histogram;
  histogram.record(-5);
  histogram.record(0);
  histogram.record(400 * kDay);
  LatencySnapshot snapshot;
  snapshot.add(histogram);
  EXPECT_EQ(snapshot.count(), 3U);
  EXPECT_EQ(snapshot.quantile(0.5), 0);
  EXPECT_EQ(snapshot.longest(), 400 * kDay);
}

TEST(Latency, SinceIsTheInterval) {
  LatencyHistogram histogram;
  histogram.record(1000);
  LatencySnapshot before;
  before.add(histogram);
  for (int i = 0; i < 10; ++i) histogram.record(10);
  LatencySnapshot after;
  after.add(histogram);
  const LatencySnapshot interval = after.since(before);
  EXPECT_EQ(interval.count(), 10U);
  EXPECT_EQ(interval.quantile(0.99), 10);
}

}  // namespace
}  // namespace trending::loadgen
