// SPDX-License-Identifier: PostgreSQL
// Events of transactions that were decoded while a trend awaits its filling (filling/README.md).
#pragma once

#include <cstddef>
#include <vector>

#include "bgworker/trend/joined_rows.h"
#include "engine/aggregates/batch.h"
#include "postgres/server.h"

namespace trending {

struct RecordedTransaction {
  TransactionId xid;
  TimestampTz commit_time;
  XLogRecPtr lsn;
  std::vector<std::byte> records;        // BatchRecords
  std::vector<DimensionChange> changes;  // of joined tables

  const BatchRecord* begin() const { return reinterpret_cast<const BatchRecord*>(records.data()); }
  const BatchRecord* end() const {
    return reinterpret_cast<const BatchRecord*>(records.data() + records.size());
  }
};

// A trend's part: FollowedTrend::recorded.
struct Recorded {
  std::vector<RecordedTransaction> transactions;
  size_t bytes = 0;  // with the candidates among them (intake/passed_over.h)

  void clear() {
    transactions.clear();
    bytes = 0;
  }
};

}  // namespace trending
