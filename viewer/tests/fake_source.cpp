// SPDX-License-Identifier: PostgreSQL
#include "fake_source.h"

#include <algorithm>

namespace trending {

void FakeSource::connect_with(const TrendList& trends) {
  ConnectionState state;
  state.phase = ConnectionState::Phase::kConnected;
  state.target = QStringLiteral("blog on this machine");
  state.server.version = QStringLiteral("15.14");
  state.server.database = QStringLiteral("blog");
  state.server.user = QStringLiteral("reader");
  state.server.extension_installed = state.server.extension_available = true;
  state.server.wal_level = QStringLiteral("logical");
  emit connection_changed(state);
  emit trends_available(trends);
  emit status_available(status(trends, 1000));
}

TrendInfo FakeSource::trend(TrendId id, const QString& name) {
  TrendInfo trend;
  trend.id = id;
  trend.name = trend.table = name;
  trend.schema = QStringLiteral("public");
  trend.source = QStringLiteral("view_events");
  trend.owner = QStringLiteral("app");
  trend.label = QStringLiteral("public.posts.title");
  trend.query = trend.definition = QStringLiteral(
      "SELECT hop.window_start, hop.window_end, view_events.post_id, count(*) AS views\n"
      "FROM public.view_events, LATERAL trending.hop(view_events.viewed_at, slide => '00:00:10'::interval, "
      "size => '00:05:00'::interval) hop(window_start, window_end)\n"
      "GROUP BY hop.window_start, hop.window_end, view_events.post_id\nORDER BY (count(*)) DESC");
  trend.max_groups = QStringLiteral("1000000");
  trend.shape = read_shape(trend.definition);
  return trend;
}

RankedItem FakeSource::item(qint64 rank, const QString& key, const QString& label, const QString& value) {
  RankedItem item;
  item.rank = rank;
  item.key = key;
  item.label = label;
  item.value = value;
  item.magnitude = value.toDouble();
  item.cells = {QStringLiteral("2026-01-01 12:00:00+00"), QStringLiteral("2026-01-01 12:05:00+00"), key,
                value, QString::number(rank)};
  return item;
}

Ranking FakeSource::ranking(TrendId trend, int count, int seed) {
  Ranking ranking;
  ranking.trend = trend;
  ranking.columns = {QStringLiteral("window_start"), QStringLiteral("window_end"), QStringLiteral("post_id"),
                     QStringLiteral("views"), QStringLiteral("rank")};
  ranking.numeric = {false, false, true, true, true};
  const QDateTime start = QDateTime::fromMSecsSinceEpoch(1'767'268'800'000 + 10'000LL * seed, Qt::UTC);
  ranking.window = {start, start.addSecs(300)};
  QList<QPair<int, int>> values;  // value and key
  for (int i = 0; i < count; ++i) {
    values.append({9000 - 300 * i + (i * 7919 + seed * 4241) % 1500, i + (i % 5 == 4 ? seed * 100 : 0)});
  }
  std::sort(values.begin(), values.end(), std::greater<>());
  for (int i = 0; i < count; ++i) {
    const QString key = QString::number(values[i].second);
    ranking.items.append(
        item(i + 1, key, QStringLiteral("Post number %1").arg(key), QString::number(values[i].first)));
  }
  return ranking;
}

StatusSample FakeSource::status(const TrendList& trends, qint64 events) {
  StatusSample sample;
  sample.taken_at = QDateTime::currentDateTimeUtc();
  sample.worker.known = true;
  sample.worker.state = QStringLiteral("running");
  sample.worker.lag_bytes = 0;
  for (const TrendInfo& trend : trends) {
    TrendStatus status;
    status.id = trend.id;
    status.state = QStringLiteral("running");
    status.events = events;
    status.late = status.ahead = status.null_time = status.failed = status.refused = 0;
    status.live_groups = 5000;
    status.event_clock = status.watermark = sample.taken_at.addMSecs(-40);
    status.events_per_second = 500;
    sample.trends.insert(trend.id, status);
  }
  return sample;
}

}  // namespace trending
