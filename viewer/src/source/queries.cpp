// SPDX-License-Identifier: PostgreSQL
#include "source/queries.h"

#include <QJsonArray>
#include <QJsonDocument>

#include "data/text.h"

namespace trending::queries {

const char* const kProbe = R"(
SELECT current_setting('server_version') AS version, current_database() AS database, current_user AS "user",
       pg_is_in_recovery() AS in_recovery, current_setting('wal_level') AS wal_level,
       (SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries') AS preloaded,
       coalesce((SELECT extversion FROM pg_extension WHERE extname = 'trending'), '') AS extension_version,
       to_regclass('trending.trend') IS NOT NULL AS installed,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'trending') AS available,
       set_config('DateStyle', 'ISO, MDY', false), set_config('IntervalStyle', 'postgres', false))";

const char* const kTrendListSignature = R"(
SELECT count(*), bit_xor(hashtextextended(concat_ws('/', t.relation::text, t.label,
                                                    has_table_privilege(t.relation, 'SELECT')), t.id))
FROM   trending.trend t)";

const char* const kTrendList = R"(
SELECT c.oid AS id, t.relation::text AS name, n.nspname AS "schema", c.relname AS "table", t.source::text AS source,
       pg_get_userbyid(c.relowner) AS owner, t.query, trending.definition(t.relation) AS definition, t.label, t.watermark_delay, t.allowed_lateness,
       t.late_events, t.idle_timeout, t.max_ahead, t.history_limit, t.retention,
       to_json(t.partition_by) AS partition_by, t.max_groups, t.created_at,
       CASE WHEN h.oid IS NOT NULL THEN format('%I.%I', hn.nspname, h.relname) END AS history
FROM   trending.trend t JOIN pg_class c ON c.oid = t.relation JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN (pg_class h JOIN pg_namespace hn ON hn.oid = h.relnamespace) ON h.oid = t.history
WHERE  has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
ORDER  BY t.id)";

const char* const kStatus = "SELECT s.*, s.relation::oid AS id FROM trending.status s";

const char* const kExplanation = "SELECT topic, detail FROM trending.explain($1::oid::regclass)";

const char* const kWorkerStatus = R"(
SELECT w.*, clock_timestamp() AS taken_at, pg_wal_lsn_diff(w.applied_lsn, '0/0')::bigint AS applied_position,
       s.slot_name, s.wal_status, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
       ELSE pg_current_wal_lsn() END, s.restart_lsn)::bigint AS held_bytes
FROM   trending.worker_status w LEFT JOIN LATERAL (SELECT * FROM pg_replication_slots
       WHERE database = current_database() AND plugin = 'trending' ORDER BY active DESC LIMIT 1) s ON true)";

const char* const kTop = R"(
SELECT rank, key, label, value, previous_rank, window_start, window_end
FROM   trending.top($1::oid::regclass, $2::int) ORDER BY rank)";

const char* const kTopOfPartition = R"(
SELECT rank, key, label, value, previous_rank, window_start, window_end
FROM   trending.top($1::oid::regclass, $2::int, partition => $3::text[]) ORDER BY rank)";

// Of the windows that contain a moment the one that ends first was current then.
const char* const kTopOfWindow = R"(
SELECT rank, key, label, value, previous_rank, window_start, window_end
FROM   trending.top($1::oid::regclass, $2::int, at => $3::timestamptz - interval '1 microsecond') ORDER BY rank)";

const char* const kWatch = "SELECT trending.watch($1::oid::regclass, $2::bigint, '25 seconds')";

const char* const kHistoryColumns = R"(
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE  a.attrelid = to_regclass($1::text) AND a.attnum > 0 AND NOT a.attisdropped
ORDER  BY a.attnum)";

const char* const kTimeZone = "SELECT set_config('TimeZone', $1::text, false)";

