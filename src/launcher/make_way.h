// SPDX-License-Identifier: PostgreSQL
// Keeping the worker out of the way of commands that need a database without sessions: DROP DATABASE, RENAME,
// SET TABLESPACE, CREATE DATABASE with it as the template.
//
// Such a command locks the database, and while it does no session can begin there. That lock is the pause:
// who runs such a command takes it a moment before the server would, in the same mode, and has the worker
// end. The launcher starts none while the lock is held (paused). The lock ends with the transaction, however
// that ends: committed, failed, cancelled, or with its process. So there is nothing to undo.
#pragma once

#include "postgres/server.h"

namespace trending {

// Before a utility command: makes way if it needs a database for itself, and its user may run it.
void make_way_for(Node* command);

// Has the worker of a database end, which the caller has locked, and waits until it has.
void end_worker(Oid database);

// Whether somebody holds a database locked so that no session can begin in it.
bool database_is_locked(Oid database);

}  // namespace trending
