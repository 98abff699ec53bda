// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/deferred_tables.h"

#include <cstring>

#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "engine/aggregates/state_check.h"
#include "postgres/checksum.h"
#include "values/stored_value.h"

namespace trending {

namespace {

constexpr const char* kReasons[] = {"late", "null time", "too far ahead", "failed"};

// A window's rows one after the other: score, rank, size of the key, key, result.
StringInfoData pack(const ClosedWindow& closed, const StateLayout& layout) {
  StringInfoData data;
  initStringInfo(&data);
  for (const ClosedWindow::Row& row : closed.rows) {
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.score), sizeof(row.score));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.rank), sizeof(row.rank));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.key_size), sizeof(row.key_size));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(closed.keys.data() + row.key_offset),
                           static_cast<int>(row.key_size));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(closed.result(row)),
                           static_cast<int>(result_bytes(layout, closed.result(row))));
  }
  return data;
}

// Takes a piece off what is left. False: that much is not left.
bool take(SpiBytes* rest, void* to, size_t size) {
  if (rest->size < size) return false;
  if (size > 0) memcpy(to, rest->data, size);
  rest->data += size;
  rest->size -= size;
  return true;
}

// Adds a result to the words there are; the words of it say how much follows them.
bool take_result(SpiBytes* rest, const FollowedTrend* trend, const StateLayout& layout,
                 std::vector<int64_t>* words) {
  const size_t begin = words->size();
  if (rest->size < layout.bytes()) return false;
  words->resize(begin + layout.words);
  (void)take(rest, words->data() + begin, layout.bytes());
  const size_t size = result_bytes(layout, words->data() + begin);
  if (size - layout.bytes() > rest->size) return false;
  words->resize(begin + size / sizeof(int64_t));
  (void)take(rest, words->data() + begin + layout.words, size - layout.bytes());
  return is_result(layout, words->data() + begin, size) &&
         stored_result_is_valid(trend->definition->aggregates, layout, words->data() + begin);
}

// False when it is no such window; what has been read of it by then is of no use.
bool unpack(SpiBytes rest, const FollowedTrend* trend, const StateLayout& layout, ClosedWindow* closed) {
  while (rest.size > 0) {
    ClosedWindow::Row row = {};
    if (!take(&rest, &row.score, sizeof(row.score)) || !take(&rest, &row.rank, sizeof(row.rank)) ||
        !take(&rest, &row.key_size, sizeof(row.key_size)) || row.key_size > rest.size) {
      return false;
    }
    const KeyView key{reinterpret_cast<const std::byte*>(rest.data), row.key_size};
    if (!stored_key_is_valid(trend->definition->keys, key)) return false;
    row.key_offset = static_cast<uint32_t>(closed->keys.size());
    row.result_offset = static_cast<uint32_t>(closed->results.size());
    closed->keys.insert(closed->keys.end(), key.data, key.data + key.size);
    rest.data += key.size;
    rest.size -= key.size;
    if (!take_result(&rest, trend, layout, &closed->results)) return false;
    closed->rows.push_back(row);
  }
  return true;
}

const char* known_reason(const char* text) {
  for (const char* reason : kReasons) {
    if (strcmp(reason, text) == 0) return reason;
  }
  return kReasons[0];
}

int64 window_checksum(int32 trend_id, const Window& window, bool is_final, bool keeps_values,
                      const void* groups, size_t size) {
  Checksum checksum("waiting_window");
  checksum.add(int64{trend_id}).add(window.end).add(window.start);
  return checksum.add(int64{is_final}).add(int64{keeps_values}).add(groups, size).value();
}

int64 refused_checksum(int32 trend_id, Time time, XLogRecPtr lsn, const char* reason, const char* row) {
  Checksum checksum("waiting_late");
  checksum.add(int64{trend_id}).add(time).add(static_cast<int64>(lsn));
  return checksum.add(reason, strlen(reason)).add(row, strlen(row)).value();
}

int64 alert_checksum(int32 trend_id, const Window& window, Time crossed_at, XLogRecPtr lsn, SpiBytes key,
                     SpiBytes result) {
  Checksum checksum("waiting_alert");
  checksum.add(int64{trend_id}).add(window.start).add(window.end).add(crossed_at);
  checksum.add(static_cast<int64>(lsn)).add(key.data, key.size);
  return checksum.add(result.data, result.size).value();
}

}  // namespace

