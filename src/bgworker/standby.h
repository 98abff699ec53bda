// SPDX-License-Identifier: PostgreSQL
// The worker of a database on a standby: shows its trends as the last checkpoint that was replayed has them.
#pragma once

#include "postgres/server.h"

namespace trending {

// Until the server is promoted; then this worker ends, and one that follows the WAL is started.
[[noreturn]] void serve_on_standby();

}  // namespace trending
