// SPDX-License-Identifier: PostgreSQL
// A trend's definition, kept as a view: <trend>_definition.
//
// create_trend has the server make the view from the user's text, as the user. From then on the definition is
// the view's rule: a tree of nodes that name types, functions, operators and columns by OID. It is never
// parsed again, neither by the worker nor for readers, so no name of it can come to mean another object. The
// server keeps what the rule depends upon (dropping that needs CASCADE, which takes the trend), follows
// renames, dumps it and upgrades it.
//
// The view is a part of the foreign table: it is dropped with it, and cannot be dropped by itself. Its owner
// may replace it (CREATE OR REPLACE VIEW), but the trend does not follow: trending.checked_definition keeps
// the digest of the rule that was checked.
#pragma once

#include "definition/definition.h"
#include "postgres/fingerprint.h"
#include "postgres/server.h"

namespace trending {

// What is added to a trend's name for the name of its view.
inline constexpr const char* kDefinitionSuffix = "_definition";

// CREATE VIEW as the current user; errors point into `text`, as those of definition_analyze do.
Oid definition_view_create(Oid schema, const char* name, const char* text);

// Makes the view a part of the trend's foreign table.
void definition_view_attach(Oid view, Oid relation);

// The query of the view's rule, as the analyser left it, and its digest; NULL if there is no such view any
// more. Takes no lock on the view: one that its owner keeps locked holds up nobody.
Query* definition_view_query(Oid view, Fingerprint* rule);

// The definition that is in a view, which the current user has made, or, without check_rights, in that of a
// registered trend, whose name is then the context of errors.
Definition* definition_of_view(Oid view, const char* trend, bool check_rights);

// A dump has neither the dependency nor the digest: both are made where they are missing, so that in a
// restored or upgraded database the definition is the one that was loaded first. For the worker, within a
// transaction.
void definition_view_confirm(const Definition& definition);

// Remembers that this rule was checked; as the owner of the extension, within SPI_connect.
void definition_note_checked(int32 trend_id, const Fingerprint& rule);

// Raises an error if another rule was checked for this trend.
void definition_compare_checked(int32 trend_id, const char* trend, const Fingerprint& rule);

}  // namespace trending
