// The part of a session that answers what was asked for once: closed windows and their rankings.

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

void Session::load_window(const TrendInfo& trend, const WindowSpan& window, int limit) {
  const queries::HistoryColumns columns = history_columns_.value(trend.id);
  if (columns.names.empty()) return;
  const Partition partition = interest_.partition;
  const QList<QByteArray> bounds{queries::timestamp(window.start), queries::timestamp(window.end)};
  reader_.query(queries::history_rows(trend, columns, partition, limit),
                bounds + queries::partition_parameters(partition),
                [this, id = trend.id, window, partition, columns](const PgResult& result) {
                  const TrendInfo* info = find_trend(id);
                  if (info == nullptr) return pump();
                  if (!result.ok()) return history_failed(id, result.error());
                  Ranking ranking = queries::parse_history_rows(result, *info, columns);
                  ranking.window = window;
                  ranking.partition = partition;
                  add_labels(*info, std::move(ranking));
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

void Session::add_labels(const TrendInfo& trend, Ranking ranking) {
  QStringList keys;
  for (const RankedItem& item : ranking.items) keys.append(item.key);
  const auto publish_as_it_is = [this](const Ranking& bare) {
    emit ranking_available(bare);
    pump();
  };
  if (trend.label.isEmpty() || keys.isEmpty() || trend.shape.keys.size() != 1)
    return publish_as_it_is(ranking);
  reader_.query(queries::kLabelSource, {trend.label.toUtf8()},
                [this, keys, ranking = std::move(ranking), publish_as_it_is](const PgResult& result) {
                  if (!result.ok() || result.rows() == 0) return publish_as_it_is(ranking);
                  const QByteArray key = result.text(0, result.column("key")).toUtf8();
                  const QByteArray sql =
                      "SELECT " + key + "::text, " + result.text(0, result.column("label")).toUtf8() +
                      "::text FROM " + result.text(0, result.column("table")).toUtf8() + " WHERE " + key +
                      " = ANY ($1::text[]::" + result.text(0, result.column("type")).toUtf8() + "[])";
                  read_labels(sql, keys, ranking);
                });
}

void Session::read_labels(const QByteArray& sql, const QStringList& keys, Ranking ranking) {
  reader_.query(sql, {queries::text_array(keys)},
                [this, ranking = std::move(ranking)](const PgResult& result) {
                  QHash<QString, QString> labels;
                  for (int row = 0; result.ok() && row < result.rows(); ++row)
                    labels.insert(result.text(row, 0), result.text(row, 1));
                  Ranking labelled = ranking;
                  for (RankedItem& item : labelled.items) item.label = labels.value(item.key);
                  emit ranking_available(labelled);
                  pump();
                });
}

}  // namespace trending
