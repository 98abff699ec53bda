// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QHash>
#include <QList>
#include <QMap>
#include <QString>

#include "data/ranking.h"

namespace trending {

// Values of items over the windows of one trend, by key.
struct SeriesPoint {
  qint64 at_ms = 0;         // end of the window, since 1970
  double value = 0;         // for geometry
  QString text;             // as the server wrote it
  bool unfinished = false;  // the window is still open: its value may grow
};
using SeriesByKey = QHash<QString, QList<SeriesPoint>>;

// What a trend's history holds, as far as it was asked for.
struct HistoryState {
  enum class Kind { kUnknown, kAbsent, kPresent };
  TrendId trend = 0;
  Kind kind = Kind::kUnknown;
  QString reason;             // kAbsent: why, in words
  QList<WindowSpan> windows;  // closed windows, oldest first
};

// What the viewer has itself seen of the trend it shows since it connected: bounded, newest kept. It stands
// in for history where there is none, and it is the part of every line that history does not have yet.
class SeenRankings {
 public:
  static constexpr qsizetype kCapacity = 900;

  // One ranking is kept per step of time; a newer one of the same step replaces it.
  void add(const Ranking& ranking, const QDateTime& seen_at);
  void clear() { rankings_.clear(); }

  bool empty() const { return rankings_.empty(); }
  QList<QDateTime> moments() const { return rankings_.keys(); }
  const Ranking* at(const QDateTime& seen_at) const;
  SeriesByKey series(const QStringList& keys, const QDateTime& since) const;

 private:
  QMap<QDateTime, Ranking> rankings_;
};

}  // namespace trending
