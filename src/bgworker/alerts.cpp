#include "bgworker/alerts.h"

#include "bgworker/group_insert.h"
#include "bgworker/waiting.h"
#include "bgworker/worker.h"
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

// The columns of one role as a JSON object.
char* json_object(const Definition& definition, ColumnRole role) {
  StringInfoData object;
  initStringInfo(&object);
  appendStringInfoString(&object, "pg_catalog.json_build_object(");
  const char* separator = "";
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role != role) continue;
    appendStringInfo(&object, "%s%s, $%d", separator, quote_literal_cstr(column.name),
                     group_parameter(definition, i));
    separator = ", ";
  }
  appendStringInfoChar(&object, ')');
  return object.data;
}

// The payload of a notification, of the parameters of an insertion; without the group when that would be too
// long.
char* payload_statement(const Definition& definition, const GroupInsert& insert) {
  const char* trend = quote_literal_cstr(quote_qualified_identifier(
      get_namespace_name(get_rel_namespace(definition.relation)), get_rel_name(definition.relation)));
  const char* window = psprintf("'window_start', $1, 'window_end', $2, 'crossed_at', $%d, 'commit_lsn', $%d",
                                insert.count - 1, insert.count);
  return psprintf(
      "SELECT CASE WHEN pg_catalog.octet_length(p.full) < %d THEN p.full ELSE p.short END FROM (SELECT "
      "pg_catalog.json_build_object('trend', %s, 'key', %s, 'values', %s, %s)::pg_catalog.text AS full, "
      "pg_catalog.json_build_object('trend', %s, 'truncated', true, %s)::pg_catalog.text AS short) p",
      static_cast<int>(kPayloadBytes), trend, json_object(definition, ColumnRole::kKey),
      json_object(definition, ColumnRole::kAggregate), window, trend, window);
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

// Null: alerts are not announced.
SPIPlanPtr prepare_payload(const Definition& definition, const GroupInsert& insert) {
  if (definition.notify_channel == nullptr) return nullptr;
  SPIPlanPtr plan = SPI_prepare(payload_statement(definition, insert), insert.count, insert.types);
  if (plan == nullptr) elog(ERROR, "could not prepare the announcing of alerts");
  return plan;
}

// False when the queue has no room for it.
bool notify(const char* channel, SPIPlanPtr payload, const GroupInsert& insert) {
  MemoryContext caller = MemoryContextSwitchTo(insert.memory);
  if (SPI_execute_plan(payload, insert.values, insert.nulls, false, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not describe an alert");
  }
  const char* text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
  const bool fits = take_queue_room(strlen(text));
  if (fits) Async_Notify(channel, text);
  SPI_freetuptable(SPI_tuptable);
  MemoryContextSwitchTo(caller);
  return fits;
}

void write_rows(FollowedTrend* trend, const std::vector<Alert>& alerts, const char* table) {
  const Definition& definition = *trend->definition;
  const StateLayout& layout = trend->writer.layout();
  GroupInsert insert = group_insert_prepare(definition, table, false,
                                            {{"crossed_at", TIMESTAMPTZOID}, {"commit_lsn", LSNOID}});
  SPIPlanPtr payload = prepare_payload(definition, insert);
  bool all_announced = true;
  Patience patience;
  for (const Alert& alert : alerts) {
    CHECK_FOR_INTERRUPTS();
    patience.spend();
    KeyView key{reinterpret_cast<const std::byte*>(alert.key.data()),
                static_cast<uint32_t>(alert.key.size())};
    group_insert_begin(&insert, layout, alert.window, key, alert.result.data(), 0);
    group_insert_put(&insert, TimestampTzGetDatum(alert.crossed_at));
    group_insert_put(&insert, LSNGetDatum(alert.commit_lsn));
    if (payload != nullptr && !notify(definition.notify_channel, payload, insert)) all_announced = false;
    group_insert_run(&insert);
  }
  group_insert_end(&insert);
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

bool alerts_are_due(const FollowedTrend* trend) {
  return OidIsValid(trend->definition->alerts) &&
         (!trend->alerts.empty() || (trend->alerts_wait && !trend->alerts_retry.is_put_off()));
}

namespace {

constexpr WaitingWords kWords = {"alerts wait to be written: ", "alerts were lost: "};

OwnerResult write_as_owner(FollowedTrend* trend, const std::vector<Alert>& alerts,
                           char (&message)[kMessageSize]) {
  return run_as_owner(trend->definition->alerts, message, PassingError::kReport, [&](const char* table) {
    write_rows(trend, alerts, table);
    expire_rows(trend, table);
  });
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  while (waiting_load_alerts(trend)) {
    OwnerResult result = write_as_owner(trend, trend->retried_alerts, message);
    if (result != OwnerResult::kDone) return result;
    waiting_drop_alerts(trend);
  }
  return write_as_owner(trend, trend->alerts, message);
}

}  // namespace

void alerts_write(FollowedTrend* trend) {
  if (!alerts_are_due(trend)) return;
  write_or_wait(
      trend, &trend->alerts_retry, kWords,
      [trend](char(&message)[kMessageSize]) { return write_all(trend, message); },
      [trend] { waiting_keep_alerts(trend); });
}

void alerts_written(FollowedTrend* trend) {
  trend->alerts.clear();
  trend->alert_bytes = 0;
}

}  // namespace trending
