// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "postgres/server.h"

namespace trending {

// Where the last record of the WAL ends now. All up to there is flushed, so that decoding reaches it.
XLogRecPtr flushed_end_of_wal();

}  // namespace trending
