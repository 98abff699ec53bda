// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/snapshot_filter.h"

#include <algorithm>

#include "bgworker/process/wal_end.h"

namespace trending {

bool SnapshotFilter::counts(TransactionId xid) const {
  if (!active() || TransactionIdFollowsOrEquals(xid, xmax)) return true;
  return std::binary_search(in_progress.begin(), in_progress.end(), xid);
}

void SnapshotFilter::settle(XLogRecPtr position) {
  if (active() && position >= until) *this = SnapshotFilter{};
}

SnapshotFilter filter_of(Snapshot snapshot) {
  SnapshotFilter filter;
  filter.until = flushed_end_of_wal();
  filter.xmax = snapshot->xmax;
  filter.in_progress.assign(snapshot->xip, snapshot->xip + snapshot->xcnt);
  std::sort(filter.in_progress.begin(), filter.in_progress.end());
  return filter;
}

}  // namespace trending
