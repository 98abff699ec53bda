// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QObject>

#include "data/connection.h"
#include "data/ranking.h"
#include "data/status.h"
#include "data/timeline.h"

namespace trending {

// What the window looks at; the source fetches nothing else.
struct Interest {
  TrendId trend = 0;
  Partition partition;  // of a trend ranked within partitions: the one shown
  int limit = 10;
  int interval_ms = 1000;  // at most one refresh in so much time
  bool paused = false;
  bool status_in_view = false;  // health figures on the screen: refreshed at every interval

  bool operator==(const Interest&) const = default;
};

constexpr int kMostPartitions = 1000;

// Where the data comes from. Signals carry plain values; they arrive in the thread of the receiver.
class Source : public QObject {
  Q_OBJECT

 public:
  explicit Source(QObject* parent = nullptr) : QObject(parent) {}

  // Connects, and stays connected: after a loss it tries again by itself until close().
  virtual void open(const ConnectionSettings& settings) = 0;
  virtual void close() = 0;
  virtual void retry_now() = 0;

  virtual void set_interest(const Interest& interest) = 0;
  virtual void request_history(TrendId trend) = 0;
  virtual void request_window(TrendId trend, const WindowSpan& window, int limit) = 0;
  virtual void request_series(TrendId trend, const QStringList& keys) = 0;
  virtual void request_explanation(TrendId trend) = 0;

 signals:
  void connection_changed(const trending::ConnectionState& state);
  void trends_available(const trending::TrendList& trends);
  void status_available(const trending::StatusSample& sample);
  // Of a trend ranked within partitions: those there are, at most kMostPartitions.
  void partitions_available(trending::TrendId trend, const QList<trending::Partition>& partitions);
  void ranking_available(const trending::Ranking& ranking);
  void history_available(const trending::HistoryState& history);
  void series_available(trending::TrendId trend, const trending::SeriesByKey& series);
  // Empty when the server has none.
  void explanation_available(trending::TrendId trend, const trending::Explanation& explanation);
  void failed(const trending::Failure& failure);
};

}  // namespace trending
