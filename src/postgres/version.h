// SPDX-License-Identifier: PostgreSQL
// The version of the library, and that of the extension's SQL in a database.
//
// Where they differ (the package was updated, and the server not restarted, or ALTER EXTENSION not run) nothing
// of ours reads or writes what SQL of another version has made: each function, the foreign-data wrapper, the
// worker and the plugin ask here first. What looks at nothing but its arguments goes on, for views, indexes and
// generated columns use it.
#pragma once

#include "postgres/server.h"

namespace trending {

constexpr size_t kVersionSize = 64;
// What is the matter, and what to do about it.
struct VersionWords {
  char message[256];
  char hint[256];
};

// Whether this database's SQL is of the library's version, or it has none; else *words says so. Looks into the
// catalog: in a transaction.
bool version_fits(VersionWords* words);

// Raises that as an error. Costs the look at a variable as long as no function of the database changes. Without a
// transaction, in the worker, which has looked by itself, and within scripts of the extension it does nothing.
void version_check();

// Before CREATE and ALTER EXTENSION: an older library must not be given newer SQL, which would name functions
// that it does not have.
void version_check_command(Node* statement);

}  // namespace trending
