// The table trending.trend, as the library sees it.
#pragma once

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
  kTrendColumnCount = kTrendLate,
};

// The OID of trending.trend; InvalidOid if the extension is not installed in this database.
Oid trend_table();

// Whether a relation serves a registered trend.
bool trend_is_registered(Oid relation);

}  // namespace trending
