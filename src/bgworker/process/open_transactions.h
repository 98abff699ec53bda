// SPDX-License-Identifier: PostgreSQL
// Names transactions that somebody waits for, so that the one who reads the status can find them.
#pragma once

#include "postgres/server.h"

namespace trending {

struct OpenTransactions {
  char names[400];    // "process 123 (transaction 745, database "app"), prepared transaction "x" (...)"
  bool has_prepared;  // COMMIT PREPARED or ROLLBACK PREPARED ends those, and nothing else does
};

// Looks transactions up by their ids. Runs a transaction of the worker's own.
OpenTransactions name_transactions(const TransactionId* xids, int count);

}  // namespace trending
