// SPDX-License-Identifier: PostgreSQL
// Which tables the trends of this database follow.
#pragma once

#include "postgres/server.h"

namespace trending {

// The OIDs of all sources, read from trending.trend by SPI under an ordinary snapshot; allocated in the
// caller's memory context. Empty when the extension is not installed. Starts a transaction if none is open.
// *some_written says whether the worker writes to some of them (another trend's history, late rows, alerts).
List* source_list(bool* some_written);

}  // namespace trending
