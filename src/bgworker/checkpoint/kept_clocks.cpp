#include "bgworker/checkpoint/kept_clocks.h"

#include <algorithm>

#include "bgworker/intake/passed_over.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/checksum.h"
#include "postgres/spi.h"

namespace trending {

namespace {

// Clock, watermark, end of the final windows, four numbers of rows, checksum.
constexpr int kNumbers = 8;

int64 checksum_of(int32 trend_id, const int64* numbers) {
  return Checksum("trend_start").add(int64{trend_id}).add(numbers, sizeof(int64) * (kNumbers - 1)).value();
}

bool read(int32 trend_id, const int64* numbers, int count, ClockBefore* clocks) {
  if (count != kNumbers || numbers[kNumbers - 1] != checksum_of(trend_id, numbers)) return false;
  *clocks = {numbers[0],
             numbers[1],
             numbers[2],
             static_cast<uint64>(numbers[3]),
             static_cast<uint64>(numbers[4]),
             static_cast<uint64>(numbers[5]),
             static_cast<uint64>(numbers[6])};
  return clocks->clock < kEndTime && clocks->watermark < kEndTime && clocks->final_until < kEndTime &&
         std::all_of(numbers + 3, numbers + kNumbers - 1, [](int64 rows) { return rows >= 0; });
}

void store(FollowedTrend* trend, const ClockBefore& clocks) {
  static SpiStatement update = {"UPDATE trending.trend_start SET clocks = $2 WHERE trend_id = $1"};
  if (trend->kept_known && trend->kept == clocks) return;
  int64 numbers[kNumbers] = {clocks.clock,
                             clocks.watermark,
                             clocks.final_until,
                             static_cast<int64>(clocks.late),
                             static_cast<int64>(clocks.null_time),
                             static_cast<int64>(clocks.failed),
                             static_cast<int64>(clocks.unretracted)};
  numbers[kNumbers - 1] = checksum_of(trend->id, numbers);
  SpiValue value = spi_int8_array(numbers, kNumbers);
  value.is_null = clocks == ClockBefore{};
  spi_run(&update, {spi_int4(trend->id), value});
  trend->kept = clocks;
  trend->kept_known = true;
}

uint64 shown(pg_atomic_uint64* counter) {
  return pg_atomic_read_u64(counter);
}

void raise(pg_atomic_uint64* counter, uint64 value) {
  pg_atomic_write_u64(counter, std::max(pg_atomic_read_u64(counter), value));
}

}  // namespace

ClockBefore clocks_of(const FollowedTrend* trend) {
  ClockBefore clocks = trend->before;
  clocks.null_time = shown(&trend->shared->null_time);
  clocks.failed = shown(&trend->shared->failed);
  clocks.unretracted = shown(&trend->shared->unretracted);
  if (!trend->arena.is_open()) return clocks;
  const TrendWriter& writer = trend->writer;
  // The clocks of a state that is ahead of the position would make rows late that are yet to be decoded.
  if (trend->is_whole && !trend->filter.active()) {
    clocks.clock = writer.clock();
    clocks.watermark = writer.watermark();
    clocks.final_until = writer.final_before();
  }
  clocks.late = std::max(clocks.late, writer.counters().late) + trend->passed->recorded_late;
  return clocks;
}

void take_counters(FollowedTrend* trend) {
  hold_trend(trend->shared);
  trend->writer.count_late(trend->before.late - trend->writer.counters().late);
  release_trend(trend->shared);
  raise(&trend->shared->null_time, trend->before.null_time);
  raise(&trend->shared->failed, trend->before.failed);
  raise(&trend->shared->unretracted, trend->before.unretracted);
}

void kept_clocks_load(FollowedTrend* trend) {
  static SpiStatement select = {"SELECT clocks FROM trending.trend_start WHERE trend_id = $1"};
  trend->kept = {};
  trend->kept_known = true;
  if (spi_run(&select, {spi_int4(trend->id)}) != 1) return;
  const SpiRow row(0);
  const int64* numbers = nullptr;
  int count = 0;
  if (row.is_null("clocks")) return;
  if (!row.read_int8_array("clocks", &numbers, &count) || !read(trend->id, numbers, count, &trend->kept)) {
    trend->kept = {};
    trend->kept_known = false;
    ereport(WARNING, (errmsg("trend %d: where its clocks stood cannot be read", trend->id),
                      errdetail("It is filled from where its history ends.")));
  }
  if (trend->before == ClockBefore{}) trend->before = trend->kept;
}

void kept_clocks_write(FollowedTrend* trend) {
  store(trend, clocks_of(trend));
}

void kept_clocks_forget(FollowedTrend* trend) {
  store(trend, {});
}

}  // namespace trending
