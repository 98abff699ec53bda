// SPDX-License-Identifier: PostgreSQL
// For handlers of signals that end the process: where it was interrupted.
#pragma once

namespace trending {

// Before the first such handler runs.
void interrupted_prepare();

// Whether the handler that calls this interrupted the C library, or the server where it manages memory and
// resources: these may be in no state to be used on the way out then. Called in the handler, or in what it calls.
bool interrupted_where_it_must_not_end();

}  // namespace trending
