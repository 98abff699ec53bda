// SPDX-License-Identifier: PostgreSQL
#include "data/timeline.h"

namespace trending {

void SeenRankings::add(const Ranking& ranking, const QDateTime& seen_at) {
  if (!rankings_.empty() && rankings_.last().trend != ranking.trend) rankings_.clear();
  const qint64 second = seen_at.toMSecsSinceEpoch() / 1000 * 1000;
  rankings_.insert(QDateTime::fromMSecsSinceEpoch(second), ranking);
  while (rankings_.size() > kCapacity) rankings_.erase(rankings_.begin());
}

const Ranking* SeenRankings::at(const QDateTime& seen_at) const {
  const auto found = rankings_.constFind(seen_at);
  return found == rankings_.constEnd() ? nullptr : &*found;
}

SeriesByKey SeenRankings::series(const QStringList& keys, const QDateTime& since) const {
  SeriesByKey result;
  auto entry = since.isValid() ? rankings_.upperBound(since) : rankings_.begin();
  for (; entry != rankings_.end(); ++entry) {
    for (const RankedItem& item : entry->items) {
      if (keys.contains(item.key)) {
        result[item.key].append({entry.key().toMSecsSinceEpoch(), item.magnitude, item.value, false});
      }
    }
  }
  return result;
}

}  // namespace trending
