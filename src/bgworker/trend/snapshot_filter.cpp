// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/snapshot_filter.h"

#include <algorithm>

namespace trending {

namespace {

// Where the last record of the WAL ended: at the end of a page, the next one will begin behind the header.
XLogRecPtr end_of_wal() {
  const XLogRecPtr insert = GetXLogInsertRecPtr();
  const XLogRecPtr header =
      XLogSegmentOffset(insert, wal_segment_size) < XLOG_BLCKSZ ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
  return insert % XLOG_BLCKSZ == header ? insert - header : insert;
}

}  // namespace

bool SnapshotFilter::counts(TransactionId xid) const {
  if (!active() || TransactionIdFollowsOrEquals(xid, xmax)) return true;
  return std::binary_search(in_progress.begin(), in_progress.end(), xid);
}

void SnapshotFilter::settle(XLogRecPtr position) {
  if (active() && position >= until) *this = SnapshotFilter{};
}

SnapshotFilter filter_of(Snapshot snapshot) {
  SnapshotFilter filter;
  filter.until = end_of_wal();
  // Nobody else may: pruning a page on the way, say, writes WAL that the next commit flushes.
  XLogFlush(filter.until);
  filter.xmax = snapshot->xmax;
  filter.in_progress.assign(snapshot->xip, snapshot->xip + snapshot->xcnt);
  std::sort(filter.in_progress.begin(), filter.in_progress.end());
  return filter;
}

}  // namespace trending
