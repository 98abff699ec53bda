// SPDX-License-Identifier: PostgreSQL
#include "bgworker/checkpoint/kept_clocks.h"

#include <algorithm>

#include "bgworker/intake/passed_over.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/checksum.h"
#include "postgres/spi.h"

namespace trending {

namespace {

constexpr char kTable[] = "trend_clock";

struct Field {
  const char* column;
  int64 ClockBefore::*member;
};

constexpr Field kFields[] = {{"clock", &ClockBefore::clock},
                             {"watermark", &ClockBefore::watermark},
                             {"final_until", &ClockBefore::final_until},
                             {"late", &ClockBefore::late},
                             {"null_time", &ClockBefore::null_time},
                             {"failed", &ClockBefore::failed},
                             {"unretracted", &ClockBefore::unretracted}};

int64 checksum_of(int32 trend_id, const ClockBefore& clocks) {
  Checksum checksum(kTable);
  checksum.add(int64{trend_id});
  for (const Field& field : kFields) checksum.add(clocks.*field.member);
  return checksum.value();
}

bool read(int32 trend_id, const SpiRow& row, ClockBefore* clocks) {
  int64 checksum = 0;
  bool good = row.read("checksum", &checksum);
  for (const Field& field : kFields) good = good && row.read(field.column, &(clocks->*field.member));
  return good && checksum == checksum_of(trend_id, *clocks) && clocks->clock < kEndTime &&
         clocks->watermark < kEndTime && clocks->final_until < kEndTime && clocks->late >= 0 &&
         clocks->null_time >= 0 && clocks->failed >= 0 && clocks->unretracted >= 0;
}

void upsert(int32 trend_id, const ClockBefore& clocks) {
  static SpiStatement statement = {
      "INSERT INTO trending.trend_clock (clock, watermark, final_until, late, null_time, failed, "
      "unretracted, trend_id, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (trend_id) "
      "DO UPDATE SET clock = excluded.clock, watermark = excluded.watermark, final_until = "
      "excluded.final_until, late = excluded.late, null_time = excluded.null_time, failed = "
      "excluded.failed, unretracted = excluded.unretracted, checksum = excluded.checksum"};
  SpiValue values[lengthof(kFields) + 2];
  int count = 0;
  for (const Field& field : kFields) values[count++] = spi_int8(clocks.*field.member);
  values[count++] = spi_int4(trend_id);
  values[count++] = spi_int8(checksum_of(trend_id, clocks));
  spi_run(&statement, values, count);
}

void store(FollowedTrend* trend, const ClockBefore& clocks) {
  static SpiStatement deletion = {"DELETE FROM trending.trend_clock WHERE trend_id = $1"};
  if (trend->kept->known && trend->kept->clocks == clocks) return;
  if (clocks == ClockBefore{}) {
    spi_run(&deletion, {spi_int4(trend->id)});
  } else {
    upsert(trend->id, clocks);
  }
  trend->kept->clocks = clocks;
  trend->kept->known = true;
}

int64 shown(pg_atomic_uint64* counter) {
  return static_cast<int64>(pg_atomic_read_u64(counter));
}

void raise(pg_atomic_uint64* counter, int64 value) {
  pg_atomic_write_u64(counter, static_cast<uint64>(std::max(shown(counter), value)));
}

}  // namespace

ClockBefore clocks_of(const FollowedTrend* trend) {
  ClockBefore clocks = trend->fill.before;
  clocks.null_time = shown(&trend->shared->null_time);
  clocks.failed = shown(&trend->shared->failed);
  clocks.unretracted = shown(&trend->shared->unretracted);
  if (!trend->arena.is_open()) return clocks;
  const TrendWriter& writer = trend->writer;
  // The clocks of a state that is ahead of the position would make rows late that are yet to be decoded.
  if (trend->fill.is_whole && !trend->fill.filter.active()) {
    clocks.clock = writer.clock();
    clocks.watermark = writer.watermark();
    clocks.final_until = writer.final_before();
  }
  clocks.late = std::max(clocks.late, static_cast<int64>(writer.counters().late)) +
                static_cast<int64>(trend->passed->recorded_late);
  return clocks;
}

void take_counters(FollowedTrend* trend) {
  hold_trend(trend->shared);
  trend->writer.count_late(static_cast<uint64>(trend->fill.before.late) - trend->writer.counters().late);
  release_trend(trend->shared);
  raise(&trend->shared->null_time, trend->fill.before.null_time);
  raise(&trend->shared->failed, trend->fill.before.failed);
  raise(&trend->shared->unretracted, trend->fill.before.unretracted);
}

void kept_clocks_load(FollowedTrend* trend) {
  static SpiStatement select = {"SELECT * FROM trending.trend_clock WHERE trend_id = $1"};
  trend->kept->clocks = {};
  trend->kept->known = true;
  const uint64 rows = spi_run(&select, {spi_int4(trend->id)});
  if (rows > 0 && !(rows == 1 && read(trend->id, SpiRow(0), &trend->kept->clocks))) {
    trend->kept->clocks = {};
    trend->kept->known = false;
    ereport(WARNING, (errmsg("trend %d: where its clocks stood cannot be read", trend->id),
                      errdetail("It is filled from where its history ends.")));
  }
  if (trend->fill.before == ClockBefore{}) trend->fill.before = trend->kept->clocks;
}

void kept_clocks_write(FollowedTrend* trend) {
  store(trend, clocks_of(trend));
}

void kept_clocks_forget(FollowedTrend* trend) {
  store(trend, {});
}

}  // namespace trending
