// SPDX-License-Identifier: PostgreSQL
#include "data/definition_shape.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <array>

#include "data/text.h"

namespace trending {

namespace {

// The context of this file's words for translators.
class WindowWords {
  Q_DECLARE_TR_FUNCTIONS(WindowWords)
};

// The end of the quoted text or identifier that begins at `at`.
qsizetype skip_quoted(const QString& sql, qsizetype at) {
  const QChar quote = sql[at];
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != quote) continue;
    if (at + 1 < sql.size() && sql[at + 1] == quote) {
      ++at;
    } else {
      return at + 1;
    }
  }
  return at;
}

bool word_character(QChar c) {
  return c.isLetterOrNumber() || c == u'_' || c == u'.' || c == u'$';
}

bool word_at(const QString& sql, qsizetype at, QLatin1String word) {
  if (at > 0 && word_character(sql[at - 1])) return false;
  if (QStringView(sql).mid(at, word.size()).compare(word, Qt::CaseInsensitive) != 0) return false;
  return at + word.size() >= sql.size() || !word_character(sql[at + word.size()]);
}

QString normalised(QString expression) {
  expression = expression.simplified();
  while (expression.startsWith(u'(') && expression.endsWith(u')')) {
    int depth = 0;
    qsizetype at = 0;
    for (; at < expression.size(); ++at) {
      if (expression[at] == u'(') ++depth;
      if (expression[at] == u')' && --depth == 0) break;
    }
    if (at != expression.size() - 1) break;
    expression = expression.mid(1, expression.size() - 2).trimmed();
  }
  return expression;
}

struct Clauses {
  QString select, from, group_by, order_by;
};

// Cuts a query at its top-level keywords.
Clauses split_clauses(const QString& sql) {
  struct Mark {
    QLatin1String word;
    qsizetype begin = -1;
  };
  std::array<Mark, 7> marks{{{QLatin1String("SELECT")},
                             {QLatin1String("FROM")},
                             {QLatin1String("WHERE")},
                             {QLatin1String("GROUP BY")},
                             {QLatin1String("HAVING")},
                             {QLatin1String("ORDER BY")},
                             {QLatin1String("LIMIT")}}};
  int depth = 0;
  for (qsizetype at = 0; at < sql.size();) {
    const QChar c = sql[at];
    if (c == u'\'' || c == u'"') {
      at = skip_quoted(sql, at);
      continue;
    }
    if (c == u'(') ++depth;
    if (c == u')') --depth;
    if (depth == 0) {
      for (Mark& mark : marks) {
        if (mark.begin < 0 && word_at(sql, at, mark.word)) mark.begin = at;
      }
    }
    ++at;
  }
  const auto clause = [&](size_t index) {
    if (marks[index].begin < 0) return QString();
    const qsizetype begin = marks[index].begin + marks[index].word.size();
    qsizetype end = sql.size();
    for (const Mark& mark : marks) {
      if (mark.begin > marks[index].begin) end = std::min(end, mark.begin);
    }
    return sql.mid(begin, end - begin);
  };
  return {clause(0), clause(1), clause(3), clause(5)};
}

QStringList split_list(const QString& list) {
  QStringList items;
  int depth = 0;
  qsizetype begin = 0;
  for (qsizetype at = 0; at < list.size();) {
    const QChar c = list[at];
    if (c == u'\'' || c == u'"') {
      at = skip_quoted(list, at);
      continue;
    }
    if (c == u'(' || c == u'[') ++depth;
    if (c == u')' || c == u']') --depth;
    if (c == u',' && depth == 0) {
      items.append(list.mid(begin, at - begin).trimmed());
      begin = at + 1;
    }
    ++at;
  }
  const QString last = list.mid(begin).trimmed();
  if (!last.isEmpty()) items.append(last);
  return items;
}

struct SelectItem {
  QString expression, alias;
};

SelectItem read_select_item(const QString& item) {
  static const QRegularExpression kAlias(QStringLiteral("\\sAS\\s+(\"(?:[^\"]|\"\")*\"|[^\\s\"()]+)$"),
                                         QRegularExpression::CaseInsensitiveOption);
  const auto match = kAlias.match(item);
  if (!match.hasMatch()) return {normalised(item), {}};
  return {normalised(item.left(match.capturedStart())), match.captured(1)};
}

QString last_name(const QString& expression) {
  return expression.section(u'.', -1);
}

int find_item(const QList<SelectItem>& items, const QString& wanted) {
  for (int i = 0; i < items.size(); ++i) {
    if (items[i].expression == wanted || items[i].alias == wanted) return i;
  }
  for (int i = 0; i < items.size(); ++i) {  // one of the two may be unqualified
    if (items[i].alias.isEmpty() && last_name(items[i].expression) == last_name(wanted)) return i;
  }
  return -1;
}

