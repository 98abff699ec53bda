// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/redo.h"

#include "bgworker/results/backlog_write.h"
#include "bgworker/results/history.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "postgres/checksum.h"
#include "postgres/spi.h"

namespace trending {

namespace {

int64 redo_checksum(int32 trend_id, Time after, Time final_after) {
  return Checksum("waiting_redo").add(int64{trend_id}).add(after).add(final_after).value();
}

}  // namespace

void redo_keep(const FollowedTrend* trend) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_redo (trend_id, redo_after, redo_final_after, checksum) VALUES ($1, "
      "$2, $3, $4) ON CONFLICT (trend_id) DO UPDATE SET redo_after = excluded.redo_after, redo_final_after "
      "= excluded.redo_final_after, checksum = excluded.checksum"};
  spi_run(
      &upsert,
      {spi_int4(trend->id), spi_int8(trend->history->redo.after), spi_int8(trend->history->redo.final_after),
       spi_int8(redo_checksum(trend->id, trend->history->redo.after, trend->history->redo.final_after))});
  note_deferred_counts(trend);
}

namespace {

bool read_redo(const FollowedTrend* trend, bool* found, Time* after, Time* final_after) {
  static SpiStatement select = {"SELECT * FROM trending.waiting_redo WHERE trend_id = $1"};
  const uint64 rows = spi_run(&select, {spi_int4(trend->id)});
  *found = rows > 0;
  if (rows == 0) return true;
  const SpiRow row(0);
  int64 checksum = 0;
  return rows == 1 && row.read("redo_after", after) && row.read("redo_final_after", final_after) &&
         row.read("checksum", &checksum) && checksum == redo_checksum(trend->id, *after, *final_after);
}

}  // namespace

bool redo_is_good(const FollowedTrend* trend) {
  bool found = false;
  Time after = kNoTime;
  Time final_after = kNoTime;
  return read_redo(trend, &found, &after, &final_after);
}

// One that cannot be read is left to the filling that follows, which finds out for itself what it has to
// undo.
void redo_load(FollowedTrend* trend) {
  bool found = false;
  const bool good = read_redo(trend, &found, &trend->history->redo.after, &trend->history->redo.final_after);
  trend->history->redo.wanted = found && good;
  trend->history->redo.done = false;
  if (good) return;
  redo_drop(trend);
  trend_report(
      trend, "what an earlier filling had left to undo in history could not be read: see trending.verify()");
}

void redo_drop(const FollowedTrend* trend) {
  static SpiStatement deletion = {"DELETE FROM trending.waiting_redo WHERE trend_id = $1"};
  if (spi_run(&deletion, {spi_int4(trend->id)}) > 0) note_deferred_counts(trend);
}

}  // namespace trending
