// The table trending.trend, as the library sees it.
#pragma once

#include "definition/definition.h"
#include "definition/trend_options.h"
#include "postgres/server.h"

namespace trending {

// Its columns, in the order of CREATE TABLE in the install script.
enum TrendColumn : AttrNumber {
  kTrendId = 1,
  kTrendRelation,
  kTrendSource,
  kTrendQuery,
  kTrendDefinition,
  kTrendLabel,
  kTrendWatermarkDelay,
  kTrendAllowedLateness,
  kTrendLateEvents,
  kTrendIdleTimeout,
  kTrendMaxAhead,
  kTrendHistoryLimit,
  kTrendRetention,
  kTrendBackfill,
  kTrendPartitionBy,
  kTrendMaxGroups,
  kTrendCreatedAt,
  kTrendHistory,
  kTrendLate,
  kTrendAlerts,
  kTrendNotifyChannel,
  kTrendSourceTypes,
  kTrendColumnCount = kTrendSourceTypes,
};

// A row of it, as far as it names others.
struct StoredTrend {
  int32 id;
  Oid relation;
  Oid source;
  const char* definition;
};

// Reads a row's options, and the tables that they ask for: InvalidOid where the option is off, whatever is
// kept. The text of the definition is NULL if it lies out of line and is not at hand (the row was updated,
// not the text).
struct StoredOptions {
  int32 id;
  DefinitionOptions options;
  Oid history;
  Oid late;
  const char* definition;
};
StoredOptions stored_options(TupleDesc descriptor, HeapTuple row);

// The trends over a source (a List of StoredTrend).
List* stored_trends(Oid source);

// The OID of trending.trend; InvalidOid if the extension is not installed in this database.
Oid trend_table();

// The source of a trend, without looking whether its definition still fits; InvalidOid if there is no such
// trend.
Oid definition_source(int32 trend_id);
// Its foreign table; InvalidOid when there is no such trend.
Oid definition_relation(int32 trend_id);

// The owner of a relation; InvalidOid if it does not exist.
Oid relation_owner(Oid relation);

// A trend's options as the arguments that would give them (but partition_by), and its tables, written or only
// kept. False if `relation` is not a registered trend.
bool stored_arguments(Oid relation, TrendOptionArguments* arguments, Oid* history, Oid* late);

// Whether a relation serves a registered trend.
bool trend_is_registered(Oid relation);

}  // namespace trending
