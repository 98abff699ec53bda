// SPDX-License-Identifier: PostgreSQL
// What the extension does inside everybody's backend: wake the worker at commit, and keep it out of the way
// of DROP DATABASE and similar commands.
#pragma once

#include "postgres/server.h"

namespace trending {

// Registers the transaction callback and the hooks; only while preloading.
void hooks_install();

// Makes the launcher start a worker for this database once the current transaction commits.
void request_worker_at_commit();

}  // namespace trending
