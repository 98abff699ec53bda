// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/known_trends.h"

#include <algorithm>

#include "bgworker/process/transaction.h"
#include "bgworker/process/wal_end.h"
#include "bgworker/process/worker.h"
#include "postgres/spi.h"

namespace trending {

namespace {

bool contains(const std::vector<int32>& ids, int32 id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

void load() {
  static SpiStatement select = {"SELECT trend_id FROM trending.trend_start WHERE is_followed"};
  const uint64 rows = spi_run(&select);
  for (uint64 i = 0; i < rows; i++) {
    int32 id = 0;
    if (SpiRow(i).read("trend_id", &id)) worker->catalog.known.stored.push_back(id);
  }
}

}  // namespace

void known_trends_load() {
  ErrorData* error = worker_try([] {
    SPI_connect();
    load();
    SPI_finish();
  });
  if (error == nullptr) return;
  // The table may have been renamed only; what is in it would be forgotten.
  if (is_conflict(error) || error->sqlerrcode == ERRCODE_UNDEFINED_TABLE) ReThrowError(error);
  ereport(WARNING, (errmsg("which trends trending has followed cannot be read: %s", error->message),
                    errdetail("They are followed from where the WAL ends now.")));
  FreeErrorData(error);
  worker->catalog.known.stored.clear();
}

void known_trends_note_created(int32 id) {
  worker->catalog.known.created.push_back(id);
}

bool trend_is_known(int32 id) {
  KnownTrends& known = worker->catalog.known;
  bool is_known = contains(known.created, id) || contains(known.stored, id);
  if (!is_known) {
    const auto [place, is_first_look] = known.unborn.try_emplace(id, InvalidXLogRecPtr);
    if (is_first_look) place->second = flushed_end_of_wal();
    is_known = worker->loop.position() >= place->second;
  }
  if (!is_known) return false;
  known.unborn.erase(id);
  known.unstored.push_back(id);
  return true;
}

bool trend_was_created(int32 id) {
  return contains(worker->catalog.known.created, id);
}

void known_trends_looked() {
  worker->catalog.known.created.clear();
  worker->catalog.known.stored.clear();
}

bool known_trends_due() {
  const XLogRecPtr position = worker->loop.position();
  return std::any_of(worker->catalog.known.unborn.begin(), worker->catalog.known.unborn.end(),
                     [position](const auto& unborn) { return position >= unborn.second; });
}

void known_trends_write() {
  static SpiStatement update = {
      "UPDATE trending.trend_start SET is_followed = true WHERE trend_id = $1 AND NOT is_followed"};
  for (const int32 id : worker->catalog.known.unstored) spi_run(&update, {spi_int4(id)});
}

void known_trends_written() {
  worker->catalog.known.unstored.clear();
}

}  // namespace trending
