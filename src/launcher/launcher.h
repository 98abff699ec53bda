// SPDX-License-Identifier: PostgreSQL
// The launcher: one process per server that starts a worker for every database with the extension.
//
// At its start, and whenever a database is made or altered, it starts a worker for each database that it does
// not know yet; a worker that finds no extension leaves at once. CREATE EXTENSION asks for one. A worker that
// fails is started again with growing delays; one that cannot run (a setting, no slot) is tried again every
// ten seconds, with the reason in its directory entry; one that was told to end comes back at once.
#pragma once

#include "postgres/server.h"

namespace trending {

// Registers the launcher with the postmaster; only while preloading.
void launcher_register();

// Fills in the description of the worker of one database.
void worker_describe(BackgroundWorker* worker, Oid database);

// Whether one more background worker could be registered now; registers one that ends at once to find out.
bool worker_slot_is_free();

}  // namespace trending
