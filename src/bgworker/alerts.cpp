#include "bgworker/alerts.h"

#include "bgworker/worker.h"
#include "definition/aggregate_result.h"
#include "definition/history_table.h"
#include "postgres/as_owner.h"

namespace trending {

namespace {

// Alerts waiting for a checkpoint: above the first bound one is asked for; above the second, which only a
// single change can reach, groups are no longer noted, and the status says so.
constexpr size_t kCheckpointBytes = size_t{4} << 20;
constexpr size_t kMaxBytes = size_t{256} << 20;
// The server refuses notifications of this many bytes, and fails a commit for which its queue has no room: we
// leave a tenth of it to others.
constexpr size_t kPayloadBytes = 8000;
constexpr double kFullQueue = 0.9;
constexpr double kUsualQueuePages = 1 << 20;
constexpr size_t kNotificationOverhead = NAMEDATALEN + 32;  // the channel and the server's words

bool is_group_column(const DefinitionColumn& column) {
  return column.role == ColumnRole::kKey || column.role == ColumnRole::kAggregate;
}

// Parameters of both statements: window_start, window_end, the columns of the group, crossed_at, commit_lsn.
struct Parameters {
  int count;
  Oid* types;
  Datum* values;
  char* nulls;
};

Parameters make_parameters(const Definition& definition) {
  Parameters parameters = {};
  Size room = static_cast<Size>(definition.column_count) + 4;
  parameters.types = static_cast<Oid*>(palloc(sizeof(Oid) * room));
  parameters.values = static_cast<Datum*>(palloc(sizeof(Datum) * room));
  parameters.nulls = static_cast<char*>(palloc(room));
  parameters.types[parameters.count++] = window_bound_type(definition);
  parameters.types[parameters.count++] = window_bound_type(definition);
  for (int i = 0; i < definition.column_count; i++) {
    if (is_group_column(definition.columns[i]))
      parameters.types[parameters.count++] = definition.columns[i].type;
  }
  parameters.types[parameters.count++] = TIMESTAMPTZOID;
  parameters.types[parameters.count++] = LSNOID;
  return parameters;
}

char* insert_statement(const Definition& definition, const char* table) {
  StringInfoData names;
  StringInfoData values;
  initStringInfo(&names);
  initStringInfo(&values);
  int parameter = 0;
  for (ColumnRole role : {ColumnRole::kWindowStart, ColumnRole::kWindowEnd}) {
    appendStringInfo(&names, "%s, ", history_window_column(definition, role));
    appendStringInfo(&values, "$%d, ", ++parameter);
  }
  for (int i = 0; i < definition.column_count; i++) {
    if (!is_group_column(definition.columns[i])) continue;
    appendStringInfo(&names, "%s, ", quote_identifier(definition.columns[i].name));
    appendStringInfo(&values, "$%d, ", ++parameter);
  }
  return psprintf("INSERT INTO %s (%scrossed_at, commit_lsn) VALUES (%s$%d, $%d)", table, names.data,
                  values.data, parameter + 1, parameter + 2);
}

// The columns of one role as a JSON object.
char* json_object(const Definition& definition, ColumnRole role) {
  StringInfoData object;
  initStringInfo(&object);
  appendStringInfoString(&object, "pg_catalog.json_build_object(");
  int parameter = 2;
  const char* separator = "";
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (!is_group_column(column)) continue;
    parameter++;
    if (column.role != role) continue;
    appendStringInfo(&object, "%s%s, $%d", separator, quote_literal_cstr(column.name), parameter);
    separator = ", ";
  }
  appendStringInfoChar(&object, ')');
  return object.data;
}

// The payload of a notification; without the group when that would be too long.
char* payload_statement(const Definition& definition) {
  const char* trend = quote_literal_cstr(quote_qualified_identifier(
      get_namespace_name(get_rel_namespace(definition.relation)), get_rel_name(definition.relation)));
  int crossed_at = 3;
  for (int i = 0; i < definition.column_count; i++) crossed_at += is_group_column(definition.columns[i]);
  const char* window = psprintf("'window_start', $1, 'window_end', $2, 'crossed_at', $%d, 'commit_lsn', $%d",
                                crossed_at, crossed_at + 1);
  return psprintf(
      "SELECT CASE WHEN pg_catalog.octet_length(p.full) < %d THEN p.full ELSE p.short END FROM (SELECT "
      "pg_catalog.json_build_object('trend', %s, 'key', %s, 'values', %s, %s)::pg_catalog.text AS full, "
      "pg_catalog.json_build_object('trend', %s, 'truncated', true, %s)::pg_catalog.text AS short) p",
      static_cast<int>(kPayloadBytes), trend, json_object(definition, ColumnRole::kKey),
      json_object(definition, ColumnRole::kAggregate), window, trend, window);
}

void fill_parameters(const FollowedTrend* trend, const Alert& alert, Parameters* parameters) {
  const Definition& definition = *trend->definition;
  const StateLayout& layout = trend->writer.layout();
  Datum keys[kMaxKeyColumns];
  bool key_nulls[kMaxKeyColumns];
  key_decode(
      definition.keys,
      KeyBytes{reinterpret_cast<const std::byte*>(alert.key.data()), static_cast<uint32_t>(alert.key.size())},
      keys, key_nulls);
  int n = 0;
  auto put = [&](Datum value, bool isnull) {
    parameters->values[n] = value;
    parameters->nulls[n++] = isnull ? 'n' : ' ';
  };
  bool unbounded = !definition.has_window;
  put(window_bound_datum(window_bound_type(definition), alert.window.start), unbounded);
  put(window_bound_datum(window_bound_type(definition), alert.window.end), unbounded);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kKey) put(keys[column.index], key_nulls[column.index]);
    if (column.role != ColumnRole::kAggregate) continue;
    bool isnull = false;
    AggregateValue value = value_of(layout, alert.result.data(), static_cast<uint16_t>(column.index));
    Datum datum = aggregate_datum(definition, column.index, value, &isnull);
    put(datum, isnull);
  }
  put(TimestampTzGetDatum(alert.crossed_at), false);
  put(LSNGetDatum(alert.commit_lsn), false);
}

