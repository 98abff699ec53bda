// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QDateTime>
#include <QHash>
#include <QString>
#include <optional>

#include "data/trend.h"

namespace trending {

// One row of trending.status. Counters are negative while unknown.
struct TrendStatus {
  TrendId id = 0;
  QString state, reason;
  QDateTime window_start, window_end, event_clock, watermark;
  qint64 version = -1, live_groups = -1, events = -1, late = -1, ahead = -1, null_time = -1, failed = -1,
         refused = -1, out_of_range = -1, unmatched = -1, unretracted = -1;
  qint64 memory_bytes = -1;
  double events_per_second = -1;  // against the sample before
};

// trending.worker_status and what the server itself says of the slot.
struct WorkerStatus {
  bool known = false;
  qint64 pid = 0;
  QString state, message, hint;
  qint64 lag_bytes = -1, transactions = -1, applied_position = -1;
  qint64 stalled_ms = 0;                // how long something has been waiting and nothing was applied
  double lag_seconds = -1;              // estimated: bytes behind over bytes applied a second
  double transactions_per_second = -1;  // against the sample before
  QDateTime checkpoint_at;
  double checkpoint_ms = -1;
  QString slot, slot_wal_status;
  qint64 slot_held_bytes = -1;
};

struct StatusSample {
  QDateTime taken_at;  // the server's clock
  WorkerStatus worker;
  QHash<TrendId, TrendStatus> trends;
  double events_per_second = -1;  // of all trends
};

// A state of a trend or of the worker in the words of this machine's language.
QString state_in_words(const QString& state);

// Fills in the rates of `sample` from the one before it.
void derive_rates(StatusSample& sample, const StatusSample& before);

}  // namespace trending
