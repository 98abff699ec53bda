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
  kTrendAlerts,
  kTrendNotifyChannel,
  kTrendColumnCount = kTrendNotifyChannel,
};

// The OID of trending.trend; InvalidOid if the extension is not installed in this database.
Oid trend_table();

// The source of a trend, without looking whether its definition still fits; InvalidOid if there is no such
// trend.
Oid definition_source(int32 trend_id);

// The owner of a relation; InvalidOid if it does not exist.
Oid relation_owner(Oid relation);

// Whether a relation serves a registered trend.
bool trend_is_registered(Oid relation);

}  // namespace trending
