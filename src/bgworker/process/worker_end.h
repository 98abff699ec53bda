// SPDX-License-Identifier: PostgreSQL
// How a worker ends, and the word that it leaves in the directory for the launcher and the status.
//
//   asked to (SIGTERM: pg_terminate_backend, the server), makes way, or is held up: wanted again, at once
//   for a reason that somebody has to remove: unavailable, tried now and then
//   with an error: failed, with what it died of; started again after growing delays
//   the extension is not installed: none
#pragma once

#include "postgres/server.h"

namespace trending {

// Takes the directory entry for this process, until its end, and its signals. False: there is none, or a
// worker runs already.
bool worker_attach(Oid database);

// Ends the worker for a reason that somebody has to remove.
[[noreturn]] void leave_unavailable(const char* message, const char* hint);
// Ends the worker because somebody needs the database for himself.
[[noreturn]] void leave_to_make_way();
// Ends the worker because the extension is not installed, or not any more.
[[noreturn]] void leave_uninstalled();

// Ends the worker in a signal's handler: an expression of a trend could not be cancelled.
[[noreturn]] void leave_overrun(int32 trend_id);

// Called with the error that ends the worker, before it is raised again.
void note_error();

}  // namespace trending
