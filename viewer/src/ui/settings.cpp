// SPDX-License-Identifier: PostgreSQL
#include "ui/settings.h"

#include "source/conninfo.h"

namespace trending {

void Settings::set_conninfo(const QString& conninfo) {
  store_.setValue(QStringLiteral("connection/conninfo"), conninfo::without_password(conninfo));
}

Appearance Settings::appearance() const {
  const QString name = store_.value(QStringLiteral("view/appearance")).toString();
  if (name == QLatin1String("light")) return Appearance::kLight;
  return name == QLatin1String("dark") ? Appearance::kDark : Appearance::kDesktop;
}

void Settings::set_appearance(Appearance appearance) {
  const char* const names[] = {"desktop", "light", "dark"};
  store_.setValue(QStringLiteral("view/appearance"), QLatin1String(names[static_cast<int>(appearance)]));
}

}  // namespace trending
