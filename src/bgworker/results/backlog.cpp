// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/backlog.h"

#include <algorithm>
#include <cstring>

#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/results/deferred_tables.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"

namespace trending {

namespace {

constexpr int64 kFirstPauseUs = 1000 * 1000;
constexpr int64 kLongestPauseUs = 60 * kFirstPauseUs;

}  // namespace

void Retry::put_off() {
  pause = pause == 0 ? kFirstPauseUs : std::min(pause * 2, kLongestPauseUs);
  at = GetCurrentTimestamp() + pause;
}

bool take_deferred_room(const FollowedTrend* trend, DeferredRoom* room, SpiStatement* sum, size_t size) {
  const auto more = static_cast<int64>(size);
  room->since += more;
  const bool is_full = room->bytes + more > kMaxDeferredBytes;
  if (room->bytes < 0 || (is_full && room->since > kMaxDeferredBytes / 8)) {
    (void)spi_run(sum, {spi_int4(trend->id)});
    if (!SpiRow(0).read("bytes", &room->bytes)) elog(ERROR, "could not sum what is deferred");
    room->since = 0;
  }
  if (room->bytes + more > kMaxDeferredBytes) {
    room->lost++;
    return false;
  }
  room->bytes += more;
  return true;
}

void note_deferred_counts(const FollowedTrend* trend) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_count (trend_id, windows, redos, late, alerts) SELECT $1, "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_window WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_redo WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_late WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_alert WHERE trend_id = $1) "
      "ON CONFLICT (trend_id) DO UPDATE SET windows = excluded.windows, redos = excluded.redos, "
      "late = excluded.late, alerts = excluded.alerts"};
  spi_run(&upsert, {spi_int4(trend->id)});
}

void erase_deferred(SpiStatement* erase, const ItemPointerData* places, size_t count) {
  auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  for (size_t i = 0; i < count; i++) datums[i] = PointerGetDatum(&places[i]);
  ArrayType* array = construct_array(datums, static_cast<int>(count), TIDOID, sizeof(ItemPointerData), false,
                                     TYPALIGN_SHORT);
  spi_run(erase, {SpiValue{TIDARRAYOID, PointerGetDatum(array)}});
  pfree(array);
  pfree(datums);
}

void report_backlog(FollowedTrend* trend, const char* words, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "%s%.200s", words, message);
  trend_report(trend, reason);
}

void clear_backlog_report(FollowedTrend* trend, const BacklogWords& words) {
  if (strncmp(trend->shared->reason, words.waits, strlen(words.waits)) == 0) trend_report(trend, "");
}

void report_damaged(FollowedTrend* trend, const BacklogWords& words, size_t damaged) {
  char reason[kMessageSize];
  if (damaged == 0) return;
  snprintf(reason, sizeof(reason), "%s%zu %s that waited could not be read, or were lost", words.lost,
           damaged, words.noun);
  trend_report(trend, reason);
}

// The trend has no such table, and the rows would be deferred for ever.
void discard_stray_deferred(FollowedTrend* trend) {
  if (RecoveryInProgress()) return;
  const Definition& definition = *trend->definition;
  const SpiValue id = spi_int4(trend->id);
  if (!OidIsValid(definition.history)) spi_run(&DeferredTable<ClosedWindow>::erase_all, {id});
  if (!OidIsValid(definition.late)) spi_run(&DeferredTable<RefusedRow>::erase_all, {id});
  if (!OidIsValid(definition.alerts)) spi_run(&DeferredTable<Alert>::erase_all, {id});
}

namespace {

size_t count_of(int64 lost) {
  return lost > 0 ? static_cast<size_t>(lost) : 0;
}

// Says what is lost of what waited when the worker last ran.
void report_lost() {
  static SpiStatement select = {
      "SELECT c.trend_id, c.windows - (SELECT pg_catalog.count(*) FROM trending.waiting_window w WHERE "
      "w.trend_id = c.trend_id) + c.redos - (SELECT pg_catalog.count(*) FROM trending.waiting_redo r WHERE "
      "r.trend_id = c.trend_id) AS history, c.late - (SELECT pg_catalog.count(*) FROM "
      "trending.waiting_late l WHERE l.trend_id = c.trend_id) AS late, c.alerts - (SELECT "
      "pg_catalog.count(*) FROM trending.waiting_alert a WHERE a.trend_id = c.trend_id) AS alerts FROM "
      "trending.waiting_count c WHERE greatest(c.windows, c.redos, c.late, c.alerts) < 1000000000 AND "
      "least(c.windows, c.redos, c.late, c.alerts) >= 0"};
  const uint64 rows = spi_run(&select);
  SPITupleTable* table = SPI_tuptable;
  for (uint64 i = 0; i < rows; i++) {
    const SpiRow row(table, i);
    int32 id = 0;
    int64 history = 0;
    int64 late = 0;
    int64 alerts = 0;
    if (!row.read("trend_id", &id) || !row.read("history", &history) || !row.read("late", &late) ||
        !row.read("alerts", &alerts)) {
      continue;
    }
    for (FollowedTrend* trend : worker->trends) {
      if (trend == nullptr || trend->id != id || trend->definition == nullptr) continue;
      report_damaged(trend, DeferredTable<ClosedWindow>::kWords, count_of(history));
      report_damaged(trend, DeferredTable<RefusedRow>::kWords, count_of(late));
      report_damaged(trend, DeferredTable<Alert>::kWords, count_of(alerts));
      if (history > 0 || late > 0 || alerts > 0) note_deferred_counts(trend);
    }
  }
}

}  // namespace

void check_deferred_counts() {
  ErrorData* error = worker_try([] {
    SPI_connect();
    report_lost();
    SPI_finish();
  });
  if (error == nullptr) return;
  ereport(WARNING,
          (errmsg("the rows that are deferred for trends' tables cannot be read: %s", error->message)));
  FreeErrorData(error);
}

}  // namespace trending