SPIPlanPtr prepare(const char* statement, const Parameters& parameters) {
  SPIPlanPtr plan = SPI_prepare(statement, parameters.count, parameters.types);
  if (plan == nullptr) elog(ERROR, "could not prepare the writing of alerts");
  return plan;
}

// Bytes of the server's notification queue that we may use now. Its size can be set from PostgreSQL 17 on.
double queue_room() {
  const double used = DatumGetFloat8(OidFunctionCall0(F_PG_NOTIFICATION_QUEUE_USAGE));
  const char* pages = GetConfigOption("max_notify_queue_pages", true, false);
  return (kFullQueue - used) * (pages == nullptr ? kUsualQueuePages : strtod(pages, nullptr)) * BLCKSZ;
}

// Whether the queue has room for another notification, beside those of this transaction, which are not in it
// yet: one that nobody empties must not fail checkpoints. A notification does not go over a page's end, so it
// may cost as much again, or a page if it takes more than half of one.
bool take_queue_room(size_t payload) {
  static TimestampTz transaction = 0;
  static double room = 0;
  if (transaction != GetCurrentTransactionStartTimestamp()) {
    transaction = GetCurrentTransactionStartTimestamp();
    room = queue_room();
  }
  const size_t bytes = payload + kNotificationOverhead;
  const auto cost = static_cast<double>(bytes > BLCKSZ / 2 ? BLCKSZ : 2 * bytes);
  if (room < cost) return false;
  room -= cost;
  return true;
}

