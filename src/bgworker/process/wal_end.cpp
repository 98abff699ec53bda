// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/wal_end.h"

namespace trending {

XLogRecPtr flushed_end_of_wal() {
  const XLogRecPtr insert = GetXLogInsertRecPtr();
  // Behind the end of a page, the next record will begin after the header.
  const XLogRecPtr header =
      XLogSegmentOffset(insert, wal_segment_size) < XLOG_BLCKSZ ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
  const XLogRecPtr end = insert % XLOG_BLCKSZ == header ? insert - header : insert;
  // Nobody else may: pruning a page on the way, say, writes WAL that the next commit flushes.
  XLogFlush(end);
  return end;
}

}  // namespace trending