namespace {

// As trending.top writes the key of a group.
const QString kNullKey = QStringLiteral("(null)");

bool truth(const PgResult& result, int row, const char* name) {
  return result.text(row, result.column(name)) == QLatin1String("t");
}

qint64 number(const PgResult& result, int row, const char* name, qint64 missing = -1) {
  const QString text = result.text(row, result.column(name));
  return text.isEmpty() ? missing : text.toLongLong();
}

QString string(const PgResult& result, int row, const char* name) {
  return result.text(row, result.column(name));
}

QDateTime time(const PgResult& result, int row, const char* name) {
  return text::parse_timestamp(result.text(row, result.column(name)));
}

bool numeric_type(Oid type) {
  switch (type) {
    case 20:
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
    case 790:
    case 1700:  // int8 int2 int4 oid float4 float8 money numeric
      return true;
    default:
      return false;
  }
}

ValueKind value_kind(Oid type) {
  switch (type) {
    case 1082:
    case 1114:
    case 1184:  // date timestamp timestamptz
      return ValueKind::kTime;
    default:
      return numeric_type(type) ? ValueKind::kNumber : ValueKind::kOther;
  }
}

QString key_text(const QStringList& cells, const QList<int>& key_columns) {
  if (key_columns.size() == 1) {
    const QString& cell = cells.value(key_columns.first());
    return cell.isNull() ? kNullKey : cell;
  }
  QStringList parts;
  for (const int column : key_columns) {
    const QString& cell = cells.value(column);
    parts.append(cell.isNull() ? QStringLiteral("NULL") : cell);
  }
  return parts.join(QLatin1String(", "));
}

QByteArray column_name(const TrendInfo& trend, const HistoryColumns& columns, int index) {
  return quote_identifier(columns.names.value(index + columns.shift(trend)));
}

QByteArray window_start(const TrendInfo& trend, const HistoryColumns& columns) {
  return trend.shape.window_start < 0 ? quote_identifier(columns.names.value(0))
                                      : column_name(trend, columns, trend.shape.window_start);
}

QByteArray window_end(const TrendInfo& trend, const HistoryColumns& columns) {
  return trend.shape.window_end < 0
             ? quote_identifier(columns.names.value(trend.shape.window_start < 0 ? 1 : 0))
             : column_name(trend, columns, trend.shape.window_end);
}

QByteArray relation(const TrendInfo& trend) {
  return quote_identifier(trend.schema) + '.' + quote_identifier(trend.table);
}

// The rows of a partition; its values are the parameters from `parameter` on, of their columns' types.
QByteArray partition_condition(const TrendInfo& trend, const Partition& partition, int parameter) {
  QByteArray condition;
  for (qsizetype i = 0; i < trend.partition_by.size() && i < partition.size(); ++i) {
    if (i > 0) condition += " AND ";
    condition += quote_identifier(trend.partition_by[i]);
    condition += partition[i] ? " = $" + QByteArray::number(parameter++) : QByteArray(" IS NULL");
  }
  return condition;
}

// A group's key as one text, as key_text() makes it.
QByteArray key_expression(const TrendInfo& trend, const HistoryColumns& columns) {
  if (trend.shape.keys.size() == 1) {
    return "coalesce(" + column_name(trend, columns, trend.shape.keys.first()) + "::text, '" +
           kNullKey.toUtf8() + "')";
  }
  QByteArray key;
  for (const int column : trend.shape.keys) {
    if (!key.isEmpty()) key += " || ', ' || ";
    key += "coalesce(" + column_name(trend, columns, column) + "::text, 'NULL')";
  }
  return key.isEmpty() ? QByteArray("''") : key;
}

// Compares a single key in its own type, so that the index of the history serves.
QByteArray key_condition(const TrendInfo& trend, const HistoryColumns& columns) {
  if (trend.shape.keys.size() != 1) return key_expression(trend, columns) + " = ANY ($1::text[])";
  const int index = trend.shape.keys.first();
  const QByteArray name = column_name(trend, columns, index);
  const QByteArray null_key = "'" + kNullKey.toUtf8() + "'";
  return "(" + name + " = ANY (array_remove($1::text[], " + null_key +
         ")::" + columns.types.value(index + columns.shift(trend)).toUtf8() + "[]) OR " + name +
         " IS NULL AND " + null_key + " = ANY ($1::text[]))";
}

}  // namespace

QByteArray quote_identifier(const QString& name) {
  return '"' + QString(name).replace(u'"', QLatin1String("\"\"")).toUtf8() + '"';
}

QByteArray text_array(const QStringList& values) {
  return text_array(Partition(values.cbegin(), values.cend()));
}

QByteArray text_array(const QList<std::optional<QString>>& values) {
  QByteArray array = "{";
  for (const std::optional<QString>& value : values) {
    if (array.size() > 1) array += ',';
    if (!value) {
      array += "NULL";
      continue;
    }
    QString escaped = *value;
    escaped.replace(u'\\', QLatin1String("\\\\")).replace(u'"', QLatin1String("\\\""));
    array += '"' + escaped.toUtf8() + '"';
  }
  return array + '}';
}

