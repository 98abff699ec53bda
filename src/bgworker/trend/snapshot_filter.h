// SPDX-License-Identifier: PostgreSQL
// Which decoded transactions have been counted by reading a source under a snapshot: those that it saw.
//
// A transaction counts exactly when its top-level xid is not visible in the snapshot. Never decided by
// position or time, for a transaction's commit record can be in the WAL before others see it. But whoever
// committed after the snapshot was taken has its commit record behind where the WAL ended then: once that is
// decoded, everything counts, whether the transactions that the snapshot saw running have ended or not.
#pragma once

#include <vector>

#include "postgres/server.h"

namespace trending {

struct SnapshotFilter {
  TransactionId xmax = InvalidTransactionId;  // invalid: no filter, everything counts
  std::vector<TransactionId> in_progress;     // sorted; running when the snapshot was taken
  XLogRecPtr until = InvalidXLogRecPtr;       // everything that commits behind this counts

  bool active() const { return TransactionIdIsValid(xmax); }
  bool counts(TransactionId xid) const;
  // All up to this position has been decoded.
  void settle(XLogRecPtr position);
};

// Of a snapshot that was taken a moment ago.
SnapshotFilter filter_of(Snapshot snapshot);

}  // namespace trending
