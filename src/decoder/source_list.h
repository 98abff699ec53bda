// Which tables the trends of this database follow.
#pragma once

#include "postgres/server.h"

namespace trending {

// The OIDs of all sources, read from trending.trend by SPI under an ordinary snapshot; allocated in the
// caller's memory context. Empty when the extension is not installed. Starts a transaction if none is open.
List* source_list();

}  // namespace trending