// The arguments of a call whose parenthesis opens before `begin`; one empty argument at least.
QStringList call_arguments(const QString& sql, qsizetype begin) {
  int depth = 1;
  qsizetype at = begin;
  while (at < sql.size() && depth > 0) {
    if (sql[at] == u'\'' || sql[at] == u'"') {
      at = skip_quoted(sql, at);
      continue;
    }
    if (sql[at] == u'(') ++depth;
    if (sql[at] == u')') --depth;
    ++at;
  }
  const QStringList arguments = split_list(sql.mid(begin, at - begin - 1));
  return arguments.empty() ? QStringList(QString()) : arguments;
}

void read_window_call(const QString& from, DefinitionShape& shape) {
  static const QRegularExpression kCall(QStringLiteral("\\btrending\\.(tumble|hop|cumulate|session)\\s*\\("));
  const auto match = kCall.match(from);
  if (!match.hasMatch()) return;
  shape.window_function = match.captured(1);
  shape.window_arguments = call_arguments(from, match.capturedEnd());
}

QString bare_interval(const QString& argument) {
  const qsizetype open = argument.indexOf(u'\''), close = argument.lastIndexOf(u'\'');
  return open < 0 || close <= open ? QString() : text::interval(argument.mid(open + 1, close - open - 1));
}

// The half-life that the first decayed aggregate names; all of a trend name the same.
QString read_half_life(const QString& select) {
  static const QRegularExpression kCall(QStringLiteral("\\btrending\\.decayed_(?:count|sum)\\s*\\("));
  const auto match = kCall.match(select);
  return match.hasMatch() ? bare_interval(call_arguments(select, match.capturedEnd()).last()) : QString();
}

}  // namespace

QString DefinitionShape::window_kind() const {
  if (decays()) return WindowWords::tr("decaying values");
  if (window_function.isEmpty()) return valid() ? WindowWords::tr("no window") : QString();
  if (window_function == QLatin1String("tumble")) return WindowWords::tr("tumbling window");
  if (window_function == QLatin1String("hop")) return WindowWords::tr("hopping window");
  if (window_function == QLatin1String("cumulate")) return WindowWords::tr("cumulating window");
  return window_function == QLatin1String("session") ? WindowWords::tr("session windows") : QString();
}

QString DefinitionShape::window_in_words() const {
  if (decays()) return WindowWords::tr("half-life %1").arg(half_life);
  if (window_function.isEmpty()) return valid() ? WindowWords::tr("all rows") : QString();
  const auto named = [&](QLatin1String name, int position) {
    for (const QString& argument : window_arguments) {
      if (argument.startsWith(name) && argument.contains(QLatin1String("=>"))) return bare_interval(argument);
    }
    return bare_interval(window_arguments.value(position));
  };
  if (window_function == QLatin1String("tumble"))
    return WindowWords::tr("every %1").arg(named(QLatin1String("size"), 1));
  if (window_function == QLatin1String("hop")) {
    return WindowWords::tr("%1, every %2")
        .arg(named(QLatin1String("size"), 2), named(QLatin1String("slide"), 1));
  }
  if (window_function == QLatin1String("cumulate")) {
    return WindowWords::tr("up to %1, in steps of %2")
        .arg(named(QLatin1String("size"), 2), named(QLatin1String("step"), 1));
  }
  if (window_function == QLatin1String("session")) {
    return WindowWords::tr("sessions with a gap of %1").arg(named(QLatin1String("gap"), 1));
  }
  return {};
}

DefinitionShape read_shape(const QString& definition) {
  const Clauses clauses = split_clauses(definition);
  QList<SelectItem> items;
  for (const QString& item : split_list(clauses.select)) items.append(read_select_item(item));

  DefinitionShape shape;
  read_window_call(clauses.from, shape);
  shape.half_life = read_half_life(clauses.select);
  for (const QString& raw : split_list(clauses.group_by)) {
    const QString expression = normalised(raw);
    const int column = find_item(items, expression);
    if (last_name(expression) == QLatin1String("window_start")) {
      shape.window_start = column;
    } else if (last_name(expression) == QLatin1String("window_end")) {
      shape.window_end = column;
    } else if (column >= 0) {
      shape.keys.append(column);
    }
  }
  std::sort(shape.keys.begin(), shape.keys.end());

  static const QRegularExpression kDirection(QStringLiteral("\\s+(ASC|DESC)?(\\s*NULLS\\s+(FIRST|LAST))?$"),
                                             QRegularExpression::CaseInsensitiveOption);
  const QStringList order = split_list(clauses.order_by);
  if (order.isEmpty()) return shape;
  QString expression = order.first();
  const auto direction = kDirection.match(expression);
  shape.descending = direction.captured(1).compare(QLatin1String("DESC"), Qt::CaseInsensitive) == 0;
  if (direction.hasMatch()) expression = expression.left(direction.capturedStart());
  shape.value = find_item(items, normalised(expression));
  return shape;
}

}  // namespace trending