QByteArray timestamp(const QDateTime& time) {
  return time.toUTC().toString(Qt::ISODateWithMs).toLatin1();
}

QList<QByteArray> partition_parameters(const Partition& partition) {
  QList<QByteArray> parameters;
  for (const std::optional<QString>& value : partition) {
    if (value) parameters.append(value->toUtf8());
  }
  return parameters;
}

QByteArray live_rows(const TrendInfo& trend, const Partition& partition, int limit) {
  const QByteArray within = partition_condition(trend, partition, 1);
  return "SELECT * FROM " + relation(trend) + (within.isEmpty() ? "" : " WHERE " + within) +
         " ORDER BY rank LIMIT " + QByteArray::number(limit);
}

// Every partition has a first.
QByteArray partitions(const TrendInfo& trend, int limit) {
  QByteArray columns, order;
  for (const QString& column : trend.partition_by) {
    if (!columns.isEmpty()) columns += ", ", order += ", ";
    columns += quote_identifier(column) + "::text";
    order += QByteArray::number(order.count(',') + 1);
  }
  return "SELECT DISTINCT " + columns + " FROM " + relation(trend) + " WHERE rank = 1 ORDER BY " + order +
         " LIMIT " + QByteArray::number(limit);
}

// The closed windows, newest first. One index probe a window: the rows of each are skipped, not read.
QByteArray history_windows(const TrendInfo& trend, const HistoryColumns& columns) {
  const QByteArray start = window_start(trend, columns), end = window_end(trend, columns);
  const QByteArray select = "SELECT " + start + " AS s, " + end + " AS e FROM " + trend.history.toUtf8();
  const QByteArray newest = " ORDER BY " + end + " DESC, " + start + " DESC LIMIT 1";
  return "WITH RECURSIVE w AS ((" + select + newest + ") UNION ALL SELECT n.s, n.e FROM w, LATERAL (" +
         select + " WHERE (" + end + ", " + start + ") < (w.e, w.s)" + newest +
         ") n) SELECT s, e FROM w LIMIT 720";
}

QByteArray history_rows(const TrendInfo& trend, const HistoryColumns& columns, const Partition& partition,
                        int limit) {
  const QByteArray within = partition_condition(trend, partition, 3);
  return "SELECT * FROM " + trend.history.toUtf8() + " WHERE " + window_start(trend, columns) + " = $1 AND " +
         window_end(trend, columns) + " = $2" + (within.isEmpty() ? "" : " AND " + within) +
         " ORDER BY rank LIMIT " + QByteArray::number(limit);
}

QByteArray history_series(const TrendInfo& trend, const HistoryColumns& columns) {
  const QByteArray end = window_end(trend, columns);
  return "SELECT " + key_expression(trend, columns) + ", " + end + ", " +
         column_name(trend, columns, trend.shape.value) + " FROM " + trend.history.toUtf8() + " WHERE " +
         key_condition(trend, columns) + " AND " + end + " >= $2 ORDER BY " + end + " LIMIT 20000";
}

ServerInfo parse_probe(const PgResult& result) {
  ServerInfo server;
  server.version = string(result, 0, "version").section(u' ', 0, 0);
  server.database = string(result, 0, "database");
  server.user = string(result, 0, "user");
  server.in_recovery = truth(result, 0, "in_recovery");
  server.wal_level = string(result, 0, "wal_level");
  server.preloaded = string(result, 0, "preloaded");
  server.extension_version = string(result, 0, "extension_version");
  server.extension_installed = truth(result, 0, "installed");
  server.extension_available = truth(result, 0, "available");
  return server;
}

TrendList parse_trends(const PgResult& result) {
  TrendList trends;
  trends.reserve(result.rows());
  for (int row = 0; row < result.rows(); ++row) {
    TrendInfo trend;
    trend.id = string(result, row, "id").toUInt();
    trend.name = string(result, row, "name");
    trend.schema = string(result, row, "schema");
    trend.table = string(result, row, "table");
    trend.source = string(result, row, "source");
    trend.owner = string(result, row, "owner");
    trend.query = string(result, row, "query");
    trend.definition = string(result, row, "definition");
    trend.label = string(result, row, "label");
    trend.watermark_delay = string(result, row, "watermark_delay");
    trend.allowed_lateness = string(result, row, "allowed_lateness");
    trend.late_events = string(result, row, "late_events");
    trend.idle_timeout = string(result, row, "idle_timeout");
    trend.max_ahead = string(result, row, "max_ahead");
    trend.history_limit = string(result, row, "history_limit");
    trend.retention = string(result, row, "retention");
    for (const QJsonValue& column :
         QJsonDocument::fromJson(string(result, row, "partition_by").toUtf8()).array())
      trend.partition_by.append(column.toString());
    trend.history = string(result, row, "history");
    trend.max_groups = string(result, row, "max_groups");
    trend.created_at = time(result, row, "created_at");
    trend.shape = read_shape(trend.definition);
    trends.append(trend);
  }
  return trends;
}

