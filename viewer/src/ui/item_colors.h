// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QColor>
#include <QHash>
#include <QStringList>

namespace trending {

// Gives every item a colour of its own that stays with it: by its key's hash where that is free among the
// items shown together, else the next free one, remembered from then on.
class ItemColors {
 public:
  static constexpr int kSlots = 24;

  // Makes sure that the items shown together differ as far as there are slots.
  void assign(const QStringList& keys);
  QColor color(const QString& key, bool dark) const;

 private:
  QHash<QString, int> slots_;
};

}  // namespace trending
