// SPDX-License-Identifier: PostgreSQL
// Writing and deferring the items of a backlog. Needs a transaction and SPI, and runs as the worker.
#pragma once

#include "bgworker/results/deferred_tables.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/turns.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"
#include "shmem/directory.h"

namespace trending {

// Notes how many rows are deferred: how their loss is noticed.
void note_deferred_counts(const FollowedTrend* trend);
void erase_deferred(SpiStatement* erase, const ItemPointerData* places, size_t count);
void report_backlog(FollowedTrend* trend, const char* words, const char* message);
void clear_backlog_report(FollowedTrend* trend, const BacklogWords& words);
void report_damaged(FollowedTrend* trend, const BacklogWords& words, size_t damaged);

// Forgets what is deferred for tables that the trend does not have.
void discard_stray_deferred(FollowedTrend* trend);
// At the worker's start, once the trends are there: says what has been lost of what was deferred. Has a
// transaction of its own.
void check_deferred_counts();

// Defers the items, which stay until the transaction has committed.
template <typename Item>
void backlog_defer(FollowedTrend* trend, Backlog<Item>* backlog) {
  for (const Item& item : backlog->items) {
    if (DeferredTable<Item>::store(trend, item, &backlog->room)) backlog->deferred = true;
  }
  if (!backlog->items.empty()) note_deferred_counts(trend);
}

// Loads the next items that were deferred. False: there are none.
template <typename Item>
bool backlog_load(FollowedTrend* trend, Backlog<Item>* backlog) {
  using Table = DeferredTable<Item>;
  backlog->loaded.clear();
  backlog->loaded_from.clear();
  size_t damaged = 0;
  while (backlog->deferred && backlog->loaded.empty()) {
    const uint64 rows = spi_run(&Table::select, {spi_int4(trend->id), spi_int8(Table::kPortion)});
    SPITupleTable* table = SPI_tuptable;
    backlog->deferred = rows > 0;
    std::vector<ItemPointerData>& places = backlog->loaded_from;
    for (uint64 i = 0; i < rows; i++) {
      const SpiRow row(table, i);
      ItemPointerData place = {};
      if (!row.read("place", &place)) continue;
      backlog->loaded.emplace_back();
      places.push_back(place);
      if (Table::read(trend, row, &backlog->loaded.back())) continue;
      backlog->loaded.pop_back();
      places.pop_back();
      erase_deferred(&Table::erase, &place, 1);
      damaged++;
    }
    SPI_freetuptable(table);
  }
  report_damaged(trend, Table::kWords, damaged);
  return backlog->deferred;
}

// Writes what was deferred, a portion of it, by write(loaded).
template <typename Item, typename Write>
OwnerResult backlog_write_deferred(FollowedTrend* trend, Backlog<Item>* backlog, Write&& write) {
  constexpr int64 kPortionUs = 250 * 1000;
  const TimestampTz started = GetCurrentTimestamp();
  while (backlog_load(trend, backlog)) {
    const OwnerResult result = write(&backlog->loaded);
    if (result != OwnerResult::kDone) return result;
    erase_deferred(&DeferredTable<Item>::erase, backlog->loaded_from.data(), backlog->loaded_from.size());
    backlog->loaded.clear();
    backlog->loaded_from.clear();
    backlog->room.bytes = -1;
    note_deferred_counts(trend);
    if (GetCurrentTimestamp() - started > kPortionUs) return OwnerResult::kMore;
  }
  return OwnerResult::kDone;
}

// Calls write(message) unless that is put off or it is not the owner's turn.
template <typename Write>
OwnerResult backlog_try(const FollowedTrend* trend, Retry* retry, char (&message)[kMessageSize],
                        Write&& write) {
  const TimestampTz began = GetCurrentTimestamp();
  const TimestampTz due = turn_due(trend);
  if (due > began) {
    retry->wait_until(due);
    strlcpy(message, turn_reason(), sizeof(message));
    return OwnerResult::kPassing;
  }
  owned_bound_time(turns_are_shared(trend));
  const OwnerResult result = write(message);
  turn_took(trend->definition->owner, GetCurrentTimestamp() - began);
  if (result == OwnerResult::kPassing) retry->put_off();
  return result;
}

// The same, and defers the items if they are to be written later.
template <typename Item, typename Write>
OwnerResult backlog_write(FollowedTrend* trend, Backlog<Item>* backlog, Write&& write) {
  constexpr BacklogWords kWords = DeferredTable<Item>::kWords;
  Retry* retry = &backlog->retry;
  char message[kMessageSize] = "";
  const bool tried = !retry->is_put_off();
  const OwnerResult result = tried ? backlog_try(trend, retry, message, write) : OwnerResult::kPassing;
  if (result == OwnerResult::kPassing || result == OwnerResult::kMore) {
    if (result == OwnerResult::kMore) {
      retry->go_on();
    } else if (tried) {
      report_backlog(trend, kWords.waits, message);
    }
    backlog_defer(trend, backlog);
    if (backlog->room.lost > 0) {
      char lost[kMessageSize];
      snprintf(lost, sizeof(lost), INT64_FORMAT " had no room among the deferred ones. %s",
               backlog->room.lost, message);
      report_backlog(trend, kWords.lost, lost);
    }
    return result;
  }
  if (result == OwnerResult::kFailed) {
    report_backlog(trend, kWords.lost, message);
  } else if (retry->at != 0) {
    clear_backlog_report(trend, kWords);
  }
  retry->reset();
  backlog->room.lost = 0;
  return result;
}

}  // namespace trending
