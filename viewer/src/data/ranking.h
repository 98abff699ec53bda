#pragma once

#include <QDateTime>
#include <QList>
#include <QStringList>
#include <optional>

#include "data/trend.h"

namespace trending {

struct RankedItem {
  qint64 rank = 0;
  std::optional<qint64> previous_rank;
  QString key;
  QString label;         // empty: the key is shown
  QString value;         // decimal text, never rounded
  double magnitude = 0;  // the value for geometry alone
  QStringList cells;     // every column of the trend as text; a null QString is NULL

  const QString& title() const { return label.isEmpty() ? key : label; }
};

struct WindowSpan {
  QDateTime start, end;

  bool valid() const { return start.isValid() && end.isValid(); }
  bool operator==(const WindowSpan&) const = default;
};

// One list of best items: of the current window, or of a past one.
struct Ranking {
  TrendId trend = 0;
  WindowSpan window;
  bool live = true;
  QStringList columns;  // of RankedItem::cells
  QList<bool> numeric;  // per column
  QList<RankedItem> items;

  // Whether ranks of the window before are known at all; if not, nothing is new.
  bool has_previous() const {
    for (const RankedItem& item : items) {
      if (item.previous_rank) return true;
    }
    return false;
  }
};

enum class Movement { kNone, kUp, kDown, kNew };

// How an item moved against the window before.
inline Movement movement_of(const RankedItem& item, bool has_previous) {
  if (!has_previous) return Movement::kNone;
  if (!item.previous_rank) return Movement::kNew;
  if (*item.previous_rank > item.rank) return Movement::kUp;
  return *item.previous_rank < item.rank ? Movement::kDown : Movement::kNone;
}

}  // namespace trending
