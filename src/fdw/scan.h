// SPDX-License-Identifier: PostgreSQL
// Carrying out the scan of a trend. The first row asked for takes a snapshot of just what is needed; all rows
// come from it, so a scan shows one commit boundary however slowly it is read. Started again with other
// parameters, it takes a new one.
#pragma once

#include <cstdint>

#include "postgres/server.h"

namespace trending {

void scan_begin(ForeignScanState* node, int flags);
TupleTableSlot* scan_next(ForeignScanState* node);
void scan_again(ForeignScanState* node);
void scan_end(ForeignScanState* node);

// Groups copied by all snapshots of this scan, for EXPLAIN ANALYZE.
uint64_t scan_groups_read(ForeignScanState* node);

}  // namespace trending
