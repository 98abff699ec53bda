// SPDX-License-Identifier: PostgreSQL
// The part of a session that answers what was asked for once: closed windows and their rankings, how a trend is
// kept.

#include "source/session.h"

namespace trending {

void Session::request_history(TrendId trend) {
  tasks_[kHistoryTask] = [this, trend] {
    if (const TrendInfo* info = find_trend(trend)) load_history(*info);
  };
  pump();
}

void Session::request_window(TrendId trend, const WindowSpan& window, int limit) {
  tasks_[kWindowTask] = [this, trend, window, limit] {
    if (const TrendInfo* info = find_trend(trend)) load_window(*info, window, limit);
  };
  pump();
}

void Session::request_series(TrendId trend, const QStringList& keys) {
  tasks_[kSeriesTask] = [this, trend, keys] {
    if (const TrendInfo* info = find_trend(trend)) load_series(*info, keys);
  };
  pump();
}

void Session::request_explanation(TrendId trend) {
  tasks_[kExplanationTask] = [this, trend] {
    if (find_trend(trend) != nullptr) load_explanation(trend);
  };
  pump();
}

void Session::history_failed(TrendId trend, const SqlError& error) {
  history_columns_.remove(trend);
  emit history_available(
      {trend, HistoryState::Kind::kAbsent, tr("Its history cannot be read: %1").arg(error.message), {}});
  pump();
}

void Session::load_history(const TrendInfo& trend) {
  const auto absent = [this, id = trend.id](const QString& reason) {
    emit history_available({id, HistoryState::Kind::kAbsent, reason, {}});
    pump();
  };
  if (!trend.shape.valid()) return absent(tr("The definition could not be read."));
  if (trend.shape.window_function.isEmpty()) return absent(tr("Without a window nothing closes."));
  if (trend.shape.sessions()) return absent(tr("Sessions close one by one, each at its own time."));
  if (trend.history.isEmpty()) return absent(tr("The trend keeps none (history_limit is 0)."));
  reader_.query(queries::kHistoryColumns, {trend.history.toUtf8()},
                [this, id = trend.id, absent](const PgResult& result) {
                  const TrendInfo* info = find_trend(id);
                  if (info == nullptr) return pump();
                  if (!result.ok()) return history_failed(id, result.error());
                  if (result.rows() == 0) {
                    return absent(tr("Its table %1 is gone.").arg(info->history));
                  }
                  const queries::HistoryColumns columns = queries::parse_history_columns(result);
                  history_columns_.insert(id, columns);
                  reader_.query(queries::history_windows(*info, columns), {},
                                [this, id](const PgResult& windows) {
                                  if (!windows.ok()) return history_failed(id, windows.error());
                                  const QList<WindowSpan> spans = queries::parse_windows(windows);
                                  history_since_ = spans.empty() ? QDateTime() : spans.first().end;
                                  emit history_available({id, HistoryState::Kind::kPresent, {}, spans});
                                  pump();
                                });
                });
}

// As the live ranking: first what only trending.top knows, then the rows. Without a worker the rows alone.
void Session::load_window(const TrendInfo& trend, const WindowSpan& window, int limit) {
  if (history_columns_.value(trend.id).names.empty()) return;
  if (!interest_.partition.empty()) return load_window_rows(trend, window, limit, {});
  reader_.query(queries::kTopOfWindow,
                {QByteArray::number(trend.id), QByteArray::number(limit), queries::timestamp(window.end)},
                [this, id = trend.id, window, limit](const PgResult& result) {
                  const TrendInfo* info = find_trend(id);
                  if (info == nullptr) return pump();
                  load_window_rows(*info, window, limit,
                                   result.ok() ? queries::parse_top_labels(result) : queries::TopRows());
                });
}

void Session::load_window_rows(const TrendInfo& trend, const WindowSpan& window, int limit,
                               const queries::TopRows& top) {
  const queries::HistoryColumns columns = history_columns_.value(trend.id);
  const Partition partition = interest_.partition;
  const QList<QByteArray> bounds{queries::timestamp(window.start), queries::timestamp(window.end)};
  reader_.query(queries::history_rows(trend, columns, partition, limit),
                bounds + queries::partition_parameters(partition),
                [this, id = trend.id, window, partition, columns, top](const PgResult& result) {
                  const TrendInfo* info = find_trend(id);
                  if (info == nullptr) return pump();
                  if (!result.ok()) return history_failed(id, result.error());
                  Ranking ranking = queries::parse_history_rows(result, *info, columns);
                  ranking.window = window;
                  ranking.partition = partition;
                  queries::add_top_rows(top, *info, ranking);
                  emit ranking_available(ranking);
                  pump();
                });
}

void Session::load_series(const TrendInfo& trend, const QStringList& keys) {
  const queries::HistoryColumns columns = history_columns_.value(trend.id);
  if (columns.names.empty() || keys.empty() || !history_since_.isValid()) return;
  const QByteArray since = queries::timestamp(history_since_);
  reader_.query(queries::history_series(trend, columns), {queries::text_array(keys), since},
                [this, id = trend.id](const PgResult& result) {
                  if (!result.ok()) return history_failed(id, result.error());
                  emit series_available(id, queries::parse_series(result));
                  pump();
                });
}

// A server whose extension has no such function leaves the page without it.
void Session::load_explanation(TrendId trend) {
  reader_.query(queries::kExplanation, {QByteArray::number(trend)}, [this, trend](const PgResult& result) {
    emit explanation_available(trend, result.ok() ? queries::parse_explanation(result) : Explanation());
    pump();
  });
}

}  // namespace trending
