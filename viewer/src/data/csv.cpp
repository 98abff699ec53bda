// SPDX-License-Identifier: PostgreSQL
#include "data/csv.h"

namespace trending {

namespace {

QString csv_field(const QString& field) {
  if (field.isNull()) return {};
  const bool quote = field.isEmpty() || field.contains(u',') || field.contains(u'"') ||
                     field.contains(u'\n') || field.contains(u'\r') || field.startsWith(u' ') ||
                     field.endsWith(u' ');
  return quote ? u'"' + QString(field).replace(u'"', QLatin1String("\"\"")) + u'"' : field;
}

QString tab_field(QString field) {
  for (QChar& c : field) {
    if (c == u'\t' || c == u'\n' || c == u'\r') c = u' ';
  }
  return field;
}

template <typename WriteField>
QString join(const QStringList& header, const QList<QStringList>& rows, QChar separator,
             QLatin1String line_end, WriteField write_field) {
  QString text;
  const auto line = [&](const QStringList& fields) {
    for (qsizetype i = 0; i < fields.size(); ++i) {
      if (i > 0) text += separator;
      text += write_field(fields[i]);
    }
    text += line_end;
  };
  line(header);
  for (const QStringList& row : rows) line(row);
  return text;
}

}  // namespace

QString to_csv(const QStringList& header, const QList<QStringList>& rows) {
  return join(header, rows, u',', QLatin1String("\r\n"), csv_field);
}

QString to_tab_separated(const QStringList& header, const QList<QStringList>& rows) {
  return join(header, rows, u'\t', QLatin1String("\n"), tab_field);
}

}  // namespace trending
