// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QByteArray>
#include <QDateTime>
#include <QHash>

#include "data/ranking.h"
#include "data/status.h"
#include "data/timeline.h"
#include "source/pg_connection.h"

// The statements the viewer runs, and how their rows become values. Columns are found by name and may be
// missing, so that servers with an older or newer extension can be looked at too.
namespace trending::queries {

extern const char* const kProbe;
extern const char* const kTrendListSignature;  // one value that changes when the list does
extern const char* const kTrendList;
extern const char* const kStatus;
extern const char* const kExplanation;
extern const char* const kWorkerStatus;
extern const char* const kTop;             // relation, k
extern const char* const kTopOfPartition;  // relation, k, array of the partition's values
extern const char* const kTopOfWindow;     // relation, k, end of the window
extern const char* const kWatch;           // relation, version
extern const char* const kHistoryColumns;  // its qualified name
extern const char* const kTimeZone;        // name of the zone to write times in

// The columns of a trend's history: those of the trend, before them the bounds of the window where the trend
// does not show them, behind them `final`.
struct HistoryColumns {
  QStringList names, types;

  // The place of a trend's column is so much further on; its window's bounds are there in any case.
  int shift(const TrendInfo& trend) const {
    return (trend.shape.window_start < 0 ? 1 : 0) + (trend.shape.window_end < 0 ? 1 : 0);
  }
};

// Parameters: the values of the partition that are not NULL.
QByteArray live_rows(const TrendInfo& trend, const Partition& partition, int limit);
QByteArray partitions(const TrendInfo& trend, int limit);
QList<QByteArray> partition_parameters(const Partition& partition);
QByteArray history_windows(const TrendInfo& trend, const HistoryColumns& columns);
// Parameters: start and end of the window, then those of the partition.
QByteArray history_rows(const TrendInfo& trend, const HistoryColumns& columns, const Partition& partition,
                        int limit);
// Parameters: an array of keys, and the end of the first window.
QByteArray history_series(const TrendInfo& trend, const HistoryColumns& columns);

QByteArray quote_identifier(const QString& name);
QByteArray text_array(const QStringList& values);
QByteArray text_array(const QList<std::optional<QString>>& values);
QByteArray timestamp(const QDateTime& time);

ServerInfo parse_probe(const PgResult& result);
TrendList parse_trends(const PgResult& result);
void parse_status(const PgResult& result, StatusSample& sample);
void parse_worker(const PgResult& result, StatusSample& sample);

// What trending.top adds to the rows of the trend.
struct TopRow {
  QString label;
  std::optional<qint64> previous_rank;
};
using TopRows = QHash<QString, TopRow>;
TopRows parse_top_labels(const PgResult& result);
void add_top_rows(const TopRows& rows, const TrendInfo& trend, Ranking& ranking);
Ranking parse_top(const PgResult& result, const TrendInfo& trend);
Ranking parse_rows(const PgResult& result, const TrendInfo& trend);
QList<Partition> parse_partitions(const PgResult& result);
HistoryColumns parse_history_columns(const PgResult& result);
Ranking parse_history_rows(const PgResult& result, const TrendInfo& trend, const HistoryColumns& columns);
QList<WindowSpan> parse_windows(const PgResult& result);
SeriesByKey parse_series(const PgResult& result);
Explanation parse_explanation(const PgResult& result);

}  // namespace trending::queries