// -- closed windows

SpiStatement DeferredTable<ClosedWindow>::select = {
    "SELECT ctid AS place, window_end, window_start, final, keeps_values, groups, checksum FROM (SELECT "
    "w.ctid, w.*, pg_catalog.sum(coalesce(pg_catalog.length(groups), 0)) OVER (ORDER BY window_end, "
    "window_start, ctid) - coalesce(pg_catalog.length(groups), 0) AS before FROM trending.waiting_window w "
    "WHERE trend_id = $1) w WHERE before < $2 ORDER BY window_end, window_start"};
SpiStatement DeferredTable<ClosedWindow>::erase = {
    "DELETE FROM trending.waiting_window WHERE ctid = ANY ($1)"};
SpiStatement DeferredTable<ClosedWindow>::erase_all = {
    "DELETE FROM trending.waiting_window WHERE trend_id = $1"};

bool DeferredTable<ClosedWindow>::store(const FollowedTrend* trend, const ClosedWindow& closed,
                                        DeferredRoom* room) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_window (trend_id, window_end, window_start, final, keeps_values, "
      "groups, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (trend_id, window_end, "
      "window_start) DO UPDATE SET final = excluded.final, keeps_values = excluded.keeps_values, groups = "
      "excluded.groups, checksum = excluded.checksum"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(groups)), 0)::pg_catalog.int8 AS bytes FROM "
      "trending.waiting_window WHERE trend_id = $1"};
  StringInfoData packed = pack(closed, trend_layout(trend, closed.keeps_values));
  const auto size = static_cast<size_t>(packed.len);
  if (!take_deferred_room(trend, room, &sum, size)) {
    pfree(packed.data);
    return false;
  }
  const int64 checksum =
      window_checksum(trend->id, closed.window, closed.is_final, closed.keeps_values, packed.data, size);
  spi_run(&upsert, {spi_int4(trend->id), spi_int8(closed.window.end), spi_int8(closed.window.start),
                    spi_bool(closed.is_final), spi_bool(closed.keeps_values), spi_bytea(packed.data, size),
                    spi_int8(checksum)});
  pfree(packed.data);
  return true;
}

bool DeferredTable<ClosedWindow>::read(FollowedTrend* trend, const SpiRow& row, ClosedWindow* closed) {
  int64 checksum = 0;
  SpiBytes groups = {};
  if (!row.read("window_end", &closed->window.end, "window_start", &closed->window.start, "final",
                &closed->is_final, "keeps_values", &closed->keeps_values, "groups", &groups, "checksum",
                &checksum)) {
    return false;
  }
  return checksum == window_checksum(trend->id, closed->window, closed->is_final, closed->keeps_values,
                                     groups.data, groups.size) &&
         closed->window.start < closed->window.end && closed->window.start >= kMinTime &&
         closed->window.end < kEndTime &&
         unpack(groups, trend, trend_layout(trend, closed->keeps_values), closed);
}

// -- late rows

SpiStatement DeferredTable<RefusedRow>::select = {
    "SELECT ctid AS place, event_time, commit_lsn, reason, \"row\", checksum FROM trending.waiting_late "
    "WHERE trend_id = $1 ORDER BY id LIMIT $2"};
SpiStatement DeferredTable<RefusedRow>::erase = {"DELETE FROM trending.waiting_late WHERE ctid = ANY ($1)"};
SpiStatement DeferredTable<RefusedRow>::erase_all = {"DELETE FROM trending.waiting_late WHERE trend_id = $1"};

