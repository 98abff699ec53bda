// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

namespace trending {

// Which columns of a trend are its window, its key and the value it is ranked by. A trend without a window
// has no columns for one; in a trend of sessions every row has a window of its own. The server writes the
// qualified definition in one regular form (that of views), so reading the lists of SELECT, GROUP BY and
// ORDER BY is enough; the i-th item of SELECT is the i-th column of the trend.
struct DefinitionShape {
  int window_start = -1;
  int window_end = -1;
  QList<int> keys;
  int value = -1;
  bool descending = true;
  QString window_function;  // tumble, hop, cumulate, session; empty: all rows there are
  QStringList window_arguments;
  QString half_life;  // of decayed counts and sums: they change with time alone

  bool valid() const { return value >= 0; }
  bool sessions() const { return window_function == QLatin1String("session"); }
  bool decays() const { return !half_life.isEmpty(); }
  QString window_kind() const;  // "hopping window"
  // "5 min, every 10 s"
  QString window_in_words() const;
};

DefinitionShape read_shape(const QString& definition);

}  // namespace trending
