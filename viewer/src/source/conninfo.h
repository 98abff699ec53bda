// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <QString>
#include <QStringList>

namespace trending::conninfo {

// Empty when libpq takes the text, else what it says against it.
QString error_in(const QString& conninfo);
// The same connection without its password: the only form that is ever stored or shown.
QString without_password(const QString& conninfo);
QString without(const QString& conninfo, const QStringList& keywords);
// "database on host:port", with libpq's own defaults filled in.
QString in_words(const QString& conninfo);
// One parameter as the text sets it; empty when it does not.
QString value(const QString& conninfo, const QString& keyword);
// keyword='value', quoted as libpq wants it; nothing for an empty value.
QString parameter(const QString& keyword, const QString& value);

}  // namespace trending::conninfo
