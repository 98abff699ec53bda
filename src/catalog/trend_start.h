// SPDX-License-Identifier: PostgreSQL
// What is kept in trending.trend_start: which rows of its source came after a trend was created, and how far
// back its history is complete.
#pragma once

#include "postgres/spi.h"

namespace trending {

// The transactions that have not committed yet, as columns of trend_start. Rows written by any of them came
// after this moment.
struct LaterTransactions {
  SpiValue next_xid;
  SpiValue running_xids;
};
LaterTransactions later_transactions();

}  // namespace trending
