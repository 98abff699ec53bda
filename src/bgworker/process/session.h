// SPDX-License-Identifier: PostgreSQL
// The settings of the worker's session.
//
// The server gives every session of a database what ALTER DATABASE and ALTER ROLE ... SET say: a role with
// few rights, a timeout, a search_path, whatever. That is meant for the sessions of users, and none of it
// reaches the worker, which runs under the server's settings and its own.
#pragma once

namespace trending {

// Before connecting: notes what the server's settings are.
void session_begin();

// After connecting, outside a transaction: retracts what was set for the database and the role, whatever it
// is, and sets what the worker needs.
void session_configure();

// How long the worker waits for locks of tables; false: as long as it takes.
void session_limit_locks(bool limited);

}  // namespace trending