void parse_status(const PgResult& result, StatusSample& sample) {
  for (int row = 0; row < result.rows(); ++row) {
    TrendStatus trend;
    trend.id = string(result, row, "id").toUInt();
    trend.state = string(result, row, "state");
    trend.reason = string(result, row, "reason");
    trend.window_start = time(result, row, "window_start");
    trend.window_end = time(result, row, "window_end");
    trend.event_clock = time(result, row, "event_clock");
    trend.watermark = time(result, row, "watermark");
    trend.version = number(result, row, "version");
    trend.live_groups = number(result, row, "live_groups");
    trend.events = number(result, row, "events");
    trend.late = number(result, row, "late");
    trend.ahead = number(result, row, "ahead");
    trend.null_time = number(result, row, "null_time");
    trend.failed = number(result, row, "failed");
    trend.refused = number(result, row, "refused");
    trend.out_of_range = number(result, row, "out_of_range");
    trend.unmatched = number(result, row, "unmatched");
    trend.unretracted = number(result, row, "unretracted");
    trend.memory_bytes = number(result, row, "memory_bytes");
    sample.trends.insert(trend.id, trend);
  }
}

void parse_worker(const PgResult& result, StatusSample& sample) {
  WorkerStatus& worker = sample.worker;
  worker.known = true;
  sample.taken_at = QDateTime::currentDateTimeUtc();
  if (result.rows() == 0) {
    worker.state = QStringLiteral("down");
    return;
  }
  sample.taken_at = time(result, 0, "taken_at");
  worker.pid = number(result, 0, "pid", 0);
  worker.state = string(result, 0, "state");
  worker.message = string(result, 0, "message");
  worker.hint = string(result, 0, "hint");
  worker.lag_bytes = number(result, 0, "lag_bytes");
  worker.transactions = number(result, 0, "transactions");
  worker.applied_position = number(result, 0, "applied_position");
  worker.checkpoint_at = time(result, 0, "checkpoint_at");
  const QString checkpoint_ms = string(result, 0, "checkpoint_ms");
  worker.checkpoint_ms = checkpoint_ms.isEmpty() ? -1 : checkpoint_ms.toDouble();
  worker.slot = string(result, 0, "slot_name");
  worker.slot_wal_status = string(result, 0, "wal_status");
  worker.slot_held_bytes = number(result, 0, "held_bytes");
}

TopRows parse_top_labels(const PgResult& result) {
  TopRows rows;
  const Ranking top = parse_top(result, {});
  for (const RankedItem& item : top.items) rows.insert(item.key, {item.label, item.previous_rank});
  return rows;
}

void add_top_rows(const TopRows& rows, const TrendInfo& trend, Ranking& ranking) {
  for (RankedItem& item : ranking.items) {
    const auto top = rows.constFind(trend.shape.sessions() ? item.label : item.key);
    if (top == rows.constEnd()) continue;
    if (!top->label.isEmpty()) item.label = top->label;
    item.previous_rank = top->previous_rank;
  }
}

Ranking parse_top(const PgResult& result, const TrendInfo& trend) {
  Ranking ranking;
  ranking.trend = trend.id;
  ranking.columns = {QStringLiteral("key"), QStringLiteral("value")};
  ranking.numeric = {false, true};
  for (int row = 0; row < result.rows(); ++row) {
    RankedItem item;
    item.rank = number(result, row, "rank");
    const QString previous = string(result, row, "previous_rank");
    if (!previous.isEmpty()) item.previous_rank = previous.toLongLong();
    item.key = string(result, row, "key");
    if (item.key.isNull()) item.key = kNullKey;
    item.label = string(result, row, "label");
    item.value = string(result, row, "value");
    item.magnitude = magnitude_of(item.value, ranking.value_kind);
    item.cells = {item.key, item.value};
    ranking.window = {time(result, row, "window_start"), time(result, row, "window_end")};
    ranking.items.append(item);
  }
  return ranking;
}

