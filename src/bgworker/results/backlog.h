// SPDX-License-Identifier: PostgreSQL
// What is to be written to a table of a trend's owner: closed windows, late rows, alerts.
//
// Such a table may not let us for now: a lock held by others, or something of the owner's attached to it
// (postgres/owned_table.h). One trend's trouble must not keep the database from its checkpoints, so its items
// are deferred: they go into a table of ours, in the same transaction as the state, and are written when the
// owner's table lets us: a portion with each checkpoint, in the order in which they came, so what comes
// meanwhile is deferred, too. Of each trend and kind no more than kMaxDeferredBytes are kept; the rest is
// lost, and the status says so.
//
// Rows that cannot be read are deleted, and the trend's status and the log say that they are lost.
//
// Writing it: backlog_write.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>  // before the server's headers, whoever includes what next
#include <vector>

#include "postgres/server.h"

namespace trending {

// When to try again: after a second at first, then in ever longer intervals up to a minute.
struct Retry {
  TimestampTz at = 0;
  int64 pause = 0;

  bool is_put_off() const { return at != 0 && GetCurrentTimestamp() < at; }
  void put_off();
  void wait_until(TimestampTz due) { at = due; }
  void go_on() { *this = Retry{GetCurrentTimestamp(), 0}; }  // with the next checkpoint
  void reset() { *this = Retry{}; }
};

// What is deferred of one kind, in bytes.
constexpr int64 kMaxDeferredBytes = INT64CONST(64) * 1024 * 1024;

// How much is deferred; asked of the table when it is not known.
struct DeferredRoom {
  int64 bytes = -1;
  int64 since = 0;  // bytes that came since it was asked
  int64 lost = 0;   // how many had no room since it was last empty
};

// The items of one kind.
template <typename Item>
struct Backlog {
  std::vector<Item> items;   // to be written with the next checkpoint
  std::vector<Item> loaded;  // that were deferred, to be written now
  std::vector<ItemPointerData> loaded_from;
  bool deferred = true;  // some may be deferred
  Retry retry;           // when the owner's table may be tried again
  DeferredRoom room;
};

}  // namespace trending
