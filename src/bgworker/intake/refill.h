// SPDX-License-Identifier: PostgreSQL
// Rows that go from the source of a trend whose state cannot released a single one: sessions do not keep the
// times of their rows, and states that PostgreSQL's functions combined cannot be taken apart. If windows that
// can still change have counted the row, the trend is refilled, which is exact at any position. That costs
// a look at the source: where it was filled a moment ago it rests for a while before, without being shown.
#pragma once

#include <vector>

#include "decoder/row_reader.h"
#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A trend's part: FollowedTrend::gone.
struct RowsGone {
  std::vector<TransactionId> changed;  // transactions whose rows want it refilled, since it awaits writers
  TransactionId judged_by = InvalidTransactionId;  // the last transaction with such rows
  Time judged_from = kNoTime;                      // and where windows that can still change begin for it
};

// For a row of this event time, in a transaction that is being decoded: an old version, or the new one that
// replaces it. False if the trend stays as it is, and the row is handled like any other.
bool refill_for_row(FollowedTrend* trend, const RowEvent& event, TransactionId xid);

// The trend has been filled. If rows went meanwhile which it was filled with, it begins again.
void refill_again(FollowedTrend* trend);

}  // namespace trending
