// SPDX-License-Identifier: PostgreSQL
// The one door through which the worker runs what a definition computes: expressions of WHERE, FILTER, keys,
// arguments, event time and HAVING, and the functions of aggregates.
//
// Whatever these do, it concerns only the row or group that they were given. Every error is caught here, of
// whatever kind: no stack left, no memory left, an internal error. An evaluation that takes more than
// trending.row_timeout of processor time for one row or group is cancelled. Only the end of the process and a
// cancelling that somebody else asked for are passed on.
//
// Time is watched without a look at a clock per row. An evaluation that finds no timer set sets one that
// fires once. When it fires, the evaluation that is running then is a sample of what the worker does with its
// time. It sets the timer again only while something runs, so an idle worker sleeps on. If only a few
// evaluations began since it fired last, they are slow, and the one that runs is charged with the time. The
// account is the owner's: whose definitions take more than kTurns * trending.row_timeout of slow
// evaluations at once, or more than a kShare-th of the time for long, has that trend stopped, and others
// which are slow, until the account has recovered. Definitions whose evaluations cost less than kSlowUs on
// average are never charged, however many rows there are.
//
// Functions of the server that do not look for interrupts cannot be cancelled. One that takes kMostTimeouts times
// trending.row_timeout ends the process: evaluation_start() is told how.
#pragma once

#include "engine/memory/function_ref.h"
#include "postgres/server.h"

namespace trending {

// What an owner's slow evaluations have cost.
struct EvaluationAccount {
  Oid owner;
  int64 spent_us;  // becomes less as time passes
  TimestampTz at;  // when that was put right
  EvaluationAccount* next;
};

// Makes the door ready in this process, which has to be a worker. overrun() is called in a signal's handler
// when an evaluation of this owner's cannot be cancelled, while no lock of the server's is held but the one that
// evaluate() was told of. It ends the process.
void evaluation_start(void (*overrun)(Oid owner));

// The account of a role; for ever the same.
EvaluationAccount* evaluation_account(Oid owner);

// How the last evaluation that failed did so.
struct EvaluationFailure {
  int sqlstate;
  char message[256];
};
extern EvaluationFailure evaluation_failure;

// Runs body(), false if it failed. `held` is the only lock (LWLock) that the caller holds, or null;
// interrupts are let in although it is held, so whoever holds it must survive the end of the process, as the
// state of a trend does (TrendShared::applying). Within another evaluation body() is part of that. Resources
// that body() held when it failed are released here; memory is the caller's.
bool evaluate(EvaluationAccount* account, LWLock* held, FunctionRef<void()> body);

// Whether evaluations since the last call were charged to an account that is overdrawn.
bool evaluation_overdrawn();

// What to tell of a trend that is stopped for that reason.
const char* evaluation_overdrawn_reason();

}  // namespace trending
