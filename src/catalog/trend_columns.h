// SPDX-License-Identifier: PostgreSQL
// The columns of trending.trend.
#pragma once

#include "postgres/server.h"

namespace trending {

// In the order of CREATE TABLE in the install script.
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

}  // namespace trending
