// SPDX-License-Identifier: PostgreSQL
// Trends as a job of Flink SQL, for who needs more than one core for one source.
#pragma once

#include "postgres/server.h"

namespace trending {

// The job of these definitions (const Definition*). Raises feature_not_supported, with the reason, where Flink has no
// equal. Locks their sources ACCESS SHARE.
const char* flink_job(List* definitions);

}  // namespace trending
