// SPDX-License-Identifier: PostgreSQL
#include "data/text.h"

#include <QCoreApplication>
#include <QLocale>
#include <QRegularExpression>
#include <QStringList>
#include <QTimeZone>
#include <cmath>

namespace trending::text {

namespace {

// The context of this file's words for translators.
class TextWords {
  Q_DECLARE_TR_FUNCTIONS(TextWords)
};

bool is_plain_decimal(const QString& text) {
  static const QRegularExpression kDecimal(QStringLiteral("^-?[0-9]+(\\.[0-9]+)?$"));
  return kDecimal.match(text).hasMatch();
}

QString short_number(double number) {
  const double magnitude = std::fabs(number);
  return QLocale().toString(number, 'f', magnitude < 9.95 && magnitude != std::floor(magnitude) ? 1 : 0);
}

}  // namespace

QString grouped(const QString& decimal) {
  if (!is_plain_decimal(decimal)) return decimal;
  const QLocale locale;
  const bool negative = decimal.startsWith(u'-');
  const qsizetype point = decimal.indexOf(u'.');
  QString whole = decimal.mid(negative ? 1 : 0, point < 0 ? -1 : point - (negative ? 1 : 0));
  if (!(locale.numberOptions() & QLocale::OmitGroupSeparator)) {
    for (qsizetype at = whole.size() - 3; at > 0; at -= 3) whole.insert(at, locale.groupSeparator());
  }
  if (negative) whole.prepend(locale.negativeSign());
  return point < 0 ? whole : whole + locale.decimalPoint() + decimal.mid(point + 1);
}

QString count(qint64 number) {
  return grouped(QString::number(number));
}

QString value(const QString& server_text) {
  return server_text.isNull() ? TextWords::tr("NULL") : grouped(server_text);
}

QString abbreviated(double number) {
  if (std::fabs(number) >= 1e18) return QLocale().toString(number, 'g', 3);
  static constexpr struct {
    double size;
    const char* unit;
  } kUnits[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (const auto& [size, unit] : kUnits) {
    if (std::fabs(number) >= size) {
      return QStringLiteral("%1\u202f%2").arg(short_number(number / size), QLatin1String(unit));
    }
  }
  return short_number(number);
}

QString axis_mark(double number, double step) {
  if (step >= 1 || number == 0) return abbreviated(number);
  if (step < 1e-6) return QLocale().toString(number, 'g', 3);
  return QLocale().toString(number, 'f', static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
}

QString bytes(qint64 number) {
  return QLocale().formattedDataSize(number, number < 1024 ? 0 : 1, QLocale::DataSizeTraditionalFormat);
}

QString duration(qint64 milliseconds) {
  if (milliseconds < 0) return QStringLiteral("\u2212") + duration(-milliseconds);
  if (milliseconds < 1000) return TextWords::tr("%1 ms").arg(milliseconds);
  const qint64 seconds = milliseconds / 1000;
  const auto pair = [](const QString& first, const QString& second, qint64 rest) {
    return rest == 0 ? first : first + u' ' + second;
  };
  if (seconds < 10 && milliseconds % 1000 >= 100) {
    return TextWords::tr("%1 s").arg(QLocale().toString(static_cast<double>(milliseconds) / 1000, 'f', 1));
  }
  if (seconds < 60) return TextWords::tr("%1 s").arg(seconds);
  if (seconds < 3600)
    return pair(TextWords::tr("%1 min").arg(seconds / 60), TextWords::tr("%1 s").arg(seconds % 60),
                seconds % 60);
  if (seconds < 86400) {
    const qint64 minutes = seconds / 60;
    return pair(TextWords::tr("%1 h").arg(minutes / 60), TextWords::tr("%1 min").arg(minutes % 60),
                minutes % 60);
  }
  const qint64 hours = seconds / 3600;
  return pair(TextWords::tr("%1 d").arg(hours / 24), TextWords::tr("%1 h").arg(hours % 24), hours % 24);
}

QString rate(double per_second) {
  return TextWords::tr("%1/s").arg(abbreviated(per_second));
}

QString moment(const QDateTime& time) {
  if (!time.isValid()) return QStringLiteral("–");
  const QDateTime local = time.toLocalTime();
  QString clock = local.toString(QStringLiteral("HH:mm:ss"));
  if (local.date() == QDate::currentDate()) return clock;
  return QLocale().toString(local.date(), QLocale::ShortFormat) + u' ' + clock;
}

QString window(const QDateTime& start, const QDateTime& end) {
  if (!start.isValid() || !end.isValid()) return QStringLiteral("–");
  const bool same_day = start.toLocalTime().date() == end.toLocalTime().date();
  const QString last = same_day ? end.toLocalTime().toString(QStringLiteral("HH:mm:ss")) : moment(end);
  return moment(start) + QStringLiteral(" – ") + last;
}

namespace {

// "1 year 2 mons 3 days" of the server's.
QString calendar_part(const QString& server_text) {
  static const QRegularExpression kPart(QStringLiteral("(-?\\d+) (year|mon|day)s?"));
  QStringList parts;
  for (auto match = kPart.globalMatch(server_text); match.hasNext();) {
    const auto part = match.next();
    const QString number = part.captured(1), unit = part.captured(2);
    const bool one = number == QLatin1String("1");
    parts.append((unit == QLatin1String("year") ? one ? TextWords::tr("%1 year") : TextWords::tr("%1 years")
                  : unit == QLatin1String("mon")
                      ? one ? TextWords::tr("%1 month") : TextWords::tr("%1 months")
                  : one ? TextWords::tr("%1 day")
                        : TextWords::tr("%1 days"))
                     .arg(number));
  }
  return parts.isEmpty() ? server_text : parts.join(u' ');
}

}  // namespace

QString interval(const QString& server_text) {
  static const QRegularExpression kClock(QStringLiteral("^(.*?)\\s*(\\d+):(\\d\\d):(\\d\\d(?:\\.\\d+)?)$"));
  const auto match = kClock.match(server_text);
  if (!match.hasMatch()) return calendar_part(server_text);
  const qint64 milliseconds =
      (match.captured(2).toLongLong() * 3600 + match.captured(3).toLongLong() * 60) * 1000 +
      std::llround(match.captured(4).toDouble() * 1000);
  if (match.captured(1).isEmpty()) return duration(milliseconds);
  const QString days = calendar_part(match.captured(1));
  return milliseconds == 0 ? days : days + u' ' + duration(milliseconds);
}

QDateTime parse_timestamp(const QString& text) {
  if (text.size() < 10 || !text[0].isDigit()) return {};
  const QDate date = QDate::fromString(text.left(10), Qt::ISODate);
  qsizetype zone = text.size();
  for (qsizetype at = 11; at < text.size(); ++at) {
    if (text[at] == u'+' || text[at] == u'-') {
      zone = at;
      break;
    }
  }
  const QString clock = text.mid(11, zone - 11);
  const QTime time = clock.isEmpty() ? QTime(0, 0) : QTime::fromString(clock.left(12), Qt::ISODateWithMs);
  if (!date.isValid() || !time.isValid()) return {};
  qint64 offset = 0;
  if (zone < text.size()) {
    const QStringList parts = text.mid(zone + 1).split(u':');
    offset =
        parts.value(0).toLongLong() * 3600 + parts.value(1).toLongLong() * 60 + parts.value(2).toLongLong();
    if (text[zone] == u'-') offset = -offset;
  }
  return QDateTime(date, time, QTimeZone::utc()).addSecs(-offset);
}

QString sentence(const QString& message) {
  QString words = message.trimmed();
  if (words.isEmpty()) return words;
  // Not where it begins with a name.
  const bool word = words.size() > 1 && words[0].isLower() && (words[1].isLower() || words[1] == u' ');
  const qsizetype end = words.indexOf(u' ');
  if (word && !words.left(end).contains(u'_') && !words.left(end).contains(u'.'))
    words[0] = words[0].toUpper();
  return QStringLiteral(".!?:…").contains(words.back()) ? words : words + u'.';
}

QString one_line(const QString& text) {
  QString line = text.left(2000);
  for (QChar& c : line) {
    if (c.category() == QChar::Other_Control || c == QChar::LineSeparator || c == QChar::ParagraphSeparator) {
      c = u' ';
    }
  }
  return line;
}

}  // namespace trending::text