// False when the queue has no room for it.
bool notify(const char* channel, SPIPlanPtr payload, const Parameters& parameters) {
  if (SPI_execute_plan(payload, parameters.values, parameters.nulls, false, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not describe an alert");
  }
  const char* text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  const bool fits = take_queue_room(strlen(text));
  if (fits) Async_Notify(channel, text);
  SPI_freetuptable(SPI_tuptable);
  return fits;
}

void write_rows(FollowedTrend* trend, const char* table) {
  const Definition& definition = *trend->definition;
  Parameters parameters = make_parameters(definition);
  SPIPlanPtr insert = prepare(insert_statement(definition, table), parameters);
  const char* channel = definition.notify_channel;
  SPIPlanPtr payload = channel != nullptr ? prepare(payload_statement(definition), parameters) : nullptr;
  bool all_announced = true;
  MemoryContext row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending alert", ALLOCSET_DEFAULT_SIZES);
  for (const Alert& alert : trend->alerts) {
    CHECK_FOR_INTERRUPTS();
    MemoryContext caller = MemoryContextSwitchTo(row_memory);
    fill_parameters(trend, alert, &parameters);
    if (SPI_execute_plan(insert, parameters.values, parameters.nulls, false, 0) != SPI_OK_INSERT) {
      elog(ERROR, "could not insert an alert");
    }
    if (payload != nullptr && !notify(channel, payload, parameters)) all_announced = false;
    MemoryContextSwitchTo(caller);
    MemoryContextReset(row_memory);
  }
  MemoryContextDelete(row_memory);
  SPI_freeplan(insert);
  if (payload != nullptr) SPI_freeplan(payload);
  if (!all_announced) {
    trend_report(trend, "alerts were not announced: the notification queue of the server is full");
  }
}

void expire_rows(const FollowedTrend* trend, const char* table) {
  int64 retention = trend->definition->options.retention;
  if (retention < 0) return;
  Oid type = TIMESTAMPTZOID;
  Datum bound = TimestampTzGetDatum(subtract_saturated(GetCurrentTimestamp(), retention));
  if (SPI_execute_with_args(alerts_expire_statement(table), 1, &type, &bound, nullptr, false, 0) !=
      SPI_OK_DELETE) {
    elog(ERROR, "could not remove alerts");
  }
}

}  // namespace

void alerts_note(FollowedTrend* trend, KeyView key, const int64_t* result, const Window& window) {
  if (trend->alert_bytes > kMaxBytes) {
    trend->alerts_overflowed = true;
    return;
  }
  const size_t words = result_bytes(trend->writer.layout(), result) / sizeof(int64_t);
  trend->alerts.push_back(Alert{window, kNoTime, InvalidXLogRecPtr,
                                std::string(reinterpret_cast<const char*>(key.data), key.size),
                                std::vector<int64_t>(result, result + words)});
  trend->alert_bytes += sizeof(Alert) + key.size + words * sizeof(int64_t);
}

void alerts_noted(FollowedTrend* trend, XLogRecPtr lsn, TimestampTz time) {
  for (size_t i = trend->alerts.size(); i > 0 && trend->alerts[i - 1].crossed_at == kNoTime; i--) {
    trend->alerts[i - 1].crossed_at = trend->definition->has_window ? trend->writer.clock() : time;
    trend->alerts[i - 1].commit_lsn = lsn;
  }
  if (trend->alert_bytes > kCheckpointBytes) worker->checkpoint_due = true;
  if (!trend->alerts_overflowed) return;
  trend->alerts_overflowed = false;
  trend_report(trend, "more groups came true at once than can be kept; the rest raised no alerts");
}

void alerts_write(FollowedTrend* trend) {
  if (trend->alerts.empty()) return;
  char message[kMessageSize] = "";
  OwnerResult result =
      run_as_owner(trend->definition->alerts, message, PassingError::kThrow, [trend](const char* table) {
        write_rows(trend, table);
        expire_rows(trend, table);
      });
  if (result == OwnerResult::kDone) return;
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "alerts were lost: %.200s", message);
  trend_report(trend, reason);
}

void alerts_written(FollowedTrend* trend) {
  trend->alerts.clear();
  trend->alert_bytes = 0;
}

}  // namespace trending