bool DeferredTable<RefusedRow>::store(const FollowedTrend* trend, const RefusedRow& event,
                                      DeferredRoom* room) {
  static SpiStatement insert = {
      "INSERT INTO trending.waiting_late (trend_id, event_time, commit_lsn, reason, \"row\", checksum) "
      "VALUES ($1, $2, $3, $4, $5, $6)"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(\"row\")), 0)::pg_catalog.int8 AS bytes FROM "
      "trending.waiting_late WHERE trend_id = $1"};
  if (!take_deferred_room(trend, room, &sum, event.row.size())) return false;
  SpiValue time = spi_timestamptz(event.time);
  time.is_null = event.time == kNoTime;
  const int64 checksum =
      refused_checksum(trend->id, event.time, event.commit_lsn, event.reason, event.row.c_str());
  spi_run(&insert, {spi_int4(trend->id), time, spi_lsn(event.commit_lsn), spi_text(event.reason),
                    spi_text(event.row.c_str()), spi_int8(checksum)});
  return true;
}

bool DeferredTable<RefusedRow>::read(FollowedTrend* trend, const SpiRow& row, RefusedRow* event) {
  Time time = kNoTime;
  XLogRecPtr lsn = InvalidXLogRecPtr;
  char* reason = nullptr;
  char* text = nullptr;
  int64 checksum = 0;
  if ((!row.is_null("event_time") && !row.read("event_time", &time)) || !row.read("commit_lsn", &lsn) ||
      !row.read("reason", &reason) || !row.read("row", &text) || !row.read("checksum", &checksum) ||
      checksum != refused_checksum(trend->id, time, lsn, reason, text)) {
    return false;
  }
  *event = {time, lsn, known_reason(reason), text};
  return true;
}

// -- alerts

SpiStatement DeferredTable<Alert>::select = {
    "SELECT ctid AS place, window_start, window_end, crossed_at, commit_lsn, key, result, checksum "
    "FROM trending.waiting_alert WHERE trend_id = $1 ORDER BY id LIMIT $2"};
SpiStatement DeferredTable<Alert>::erase = {"DELETE FROM trending.waiting_alert WHERE ctid = ANY ($1)"};
SpiStatement DeferredTable<Alert>::erase_all = {"DELETE FROM trending.waiting_alert WHERE trend_id = $1"};

bool DeferredTable<Alert>::store(const FollowedTrend* trend, const Alert& alert, DeferredRoom* room) {
  static SpiStatement insert = {
      "INSERT INTO trending.waiting_alert (trend_id, window_start, window_end, crossed_at, commit_lsn, "
      "key, result, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(key || result)), 0)::pg_catalog.int8 AS "
      "bytes FROM trending.waiting_alert WHERE trend_id = $1"};
  const size_t size = alert.key.size() + alert.result.size() * sizeof(int64_t);
  if (!take_deferred_room(trend, room, &sum, size)) return false;
  const SpiBytes key = {alert.key.data(), alert.key.size()};
  const SpiBytes result = {reinterpret_cast<const char*>(alert.result.data()),
                           alert.result.size() * sizeof(int64_t)};
  const int64 checksum =
      alert_checksum(trend->id, alert.window, alert.crossed_at, alert.commit_lsn, key, result);
  SpiValue key_value = spi_bytea(key.data, key.size);
  SpiValue result_value = spi_bytea(result.data, result.size);
  spi_run(&insert, {spi_int4(trend->id), spi_int8(alert.window.start), spi_int8(alert.window.end),
                    spi_timestamptz(alert.crossed_at), spi_lsn(alert.commit_lsn), key_value, result_value,
                    spi_int8(checksum)});
  pfree(DatumGetPointer(key_value.datum));
  pfree(DatumGetPointer(result_value.datum));
  return true;
}

bool DeferredTable<Alert>::read(FollowedTrend* trend, const SpiRow& row, Alert* alert) {
  int64 checksum = 0;
  SpiBytes key = {};
  SpiBytes result = {};
  if (!row.read("window_start", &alert->window.start) || !row.read("window_end", &alert->window.end) ||
      !row.read("crossed_at", &alert->crossed_at) || !row.read("commit_lsn", &alert->commit_lsn) ||
      !row.read("key", &key) || !row.read("result", &result) || !row.read("checksum", &checksum) ||
      checksum !=
          alert_checksum(trend->id, alert->window, alert->crossed_at, alert->commit_lsn, key, result)) {
    return false;
  }
  const KeyView bytes{reinterpret_cast<const std::byte*>(key.data), static_cast<uint32_t>(key.size)};
  if (!stored_key_is_valid(trend->definition->keys, bytes)) return false;
  alert->key.assign(key.data, key.size);
  return take_result(&result, trend, trend->writer.layout(), &alert->result) && result.size == 0;
}

}  // namespace trending
