// SPDX-License-Identifier: PostgreSQL
// The one door to tables that belong to a trend's owner: <trend>_history, <trend>_late, <trend>_alerts.
//
// The worker writes and reads them, and functions write them in the owner's name; their owner can attach to
// them whatever he likes. Nothing that a user wrote may run there, so
//
// 1. no statement is run. Rows are inserted, deleted and read through the table's access method, its indexes
//    through theirs: neither parser, rewriter, planner nor executor see these tables. So no trigger, rule,
//    policy, default, CHECK or foreign key is ever executed, and no expression is evaluated as a constant
//    while a statement is planned, which the server does with those of indexes and extended statistics;
// 2. what a statement would have executed or enforced is not passed over in silence: the table is looked at
//    after it was locked, and refused while it is not what we made, with the reason and what to do. Refused
//    are triggers that are enabled, rules, CHECK constraints, generated columns, columns of another type than
//    ours, further columns that are NOT NULL or have a default, and partitions of other tables;
// 3. indexes are the only code that runs. Before anything is evaluated, each has been seen to have no
//    predicate and no expression (but for the digest that history_table.cpp makes), no exclusion and no
//    deferred constraint, and support functions written in C alone, which only superusers can create. Exactly
//    the indexes that were looked at are written to.
//
// Nothing can be attached after the look. RowExclusiveLock is held until the transaction ends, and CREATE
// TRIGGER and CREATE RULE, and every form of ALTER TABLE that changes columns, constraints, types or the
// access method, conflict with it. What does not (SHARE UPDATE EXCLUSIVE: CREATE STATISTICS, ALTER TABLE ...
// SET STATISTICS, INHERIT from it, publications with row filters, COMMENT) adds nothing to 3. CREATE INDEX
// CONCURRENTLY does add an index, but before it asks anybody to write to it it waits for all who hold our
// lock.
//
// Row security, inheritance and the owner are not looked at: policies and children do not matter to what goes
// through the access method, and whoever owns the table got it from the trend's owner. The work is done under
// his identity, restricted, with settings of its own, though nothing is left that it could matter to.
#pragma once

#include <cstddef>

#include "engine/memory/function_ref.h"
#include "postgres/guard.h"
#include "postgres/server.h"

namespace trending {

// A column that we made.
struct OwnedColumn {
  const char* name;
  Oid type;
  int32 typmod;
  bool bounds_window = false;  // NOT NULL: rows without it would be found by nobody
};

struct TableShape {
  int count;
  OwnedColumn* columns;
};

// A table that was opened, looked at, and is held by RowExclusiveLock. By number, columns are those of the
// shape.
struct OwnedTable {
  Relation relation;
  const TableShape* shape;
  AttrNumber* attributes;
  ResultRelInfo* indexes;
  EState* executor;
  TupleTableSlot* row;  // that is being written
  bool is_patient;      // in a session; the worker's patience ends, see PassingError
  TimestampTz began;
  TimestampTz looked;  // when patience was renewed
  int64 rows;          // read and written since it began
  bool in_order;       // the scan that runs is in the order that was asked for
};

// -- access. Each raises errors; rows of one call do not see each other.

void owned_insert(OwnedTable* table, const Datum* values, const bool* nulls);

// Somebody's lock on a row stands in the way: the row is left alone; or it is waited for in a session, and an
// error elsewhere.
enum class RowLock { kSkip, kFail };

// False: the row was left alone, or had been deleted already.
bool owned_delete(OwnedTable* table, TupleTableSlot* row, RowLock lock);
// Sets one column, in its indexes too.
void owned_set(OwnedTable* table, TupleTableSlot* row, int column, Datum value);

// Visits the rows whose time in a column (timestamp or timestamptz) lies in [from, to], as visit(row) wants
// to go on; rows that have none are in no range. In the order of that time, or backwards, where there is an
// index to it: see in_order.
void owned_scan(OwnedTable* table, int column, int64 from, int64 to, bool backwards,
                FunctionRef<bool(TupleTableSlot*)> visit);
Datum owned_value(const OwnedTable* table, TupleTableSlot* row, int column, bool* isnull);

// -- opening

// Reading runs no code of anybody's whatever is attached to the table, so then only our columns are looked
// at, and indexes that would be refused are not used. Nor does it matter what is attached meanwhile: the lock
// is that of a query (AccessShareLock).
enum class OwnedUse { kWrite, kRead };

// What becomes of an error that will pass by itself, or that the table's owner can do something about.
enum class PassingError {
  kThrow,  // an error that passes is raised again; for sessions
  // Told to the caller. Nor is there much waiting then: not for a lock on the table, and for nothing else
  // longer than kPatienceMs for a row. For background processes only.
  kReport,
};

enum class OwnerResult {
  kDone,
  kFailed,
  kPassing,
  kMore,  // done, but there is more of it for another time; see waiting.h
};

// Whether an error will not come again when the same is tried later: no memory, no lock, told to end.
bool passes_by_itself(int sqlstate);

constexpr int kPatienceMs = 5000;

// From now on what is done in a background process with a table ends with an error that passes when it takes
// more than kTimeouts * trending.row_timeout and kRowUs for each row: others need the process. Rows cost a tenth of that where the table has
// the one index that it was made with.
void owned_bound_time(bool is_bounded);

// The user that works, and the one to restore afterwards.
struct OwnedSession {
  MemoryContext memory;
  ResourceOwner resources;
  PassingError passing;
  OwnedUse use;
  Oid user;
  int security;
  int settings;
};

OwnedTable* owned_begin(Oid relation, const TableShape& shape, OwnedSession* session);
void owned_end(OwnedTable* table, OwnedSession* session);
// After an error, which it ends: copies what it says, or raises it again.
OwnerResult owned_abort(const OwnedSession& session, char* message, size_t size);

// Runs body(OwnedTable*) in a subtransaction; an error that lies with the table, or passes and is to be
// reported, becomes `message`. The body's locals must be trivially destructible.
template <size_t kSize, typename Body>
OwnerResult with_owned_table(Oid relation, const TableShape& shape, char (&message)[kSize],
                             PassingError passing, OwnedUse use, Body&& body) {
  OwnedSession session = {CurrentMemoryContext, CurrentResourceOwner, passing, use, InvalidOid, 0, 0};
  GetUserIdAndSecContext(&session.user, &session.security);
  volatile OwnerResult result = OwnerResult::kDone;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    OwnedTable* table = owned_begin(relation, shape, &session);
    body(table);
    owned_end(table, &session);
  }
  PG_CATCH();
  { result = owned_abort(session, message, kSize); }
  PG_END_TRY();
  MemoryContextSwitchTo(session.memory);
  CurrentResourceOwner = session.resources;
  return result;
}

}  // namespace trending
