// SPDX-License-Identifier: PostgreSQL
// The table trending.trend, as the library sees it.
#pragma once

#include "catalog/trend_options.h"
#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// Loads a registered trend into CurrentMemoryContext; NULL if there is no such row in trending.trend. Raises
// an error, with the trend's name as context, if its definition is not the one that was checked, or no longer
// fits the source. Runs no code that a user wrote. Needs a transaction.
Definition* definition_load(int32 trend_id);
Definition* definition_load_relation(Oid relation);

// The same from a per-backend cache, for readers: valid until the end of the current transaction, refreshed
// when the foreign table or the source changes. NULL if `relation` is not a registered trend.
const Definition* definition_cached(Oid relation);

// Ids of all registered trends, ascending (a List of integers).
List* definition_ids();

// Reads a row's options, and the tables that they ask for: InvalidOid where the option is off, whatever is
// kept.
struct StoredOptions {
  int32 id;
  DefinitionOptions options;
  Oid history;
  Oid late;
};
StoredOptions stored_options(TupleDesc descriptor, HeapTuple row);

// The OID of trending.trend; InvalidOid if the extension is not installed in this database.
Oid trend_table();

// The foreign table of a trend; InvalidOid if there is no such trend.
Oid definition_relation(int32 trend_id);

// The source of a trend, without looking whether its definition still fits; InvalidOid if there is no such
// trend. And the view that holds its definition.
Oid definition_source(int32 trend_id, Oid* view = nullptr);

// The view that holds a trend's definition; InvalidOid if `relation` is no registered trend.
Oid definition_view(Oid relation);

// The owner of a trend; InvalidOid if there is no such trend.
Oid definition_owner(int32 trend_id);

// A trend's options as they are stored, and its tables, written or only kept. False if `relation` is not a
// registered trend.
bool stored_option_values(Oid relation, OptionValues* values, Oid* history, Oid* late);

// Whether a relation serves a registered trend.
bool trend_is_registered(Oid relation);

}  // namespace trending