Ranking parse_rows(const PgResult& result, const TrendInfo& trend) {
  Ranking ranking;
  ranking.trend = trend.id;
  const int rank_column = result.column("rank");
  const DefinitionShape& shape = trend.shape;
  ranking.value_kind = value_kind(result.column_type(shape.value));
  for (int column = 0; column < result.columns(); ++column) {
    ranking.columns.append(result.column_name(column));
    ranking.numeric.append(numeric_type(result.column_type(column)));
  }
  // What tells the items of this list apart is what they are called.
  QList<int> naming = shape.keys;
  for (const QString& column : trend.partition_by)
    naming.removeAll(static_cast<int>(ranking.columns.indexOf(column)));
  const bool named_apart = shape.sessions() || (!naming.empty() && naming != shape.keys);
  for (int row = 0; row < result.rows(); ++row) {
    RankedItem item;
    item.cells.reserve(result.columns());
    for (int column = 0; column < result.columns(); ++column) item.cells.append(result.text(row, column));
    item.rank = rank_column < 0 ? row + 1 : item.cells[rank_column].toLongLong();
    item.key = key_text(item.cells, shape.keys);
    if (named_apart) item.label = key_text(item.cells, naming);
    // A key may have several sessions.
    if (shape.sessions()) item.key += u'\n' + item.cells.value(shape.window_start);
    item.value = item.cells.value(shape.value);
    item.magnitude = magnitude_of(item.value, ranking.value_kind);
    if (row == 0 && !shape.sessions()) {
      ranking.window = {text::parse_timestamp(item.cells.value(shape.window_start)),
                        text::parse_timestamp(item.cells.value(shape.window_end))};
    }
    ranking.items.append(item);
  }
  return ranking;
}

QList<Partition> parse_partitions(const PgResult& result) {
  QList<Partition> partitions;
  for (int row = 0; row < result.rows(); ++row) {
    Partition partition;
    for (int column = 0; column < result.columns(); ++column) {
      partition.append(result.is_null(row, column) ? std::nullopt : std::optional(result.text(row, column)));
    }
    partitions.append(partition);
  }
  return partitions;
}

HistoryColumns parse_history_columns(const PgResult& result) {
  HistoryColumns columns;
  for (int row = 0; row < result.rows(); ++row) {
    columns.names.append(result.text(row, 0));
    columns.types.append(result.text(row, 1));
  }
  return columns;
}

// Of the same columns as the live ranking.
Ranking parse_history_rows(const PgResult& result, const TrendInfo& trend, const HistoryColumns& columns) {
  const int shift = columns.shift(trend);
  TrendInfo shifted = trend;
  for (int* place : {&shifted.shape.window_start, &shifted.shape.window_end, &shifted.shape.value})
    *place += shift;
  for (int& key : shifted.shape.keys) key += shift;
  Ranking ranking = parse_rows(result, shifted);
  const qsizetype count = ranking.columns.size() - shift - 1;
  ranking.columns = ranking.columns.mid(shift, count);
  ranking.numeric = ranking.numeric.mid(shift, count);
  for (RankedItem& item : ranking.items) item.cells = item.cells.mid(shift, count);
  ranking.live = false;
  return ranking;
}

QList<WindowSpan> parse_windows(const PgResult& result) {
  QList<WindowSpan> windows;
  for (int row = result.rows() - 1; row >= 0; --row) {
    windows.append({text::parse_timestamp(result.text(row, 0)), text::parse_timestamp(result.text(row, 1))});
  }
  return windows;
}

SeriesByKey parse_series(const PgResult& result) {
  SeriesByKey series;
  const ValueKind kind = value_kind(result.column_type(2));
  for (int row = 0; row < result.rows(); ++row) {
    const QString value = result.text(row, 2);
    series[result.text(row, 0)].append(
        {text::parse_timestamp(result.text(row, 1)).toMSecsSinceEpoch(), magnitude_of(value, kind), value});
  }
  return series;
}

Explanation parse_explanation(const PgResult& result) {
  Explanation explanation;
  for (int row = 0; row < result.rows(); ++row)
    explanation.append({result.text(row, 0), result.text(row, 1)});
  return explanation;
}

}  // namespace trending::queries
