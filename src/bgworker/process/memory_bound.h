// SPDX-License-Identifier: PostgreSQL
// A bound on the worker's own memory, so that a row or a transaction which asks for too much is refused
// instead of having the system end some process of the server, and with it all sessions.
//
// The system counts (RLIMIT_DATA): at the worker's start trending.worker_memory_limit and
// trending.decoding_work_mem are granted on top of what the process has then. Beyond, an allocation fails, as
// an error or as std::bad_alloc, which ends at most the worker. What may grow is bounded besides:
//
//   events of a transaction             a quarter of the limit; beyond, the trends of the largest source are
//                                       refilled
//   events recorded beside a filling    kMaxRecordedBytes for all trends; beyond, the filling begins again
//   late rows, alerts, closed windows   bounds in late_table.cpp, alerts.cpp, history.cpp
#pragma once

#include <cstddef>

namespace trending {

// Sets the bound for this process.
void memory_bound_set();

// What the events of one transaction may take.
size_t transaction_bound();

}  // namespace trending
