// SPDX-License-Identifier: PostgreSQL
// Rankings of the past, read from a trend's history.
#pragma once

#include "fdw/snapshot.h"
#include "postgres/server.h"

namespace trending {

// The ranking of a closed window in the form of a snapshot of a live one: groups in rank order with their
// keys, but without state; values[i] belongs to groups[i].
struct PastRanking {
  TrendSnapshot* snapshot;
  struct Value {
    bool isnull;
    Datum value;  // numeric
  };
  Value* values;
};

// The best k of the window that was current at a time, with the ranks of the window before it; for who may
// read history. False when that window is still the current one. Errors: a window that the trend has not
// reached or not closed yet, and no history of closed ones. Everything is made in CurrentMemoryContext.
bool read_past(const Definition& definition, TimestampTz at, int64 k, PastRanking* past);

// Windows that end up to the time returned are final, and in history as the worker wrote them for the last
// time. It is that of the windows that are final now and end up to `wanted`, or later; what is about to be
// written is waited for. kNoTime: nothing happened yet.
Time history_final_before(const Definition& definition, TimestampTz wanted);

// How far history has been written, and how far it is final. kNoTime: not at all.
struct HistoryProgress {
  Time until;
  Time final_before;
  Time clock;
  Time watermark;
};
HistoryProgress history_progress(const Definition& definition);

// The time before which a trend of decayed aggregates has forgotten rows, or the server the commit times by
// which a trend counts; DT_NOEND when there is none.
Time counted_since(const Definition& definition);

}  // namespace trending
