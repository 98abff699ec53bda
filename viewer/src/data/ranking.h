// SPDX-License-Identifier: PostgreSQL
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
  QString value;         // as the server wrote it, never rounded; null is NULL
  double magnitude = 0;  // the value for geometry alone, always finite
  QStringList cells;     // every column of the trend as text; a null QString is NULL

  const QString& title() const { return label.isEmpty() ? key : label; }
};

// What the values of a ranking are, as far as drawing them goes.
enum class ValueKind { kNumber, kTime, kOther };

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
  Partition partition;
  ValueKind value_kind = ValueKind::kNumber;
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

// The value as a number to draw: of a time the milliseconds since 1970, of what cannot be drawn 0.
double magnitude_of(const QString& value, ValueKind kind);

enum class Movement { kNone, kUp, kDown, kNew };

// How an item moved against the window before.
inline Movement movement_of(const RankedItem& item, bool has_previous) {
  if (!has_previous) return Movement::kNone;
  if (!item.previous_rank) return Movement::kNew;
  if (*item.previous_rank > item.rank) return Movement::kUp;
  return *item.previous_rank < item.rank ? Movement::kDown : Movement::kNone;
}

}  // namespace trending
