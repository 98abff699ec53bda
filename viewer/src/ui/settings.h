// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QByteArray>
#include <QSettings>
#include <QString>

#include "ui/theme.h"

namespace trending {

// What is remembered between runs. Never a password.
class Settings {
 public:
  QString conninfo() const { return store_.value(QStringLiteral("connection/conninfo")).toString(); }
  void set_conninfo(const QString& conninfo);
  QString trend() const { return store_.value(QStringLiteral("view/trend")).toString(); }
  void set_trend(const QString& name) { store_.setValue(QStringLiteral("view/trend"), name); }
  int limit() const { return store_.value(QStringLiteral("view/limit"), 10).toInt(); }
  void set_limit(int limit) { store_.setValue(QStringLiteral("view/limit"), limit); }
  Appearance appearance() const;
  void set_appearance(Appearance appearance);
  QByteArray bytes(const QString& name) const {
    return store_.value(QStringLiteral("layout/") + name).toByteArray();
  }
  void set_bytes(const QString& name, const QByteArray& bytes) {
    store_.setValue(QStringLiteral("layout/") + name, bytes);
  }
  void forget_layout() { store_.remove(QStringLiteral("layout")); }

 private:
  QSettings store_;
};

}  // namespace trending
