// SPDX-License-Identifier: PostgreSQL
// What decoded transactions did to trending.trend. The worker's part: Worker::catalog.
#pragma once

#include <vector>

#include "bgworker/process/known_trends.h"
#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// A row that was updated.
struct AlteredTrend {
  int32 id;
  DefinitionOptions options;
  Oid history;
  Oid late;
};

struct CatalogChanges {
  Oid table = InvalidOid;                         // trending.trend
  bool changed = false;                           // or the extension itself may have changed
  TransactionId replayed = InvalidTransactionId;  // the last transaction that the server replayed for us
  std::vector<AlteredTrend> altered;              // by the transactions since follow_changes()
  KnownTrends known;
};

}  // namespace trending
