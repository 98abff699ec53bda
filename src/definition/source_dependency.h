// A trend depends on its source as a view on its tables: the source is dropped with CASCADE only, and the
// trend with it.
#pragma once

#include "postgres/server.h"

namespace trending {

void depend_on_source(Oid relation, Oid source);

// A dump does not have that dependency: makes it again in a restored database. Needs a transaction. The
// source is locked by the caller.
void restore_source_dependency(Oid relation, Oid source);

}  // namespace trending
