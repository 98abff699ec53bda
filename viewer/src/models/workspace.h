// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QObject>

#include "data/problem.h"
#include "models/ranking_model.h"
#include "models/status_model.h"
#include "models/trend_list_model.h"
#include "source/source.h"

namespace trending {

// What the window shows, apart from how: the trend, the moment, the selection. Pages connect to it in their
// constructors; nothing else talks to the source.
class Workspace : public QObject {
  Q_OBJECT

 public:
  static constexpr int kFewest = 5, kMost = 50;

  // A place of the time slider: a closed window, or without history a moment that was seen.
  struct Stop {
    QDateTime at;
    WindowSpan window;
  };

  explicit Workspace(Source* source, QObject* parent = nullptr);

  void open(const ConnectionSettings& settings);
  void retry_now() { source_->retry_now(); }
  void select_trend(TrendId id);
  // Of a trend ranked within partitions.
  void select_partition(const Partition& partition);
  // Selected as soon as a trend of that name is in the list.
  void prefer_trend(const QString& name);
  void set_limit(int limit);
  void set_interval(int milliseconds);
  void set_paused(bool paused);
  void set_status_in_view(bool in_view);
  void set_selected(const QStringList& keys);
  // An index into stops(); anything past them is live.
  void show_stop(qsizetype index);
  void show_live();
  void load_history();
  void load_series();
  void load_explanation();

  const ConnectionState& connection() const { return connection_; }
  const TrendInfo* trend() const { return trends_.find(interest_.trend); }
  TrendId trend_id() const { return interest_.trend; }
  const Partition& partition() const { return interest_.partition; }
  const QList<Partition>& partitions() const { return partitions_; }
  int limit() const { return interest_.limit; }
  int interval() const { return interest_.interval_ms; }
  bool paused() const { return interest_.paused; }
  bool live() const { return shown_stop_ < 0; }
  const Ranking& ranking() const { return ranking_.ranking(); }
  bool connected() const { return connection_.phase == ConnectionState::Phase::kConnected; }
  const Ranking& live_ranking() const { return live_ranking_; }
  bool has_ranking() const { return live_ranking_.trend != 0 && is_shown(live_ranking_); }
  const StatusSample& status() const { return status_; }
  TrendStatus trend_status() const { return status_.trends.value(interest_.trend); }
  const QList<Problem>& problems() const { return problems_; }
  const QStringList& selected() const { return selected_; }
  // The items a chart shows: those selected, else the best five.
  QStringList charted() const;
  QString title_of(const QString& key) const { return titles_.value(key, key); }
  const HistoryState& history() const { return history_; }
  const QList<Stop>& stops() const { return stops_; }
  qsizetype shown_stop() const { return shown_stop_; }
  const Explanation& explanation() const { return explanation_; }
  // The closed windows as far as they were read, then the current one; without history what was seen.
  SeriesByKey series() const;

  TrendListModel* trends() { return &trends_; }
  RankingModel* ranking_model() { return &ranking_; }
  StatusModel* status_model() { return &statuses_; }

 signals:
  void connection_changed();
  void trend_changed();  // another trend, or none
  void partitions_changed();
  void ranking_changed();  // other rows on the screen
  void live_ranking_changed();
  void status_changed();
  void problems_changed();
  void selection_changed();
  void stops_changed();
  void moment_changed();  // live or past, paused or not
  void series_changed();
  void explanation_changed();
  void limit_changed(int limit);

 private:
  void on_connection(const ConnectionState& state);
  void on_trends(const TrendList& trends);
  void on_status(const StatusSample& sample);
  void on_ranking(Ranking ranking);
  void on_history(const HistoryState& history);
  void on_failed(const Failure& failure);
  bool is_shown(const Ranking& ranking) const {
    return ranking.trend == interest_.trend && ranking.partition == interest_.partition;
  }
  void on_partitions(TrendId trend, const QList<Partition>& partitions);
  void show_other();
  void remember_titles(const Ranking& ranking);
  void rebuild_stops();
  void show(const Ranking& ranking);
  void diagnose_again();
  void push_interest() { source_->set_interest(interest_); }

  Source* source_;
  Interest interest_;
  QString preferred_;
  ConnectionState connection_;
  bool trends_known_ = false;
  TrendListModel trends_;
  RankingModel ranking_;
  StatusModel statuses_;
  QList<Partition> partitions_;
  Ranking live_ranking_;
  StatusSample status_;
  std::optional<Failure> failure_;
  QList<Problem> problems_;
  QStringList selected_;
  QHash<QString, QString> titles_;
  SeenRankings seen_;
  HistoryState history_;
  Explanation explanation_;
  SeriesByKey history_series_;
  QList<Stop> stops_;
  qsizetype shown_stop_ = -1;
  WindowSpan awaited_window_;  // asked of history, not there yet
};

}  // namespace trending
