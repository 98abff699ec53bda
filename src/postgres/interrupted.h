// SPDX-License-Identifier: PostgreSQL
// For handlers of signals that end the process: where it was interrupted.
#pragma once

namespace trending {

// Before the first such handler runs.
void interrupted_prepare();

// Whether the handler that calls this may end the process from where it is, with its callbacks. Not where it
// interrupted the C library, or the server in a critical section, holding locks of its memory (LWLocks), or where
// it manages memory and resources: these may be in no state to be used on the way out then. Called in the handler,
// or in what it calls.
bool handler_may_end_process();

}  // namespace trending
