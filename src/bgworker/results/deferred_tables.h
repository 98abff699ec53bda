// SPDX-License-Identifier: PostgreSQL
// The tables of ours for items that are deferred (backlog.h), one a kind.
#pragma once

#include "bgworker/results/alerts.h"
#include "bgworker/results/backlog.h"
#include "bgworker/results/closed_window.h"
#include "bgworker/results/late_table.h"
#include "postgres/spi.h"

namespace trending {

struct FollowedTrend;

// How a trend's status says that items are deferred, or lost, and what they are.
struct BacklogWords {
  const char* waits;
  const char* lost;
  const char* noun;
};

// The table of ours for one kind.
//   kWords   a BacklogWords
//   select   gives the next portion for (trend, portion), with each row's place (ctid)
//   kPortion of it
//   erase    deletes the rows at some places, erase_all those of a trend
//   store()  adds an item; false: there is no room
//   read()   makes an item of a row; false: it cannot be used
template <typename Item>
struct DeferredTable;

// Whether that much more may be deferred, where `sum` asks the table how much is. A window that replaces
// another counts twice until the table is asked again.
bool take_deferred_room(const FollowedTrend* trend, DeferredRoom* room, SpiStatement* sum, size_t size);

template <>
struct DeferredTable<ClosedWindow> {
  static constexpr BacklogWords kWords = {
      "history waits to be written: ", "history is incomplete: ", "closed windows"};
  static constexpr int64 kPortion = 4 * 1024 * 1024;  // bytes
  static SpiStatement select;
  static SpiStatement erase;
  static SpiStatement erase_all;
  static bool store(const FollowedTrend* trend, const ClosedWindow& item, DeferredRoom* room);
  static bool read(FollowedTrend* trend, const SpiRow& row, ClosedWindow* item);
};

template <>
struct DeferredTable<RefusedRow> {
  static constexpr BacklogWords kWords = {
      "late rows wait to be written: ", "late rows were not kept: ", "late rows"};
  static constexpr int64 kPortion = 10000;  // rows
  static SpiStatement select;
  static SpiStatement erase;
  static SpiStatement erase_all;
  static bool store(const FollowedTrend* trend, const RefusedRow& item, DeferredRoom* room);
  static bool read(FollowedTrend* trend, const SpiRow& row, RefusedRow* item);
};

template <>
struct DeferredTable<Alert> {
  static constexpr BacklogWords kWords = {"alerts wait to be written: ", "alerts were lost: ", "alerts"};
  static constexpr int64 kPortion = 10000;  // rows
  static SpiStatement select;
  static SpiStatement erase;
  static SpiStatement erase_all;
  static bool store(const FollowedTrend* trend, const Alert& item, DeferredRoom* room);
  static bool read(FollowedTrend* trend, const SpiRow& row, Alert* item);
};

}  // namespace trending
