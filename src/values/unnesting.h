// SPDX-License-Identifier: PostgreSQL
// Set-returning functions in FROM that make several events of a row: one of each of the rows that they return,
// its *elements*.
//
// They run within evaluate() (evaluation.h), as expressions do, and a row may have so many elements, so time
// and memory that one row takes are bounded. What a function that failed has left behind is thrown away with
// it: the next row meets a new one.
#pragma once

#include "postgres/server.h"

namespace trending {

// Several functions stand side by side, as in ROWS FROM: those that have ended give NULLs. Expressions refer to
// columns of an element by Vars with varno INNER_VAR.
struct Unnesting {
  List* functions;      // FuncExprs over the source, prepared
  bool has_ordinality;  // the last column numbers the elements
  bool keeps_rows;      // LEFT JOIN: a row without elements has one, whose columns are NULL
  Expr* where;          // those conditions of WHERE that read elements, or NULL
};

// A row that has more is refused.
constexpr int64 kMaxElements = 10000;

// Whether a prepared expression reads columns of an element.
bool reads_element(const Expr* expression);

// What makes the elements of one row after the other. Belongs to the context that it is made in.
struct Unnester;

// `row`: where the source's row will be. Needs a transaction.
Unnester* unnester_create(const Unnesting* unnesting, TupleTableSlot* row);

// Where the element at hand is.
TupleTableSlot* unnester_slot(const Unnester* unnester);

// The row in the slot, and its next element, until there is none. What the element consists of may be in
// CurrentMemoryContext, and lasts until the next one. Raise errors.
void unnester_begin(Unnester* unnester);
bool unnester_next(Unnester* unnester);

// To be called when unnester_next() has not said false and no more elements are wanted. Not after an error.
void unnester_end(Unnester* unnester);

}  // namespace trending
