// SPDX-License-Identifier: PostgreSQL
// A definition's expressions over the rows that are its events, as a query of its own: without window, groups
// and order. Locks the source ACCESS SHARE.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// SELECT of the source's columns, and of columns of ours called "<prefix> element 1" (of an element),
// "<prefix> time" (a date is a timestamp) and "<prefix> key 1".
const char* events_text(const Definition& definition, const char* prefix);

// SELECT of "<prefix> key 1" and so on over rows that stand in for the source's, and of their columns "<prefix>
// place" and "<prefix> time": those of a query `rows` in a WITH clause around the text, which has the source's
// columns, then these two.
const char* keys_text(const Definition& definition, const char* prefix, const char* rows);

// An expression of the definition as the parser makes it of the names that definition_text() gives.
Node* parsed_expression(const Definition& definition, const Expr* expression);

// The one statement of a text.
SelectStmt* parse_one(const char* text, RawStmt** statement);

}  // namespace trending
