// SPDX-License-Identifier: PostgreSQL
// trending.commit_time(xmin): when the transaction that wrote a row committed, as event time of tables whose
// rows have no time of their own.
//
// The worker takes it from the commit record that it decodes, a query from what the server keeps with
// track_commit_timestamp. On one server both are the same number: the server writes one into the other's
// record (RecordTransactionCommit, and on replay xact_redo_commit), for subtransactions' xids as well.
#pragma once

#include "postgres/server.h"

namespace trending {

struct Analysis;
struct Definition;

// Whether a function is trending.commit_time.
bool is_commit_time(Oid function);

// Whether an event time is trending.commit_time(xmin) of the source; an error if it is that of anything else.
bool is_commit_time_of_row(const Analysis& analysis, Node* event_time);

// A trend that begins with the rows that are there needs to know when these were committed.
void check_commit_times_kept(const Definition& definition, bool backfill);

// The commit time of the oldest transaction whose commit time is known; false: there is none.
bool oldest_commit_time(TimestampTz* time);

}  // namespace trending
