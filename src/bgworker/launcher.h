// The launcher: one process per server that starts a worker for every database with the extension.
//
// At its start it tries every database; a worker that finds no extension leaves at once. Later, CREATE
// EXTENSION asks for one. A worker that fails is started again with growing delays; one that cannot run (a
// setting, no slot) is tried again every half minute, with the reason in its directory entry.
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
