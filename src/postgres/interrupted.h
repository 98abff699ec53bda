// SPDX-License-Identifier: PostgreSQL
// For handlers of signals that end the process: where it was interrupted.
#pragma once

namespace trending {

// Before the first such handler runs.
void interrupted_prepare();

// Whether the handler that calls this interrupted the C library: its memory may be in no state to be freed or
// allocated then. Called in the handler, or in what it calls.
bool interrupted_in_c_library();

}  // namespace trending
