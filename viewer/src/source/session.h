// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QElapsedTimer>
#include <QHash>
#include <QTimer>
#include <array>

#include "source/backoff.h"
#include "source/pg_connection.h"
#include "source/queries.h"
#include "source/source.h"

namespace trending {

// One database seen through two connections: `reader_` asks for what is of interest, one query at a time;
// `watcher_` waits in trending.watch for something new. Lives in its own thread and is driven by its event
// loop alone. All members belong to that thread.
class Session : public Source {
  Q_OBJECT

 public:
  explicit Session(QObject* parent = nullptr);

  void open(const ConnectionSettings& settings) override;
  void close() override;
  void retry_now() override;
  void set_interest(const Interest& interest) override;
  void request_history(TrendId trend) override;
  void request_window(TrendId trend, const WindowSpan& window, int limit) override;
  void request_series(TrendId trend, const QStringList& keys) override;
  void request_explanation(TrendId trend) override;

 private:
  using Task = std::function<void()>;
  using Phase = ConnectionState::Phase;

  void connect_now();
  void on_lost(const QString& message, bool password_needed);
  void report(Phase phase, const QString& message = {}, qint64 wait_ms = 0);
  void check_answers();

  // The scheduler: runs the next thing that is due, or sleeps until one is.
  void pump();
  void probe();
  void check_trend_list();
  void load_trend_list();
  void set_time_zone();
  void fetch_partitions();
  void fetch_labels();
  void fetch_rows();
  void publish(const Ranking& ranking);
  void fetch_status();
  void watch();
  void ranking_failed(const SqlError& error);
  void list_failed(Failure::Subject subject, const SqlError& error);

  void load_history(const TrendInfo& trend);
  void load_window(const TrendInfo& trend, const WindowSpan& window, int limit);
  void load_series(const TrendInfo& trend, const QStringList& keys);
  void load_explanation(TrendId trend);
  void history_failed(TrendId trend, const SqlError& error);
  void load_window_rows(const TrendInfo& trend, const WindowSpan& window, int limit,
                        const queries::TopRows& top);

  const TrendInfo* find_trend(TrendId id) const;
  qint64 now() const { return clock_.elapsed(); }

  PgConnection reader_, watcher_;
  ConnectionSettings settings_;
  ConnectionState state_;
  ServerInfo server_;
  Backoff backoff_;
  QElapsedTimer clock_;
  QTimer retry_, wake_, watchdog_, watch_again_;
  QTimer decay_;  // what decays changes although nothing happens
  bool wanted_open_ = false;
  bool cancelled_ = false;  // the query in flight was asked to stop because it took too long

  bool probed_ = false;
  Interest interest_;
  QHash<TrendId, TrendInfo> trends_;
  QString list_signature_;
  QHash<TrendId, queries::HistoryColumns> history_columns_;
  QDateTime history_since_;  // end of the first closed window that was told
  // Asked for once, run in this order. A newer wish replaces an older one that has not been met: a slider
  // that is dragged over a thousand windows asks for the last.
  enum TaskKind { kHistoryTask, kWindowTask, kSeriesTask, kExplanationTask, kTaskKinds };
  std::array<Task, kTaskKinds> tasks_;

  // When each thing is due, by clock_.
  qint64 next_probe_ = 0, next_list_ = 0, next_status_ = 0, next_ranking_ = 0, next_partitions_ = 0;
  bool ranking_wanted_ = false;  // something may have changed since the last one
  bool watch_works_ = true;
  qint64 version_ = 0;       // of the trend shown, as trending.watch last told
  queries::TopRows labels_;  // of the last trending.top
  StatusSample last_status_, next_sample_;
};

}  // namespace trending
