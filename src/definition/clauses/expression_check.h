// SPDX-License-Identifier: PostgreSQL
// Which expressions a definition may contain: columns of the source, constants, and immutable functions and
// operators of PostgreSQL itself, and trending.parse_timestamptz. The same idea as publications' row filters, for the same reason: the
// expressions run while WAL is decoded.
#pragma once

#include "definition/query_text.h"
#include "postgres/server.h"

namespace trending {

// What the check needs to know about the query around an expression.
struct ExpressionScope {
  const QueryText* text;
  Index source;  // range table index of the source
  Oid source_relation;
  Index window;           // range table index of the window function, 0 where there is none yet
  Index unnesting;        // range table index of the functions whose rows are elements, or 0
  bool of_groups;         // Vars are keys and aggregates, already checked: HAVING
  bool any_type = false;  // values of user-defined types may pass
};

// Raises an error at the first node that is not allowed. `place` names the expression in messages ("WHERE").
void expression_check(Node* expression, const ExpressionScope& scope, const char* place);

// The same for the call of a set-returning function.
void set_call_check(FuncExpr* call, const ExpressionScope& scope, const char* place);

}  // namespace trending
