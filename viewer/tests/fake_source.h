// SPDX-License-Identifier: PostgreSQL
#pragma once

#include "source/source.h"

namespace trending {

// A source that says what a test tells it to, and remembers what it was asked.
class FakeSource : public Source {
  Q_OBJECT

 public:
  using Source::Source;

  void open(const ConnectionSettings& settings) override { opened.append(settings.conninfo); }
  void close() override {}
  void retry_now() override { ++retries; }
  void set_interest(const Interest& wanted) override { interest = wanted; }
  void request_history(TrendId trend) override { histories.append(trend); }
  void request_window(TrendId, const WindowSpan& window, int) override { windows.append(window); }
  void request_series(TrendId, const QStringList& keys) override { series.append(keys); }
  void request_explanation(TrendId trend) override {
    emit explanation_available(trend, {{QStringLiteral("panes"), QStringLiteral("30 of 00:00:10")}});
  }

  // What a healthy server would say first.
  void connect_with(const TrendList& trends);
  static TrendInfo trend(TrendId id, const QString& name);
  static RankedItem item(qint64 rank, const QString& key, const QString& label, const QString& value);
  // `count` items whose values fall from the first; `seed` changes their order and values.
  static Ranking ranking(TrendId trend, int count, int seed = 0);
  static StatusSample status(const TrendList& trends, qint64 events);

  QStringList opened;
  int retries = 0;
  Interest interest;
  QList<TrendId> histories;
  QList<WindowSpan> windows;
  QList<QStringList> series;
};

}  // namespace trending
