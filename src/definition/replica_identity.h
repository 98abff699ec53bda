// SPDX-License-Identifier: PostgreSQL
// Whether updates and deletes of a source can reach a trend.
//
// What a row counted as is retracted when its old version is in the WAL, as far as the trend reads it. That
// is the table's replica identity: the whole row (FULL), an index's columns, by default the primary key's, or
// none. Every partition has an identity of its own, and a new one begins with the default.
#pragma once

#include "definition/definition.h"

namespace trending {

// Whether the replica identities of the source, or of all its partitions, cover what the trend reads. Takes
// ACCESS SHARE locks.
bool identity_covers(const Definition& definition);

// Whether that of at least one of them does, so that rows can be retracted at all.
bool identity_covers_some(const Definition& definition);

// Tells the user, as a NOTICE, which tables lack that and the commands that help.
void report_identity(const Definition& definition, const char* trend);

// Whether old versions of the rows of a table, a joined one or a partition of it, have all columns that it is joined
// by. Takes no lock.
bool identity_has_key(Relation table, const Dimension& dimension);

}  // namespace trending
