// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/alerts.h"

#include "bgworker/process/worker.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/results/group_insert.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "postgres/owned_table.h"

namespace trending {

namespace {

// Alerts that the next checkpoint writes: above the first bound one is asked for; above the second, which
// only a single change can reach, groups are no longer noted, and the status says so.
constexpr size_t kCheckpointBytes = size_t{4} << 20;
constexpr size_t kMaxBytes = size_t{256} << 20;
// The server fails a commit for which its queue of notifications has no room: we leave a tenth of it to
// others.
constexpr double kFullQueue = 0.9;
constexpr double kUsualQueuePages = 1 << 20;
constexpr size_t kNotificationOverhead = NAMEDATALEN + 32;  // the channel and the server's words

constexpr size_t kDateLength = 129;  // MAXDATELEN + 1, of a header full of common words as macros

void append_time(StringInfo out, const char* name, Oid type, Datum value) {
  char buffer[kDateLength];
  JsonEncodeDateTime(buffer, value, type, nullptr);
  appendStringInfo(out, ", \"%s\": \"%s\"", name, buffer);
}

// Every role of the database may listen to any channel, so this says that there are alerts and where, no
// more: no value of a row. Notifications that are equal are sent once.
char* payload_of(const Definition& definition, const Alert& alert) {
  StringInfoData payload;
  initStringInfo(&payload);
  appendStringInfoString(&payload, "{\"trend\": ");
  escape_json(&payload, quote_qualified_identifier(get_namespace_name(get_rel_namespace(definition.relation)),
                                                   get_rel_name(definition.relation)));
  if (definition.has_window) {
    const Oid type = window_bound_type(definition);
    append_time(&payload, "window_start", type, window_bound_datum(type, alert.window.start));
    append_time(&payload, "window_end", type, window_bound_datum(type, alert.window.end));
  }
  append_time(&payload, "crossed_at", TIMESTAMPTZOID, TimestampTzGetDatum(alert.crossed_at));
  appendStringInfo(&payload, ", \"commit_lsn\": \"%X/%X\"}", TRENDING_LSN_ARGS(alert.commit_lsn));
  return payload.data;
}

// Bytes of the server's notification queue that we may use now. Its size can be set from PostgreSQL 17 on.
double queue_room() {
  const double used = DatumGetFloat8(OidFunctionCall0(F_PG_NOTIFICATION_QUEUE_USAGE));
  const char* pages = GetConfigOption("max_notify_queue_pages", true, false);
  return (kFullQueue - used) * (pages == nullptr ? kUsualQueuePages : strtod(pages, nullptr)) * BLCKSZ;
}

// What we may still put into the queue in a transaction.
struct QueueRoom {
  TimestampTz transaction = 0;
  double room = 0;
};
QueueRoom queue;

// Whether the queue has room for another notification, beside those of this transaction, which are not in it
// yet: one that nobody empties must not fail checkpoints. A notification does not go over a page's end, so it
// may cost as much again, or a page if it takes more than half of one.
bool take_queue_room(size_t payload) {
  if (queue.transaction != GetCurrentTransactionStartTimestamp()) {
    queue = {GetCurrentTransactionStartTimestamp(), queue_room()};
  }
  const size_t bytes = payload + kNotificationOverhead;
  const auto cost = static_cast<double>(bytes > BLCKSZ / 2 ? BLCKSZ : 2 * bytes);
  if (queue.room < cost) return false;
  queue.room -= cost;
  return true;
}

// False when the queue has no room for it. *last is what was announced before: many groups come true at once.
bool notify(const Definition& definition, const Alert& alert, char** last) {
  char* payload = payload_of(definition, alert);
  if (*last != nullptr && strcmp(*last, payload) == 0) {
    pfree(payload);
    return true;
  }
  const bool fits = take_queue_room(strlen(payload));
  if (fits) Async_Notify(definition.options.notify_channel, payload);
  if (*last != nullptr) pfree(*last);
  *last = payload;
  return fits;
}

void write_rows(FollowedTrend* trend, const std::vector<Alert>& alerts, OwnedTable* table) {
  const Definition& definition = *trend->definition;
  const StateLayout& layout = trend->writer.layout();
  GroupInsert insert = group_insert_prepare(definition, table);
  const bool is_announced = definition.options.notify_channel[0] != '\0';
  bool all_announced = true;
  char* announced = nullptr;
  for (const Alert& alert : alerts) {
    KeyView key{reinterpret_cast<const std::byte*>(alert.key.data()),
                static_cast<uint32_t>(alert.key.size())};
    group_insert_begin(&insert, layout, alert.window, key, alert.result.data(), 0);
    group_insert_put(&insert, TimestampTzGetDatum(alert.crossed_at));
    group_insert_put(&insert, LSNGetDatum(alert.commit_lsn));
    group_insert_put(&insert, TimestampTzGetDatum(GetCurrentTimestamp()));
    group_insert_run(&insert);
    if (is_announced && !notify(definition, alert, &announced)) all_announced = false;
  }
  group_insert_end(&insert);
  if (!all_announced) {
    trend_report(trend, "alerts were not announced: the notification queue of the server is full");
  }
}

void expire_rows(const FollowedTrend* trend, OwnedTable* table) {
  const int64 retention = trend->definition->options.retention;
  if (retention < 0) return;
  const int column = own_columns_at(*table->shape, kAlertOwnColumns) + kAlertedAt;
  (void)delete_expired(table, column, subtract_saturated(GetCurrentTimestamp(), retention));
}

}  // namespace

void alerts_note(FollowedTrend* trend, KeyView key, const int64_t* result, const Window& window) {
  if (trend->alerts->bytes > kMaxBytes) {
    trend->alerts->lost++;
    return;
  }
  const size_t words = result_bytes(trend->writer.layout(), result) / sizeof(int64_t);
  trend->alerts->rows.items.push_back(Alert{window, kNoTime, InvalidXLogRecPtr,
                                            std::string(reinterpret_cast<const char*>(key.data), key.size),
                                            std::vector<int64_t>(result, result + words)});
  trend->alerts->bytes += sizeof(Alert) + key.size + words * sizeof(int64_t);
}

void alerts_noted(FollowedTrend* trend, XLogRecPtr lsn, TimestampTz time) {
  for (size_t i = trend->alerts->rows.items.size();
       i > 0 && trend->alerts->rows.items[i - 1].crossed_at == kNoTime; i--) {
    trend->alerts->rows.items[i - 1].crossed_at =
        trend->definition->has_window ? trend->writer.clock() : time;
    trend->alerts->rows.items[i - 1].commit_lsn = lsn;
  }
  if (trend->alerts->bytes > kCheckpointBytes) worker->checkpoint.due = true;
  if (trend->alerts->lost == 0) return;
  char message[kMessageSize];
  snprintf(message, sizeof(message),
           "more groups came true at once than can be kept: " INT64_FORMAT " raised no alert",
           trend->alerts->lost);
  trend->alerts->lost = 0;
  trend_report(trend, message);
}

bool alerts_are_due(const FollowedTrend* trend) {
  return OidIsValid(trend->definition->alerts) &&
         (!trend->alerts->rows.items.empty() ||
          (trend->alerts->rows.deferred && !trend->alerts->rows.retry.is_put_off()));
}

namespace {

OwnerResult write_as_owner(FollowedTrend* trend, const std::vector<Alert>& alerts,
                           char (&message)[kMessageSize]) {
  const TableShape shape = alerts_shape(*trend->definition);
  return with_owned_table(trend->definition->alerts, shape, message, PassingError::kReport, OwnedUse::kWrite,
                          [&](OwnedTable* table) {
                            write_rows(trend, alerts, table);
                            expire_rows(trend, table);
                          });
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  auto write = [&](const std::vector<Alert>* alerts) { return write_as_owner(trend, *alerts, message); };
  const OwnerResult result = backlog_write_deferred(trend, &trend->alerts->rows, write);
  return result == OwnerResult::kDone ? write(&trend->alerts->rows.items) : result;
}

}  // namespace

void alerts_write(FollowedTrend* trend) {
  if (!alerts_are_due(trend)) return;
  (void)backlog_write(trend, &trend->alerts->rows,
                      [trend](char(&message)[kMessageSize]) { return write_all(trend, message); });
}

void alerts_written(FollowedTrend* trend) {
  trend->alerts->rows.items.clear();
  trend->alerts->bytes = 0;
}

}  // namespace trending
