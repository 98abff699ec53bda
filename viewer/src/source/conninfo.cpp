// SPDX-License-Identifier: PostgreSQL
#include "source/conninfo.h"

#include <libpq-fe.h>

#include <QCoreApplication>
#include <QMap>
#include <QStringList>
#include <memory>

namespace trending::conninfo {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

QMap<QString, QString> values_of(const PQconninfoOption* options) {
  QMap<QString, QString> values;
  for (; options != nullptr && options->keyword != nullptr; ++options) {
    if (options->val != nullptr && *options->val != '\0') {
      values.insert(QString::fromLatin1(options->keyword), QString::fromUtf8(options->val));
    }
  }
  return values;
}

Options parse(const QString& text, QString* error = nullptr) {
  // A bare word is a database name, as for psql.
  const bool is_name =
      !text.contains(u'=') && !text.contains(QLatin1String("://")) && !text.trimmed().isEmpty();
  const QString conninfo = is_name ? parameter(QStringLiteral("dbname"), text.trimmed()) : text;
  char* message = nullptr;
  Options options(PQconninfoParse(conninfo.toUtf8().constData(), &message), &PQconninfoFree);
  if (message != nullptr) {
    if (error != nullptr) *error = QString::fromUtf8(message).trimmed();
    PQfreemem(message);
  }
  return options;
}

}  // namespace

QString parameter(const QString& keyword, const QString& value) {
  if (value.isEmpty()) return {};
  QString escaped = value;
  escaped.replace(u'\\', QLatin1String("\\\\")).replace(u'\'', QLatin1String("\\'"));
  return QStringLiteral("%1='%2'").arg(keyword, escaped);
}

QString error_in(const QString& conninfo) {
  QString error;
  parse(conninfo, &error);
  return error;
}

QString without(const QString& conninfo, const QStringList& keywords) {
  const Options options = parse(conninfo);
  QMap<QString, QString> values = values_of(options.get());
  for (const QString& keyword : keywords) values.remove(keyword);
  QStringList parameters;
  for (auto value = values.cbegin(); value != values.cend(); ++value) {
    parameters.append(parameter(value.key(), value.value()));
  }
  return parameters.join(u' ');
}

QString without_password(const QString& conninfo) {
  return without(conninfo, {QStringLiteral("password"), QStringLiteral("sslpassword")});
}

QString value(const QString& conninfo, const QString& keyword) {
  return values_of(parse(conninfo).get()).value(keyword);
}

QString in_words(const QString& conninfo) {
  const QMap<QString, QString> given = values_of(parse(conninfo).get());
  if (given.contains(QStringLiteral("service")) && !given.contains(QStringLiteral("host"))) {
    return QCoreApplication::translate("conninfo", "service %1").arg(given.value(QStringLiteral("service")));
  }
  const Options defaults(PQconndefaults(), &PQconninfoFree);
  QMap<QString, QString> all = values_of(defaults.get());
  for (auto value = given.cbegin(); value != given.cend(); ++value) all.insert(value.key(), value.value());
  QString host = all.value(QStringLiteral("host"), all.value(QStringLiteral("hostaddr")));
  if (host.isEmpty() || host.startsWith(u'/')) host = QCoreApplication::translate("conninfo", "this machine");
  const QString port = all.value(QStringLiteral("port"));
  if (!port.isEmpty() && port != QLatin1String("5432")) host += u':' + port;
  const QString database = all.value(QStringLiteral("dbname"), all.value(QStringLiteral("user")));
  return database.isEmpty() ? host : QCoreApplication::translate("conninfo", "%1 on %2").arg(database, host);
}

}  // namespace trending::conninfo
