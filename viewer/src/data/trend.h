// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QDateTime>
#include <QList>
#include <QString>
#include <optional>
#include <utility>

#include "data/definition_shape.h"

namespace trending {

using TrendId = quint32;  // the OID of the trend's relation

// What the catalog says of one trend.
struct TrendInfo {
  TrendId id = 0;
  QString name;  // as the server writes it: quoted and qualified where it must be
  QString schema, table;
  QString source;
  QString owner;
  QString query, definition;
  QString label;
  QString watermark_delay, allowed_lateness, late_events, idle_timeout, max_ahead;
  QString history_limit, retention, max_groups;
  QString history;           // its table of closed windows, qualified and quoted; empty when none is kept
  QStringList partition_by;  // columns; ranks are within their values
  QDateTime created_at;
  DefinitionShape shape;

  bool operator==(const TrendInfo& other) const {
    return id == other.id && name == other.name && definition == other.definition && label == other.label;
  }
};

using TrendList = QList<TrendInfo>;

// What trending.explain says of a trend: a topic and its words each.
using Explanation = QList<std::pair<QString, QString>>;

// The values of a trend's partition columns, as text, or NULL. Without any: all rows.
using Partition = QList<std::optional<QString>>;

}  // namespace trending
