// SPDX-License-Identifier: PostgreSQL
// A federated trend: a foreign table of ours, made by trending.federate, that unites the trends of several servers. It
// has no definition and no state here. What it consists of are its options, which its owner may set to anything: all
// they say is done as the owner.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

bool is_federated(Oid relation);

// As much of a definition as planning a scan takes: the columns, the last of which is the rank, and what ranks.
// Conditions on the rank, ORDER BY and LIMIT are taken over; keys are not looked up. NULL if the table is not federated.
// In CurrentMemoryContext.
const Definition* federated_definition(Oid relation);

// Runs a query of ours with one bigint, NULL if that is negative; its rows go into `rows`, which belongs to `context`.
void run_federated(const char* query, int64 k, Tuplestorestate* rows, MemoryContext context,
                   TupleDesc columns);

// The best k groups over all servers, in order (k < 0: all of them), as rows of the table.
Tuplestorestate* federated_rows(Oid relation, TupleDesc columns, int64 k);

}  // namespace trending
