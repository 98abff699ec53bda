// SPDX-License-Identifier: PostgreSQL
// Groups whose condition (HAVING) became true in the current window: gathered as the engine reports them,
// written to <trend>_alerts with the next checkpoint, which is due at once, and announced by NOTIFY.
//
// State and alerts are committed together, so a crash neither loses nor repeats one: what was written is in
// the stored state, whose groups do not cross again when it is restored, and what was not is met again in the
// WAL. Filling a trend from its source reports nothing. A trend that is not stored yet (transactions that ran
// when it was filled have not ended) is refilled after a crash; its alerts are written all the same, and
// those of the last moment may be lost.
#pragma once

#include <string>
#include <vector>

#include "bgworker/results/backlog.h"
#include "engine/aggregates/key.h"
#include "engine/time/window.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

struct Alert {
  Window window;
  Time crossed_at;
  XLogRecPtr commit_lsn;
  std::string key;
  std::vector<int64_t> result;
};

// A trend's part: FollowedTrend::alerts.
struct TrendAlerts {
  Backlog<Alert> rows;
  size_t bytes = 0;  // of those to be written with the next checkpoint
  int64 lost = 0;    // that were not noted
};

// Notes a group, from within the engine: the trend's lock is held.
void alerts_note(FollowedTrend* trend, KeyView key, const int64_t* result, const Window& window);

// The change during which groups were noted is over; `time` stands for the event clock in trends that have
// none. Without the lock.
void alerts_noted(FollowedTrend* trend, XLogRecPtr lsn, TimestampTz time);

// Whether alerts are to be written.
bool alerts_are_due(const FollowedTrend* trend);

// Writes what was noted and announces it; needs a transaction and SPI. Errors as in history_write: alerts
// that are deferred are announced when they are written.
void alerts_write(FollowedTrend* trend);

// The transaction that wrote has committed.
void alerts_written(FollowedTrend* trend);

}  // namespace trending
