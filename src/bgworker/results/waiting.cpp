#include "bgworker/results/waiting.h"

#include <cstring>

#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/trend/engine_state.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "engine/aggregates/state_check.h"
#include "postgres/checksum.h"
#include "postgres/spi.h"
#include "values/stored_value.h"

namespace trending {

namespace {

constexpr int64 kFirstPauseUs = 1000 * 1000;
constexpr int64 kLongestPauseUs = 60 * kFirstPauseUs;
// Loaded at a time: windows until they take this many bytes, rows.
constexpr int64 kPortionBytes = 4 * 1024 * 1024;
constexpr int kPortionRows = 10000;

constexpr const char* kReasons[] = {"late", "null time", "too far ahead", "failed"};

// Whether that much more may wait. A window that replaces another counts twice until the table is asked
// again.
bool take_room(const FollowedTrend* trend, WaitingRoom* room, SpiStatement* sum, size_t size) {
  const auto more = static_cast<int64>(size);
  room->since += more;
  const bool is_full = room->bytes + more > kMaxWaitingBytes;
  if (room->bytes < 0 || (is_full && room->since > kMaxWaitingBytes / 8)) {
    (void)spi_run(sum, {spi_int4(trend->id)});
    if (!SpiRow(0).read("bytes", &room->bytes)) elog(ERROR, "could not sum what waits");
    room->since = 0;
  }
  if (room->bytes + more > kMaxWaitingBytes) {
    room->overflowed = true;
    return false;
  }
  room->bytes += more;
  return true;
}

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

// False when it is no such window; what has been taken of it by then is of no use.
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

// -- the checksums of the rows

int64 window_checksum(int32 trend_id, const Window& window, bool is_final, bool retractable,
                      const void* groups, size_t size) {
  Checksum checksum("waiting_window");
  checksum.add(int64{trend_id}).add(window.end).add(window.start);
  return checksum.add(int64{is_final}).add(int64{retractable}).add(groups, size).value();
}

int64 late_checksum(int32 trend_id, Time time, XLogRecPtr lsn, const char* reason, const char* row) {
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

int64 redo_checksum(int32 trend_id, Time after, Time final_after) {
  return Checksum("waiting_redo").add(int64{trend_id}).add(after).add(final_after).value();
}

// -- rows that cannot be used

// They are deleted, once; the caller says what that means.
void delete_damaged(SpiStatement* deletion, const SpiRow& row) {
  Datum place = 0;
  if (row.read_datum("place", TIDOID, &place)) spi_run(deletion, {SpiValue{TIDOID, place}});
}

void report_damaged(FollowedTrend* trend, const char* words, uint64 damaged, const char* what) {
  char reason[kMessageSize];
  if (damaged == 0) return;
  snprintf(reason, sizeof(reason), "%s" UINT64_FORMAT " %s that waited could not be read, or were lost",
           words, damaged, what);
  trend_report(trend, reason);
}

// Notes how many rows wait.
void note_counts(const FollowedTrend* trend) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_count (trend_id, windows, redos, late, alerts) SELECT $1, "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_window WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_redo WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_late WHERE trend_id = $1), "
      "(SELECT pg_catalog.count(*) FROM trending.waiting_alert WHERE trend_id = $1) "
      "ON CONFLICT (trend_id) DO UPDATE SET windows = excluded.windows, redos = excluded.redos, "
      "late = excluded.late, alerts = excluded.alerts"};
  spi_run(&upsert, {spi_int4(trend->id)});
}

}  // namespace

void waiting_report(FollowedTrend* trend, const char* words, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "%s%.200s", words, message);
  trend_report(trend, reason);
}

void waiting_clear_report(FollowedTrend* trend, const WaitingWords& words) {
  if (strncmp(trend->shared->reason, words.waits, strlen(words.waits)) == 0) trend_report(trend, "");
}

void Retry::put_off() {
  pause = pause == 0 ? kFirstPauseUs : Min(pause * 2, kLongestPauseUs);
  at = GetCurrentTimestamp() + pause;
}

void waiting_keep_windows(FollowedTrend* trend) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_window (trend_id, window_end, window_start, final, retractable, groups, "
      "checksum) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (trend_id, window_end, window_start) DO UPDATE SET "
      "final = excluded.final, retractable = excluded.retractable, groups = excluded.groups, "
      "checksum = excluded.checksum"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(groups)), 0)::pg_catalog.int8 AS bytes FROM "
      "trending.waiting_window WHERE trend_id = $1"};
  for (const ClosedWindow& closed : trend->closed) {
    StringInfoData packed = pack(closed, trend_layout(trend, closed.retractable));
    const auto size = static_cast<size_t>(packed.len);
    if (!take_room(trend, &trend->history_room, &sum, size)) {
      pfree(packed.data);
      continue;
    }
    const int64 checksum =
        window_checksum(trend->id, closed.window, closed.is_final, closed.retractable, packed.data, size);
    spi_run(&upsert, {spi_int4(trend->id), spi_int8(closed.window.end), spi_int8(closed.window.start),
                      spi_bool(closed.is_final), spi_bool(closed.retractable), spi_bytea(packed.data, size),
                      spi_int8(checksum)});
    pfree(packed.data);
    trend->waits = true;
  }
  if (!trend->closed.empty()) note_counts(trend);
}

namespace {

// Into a window just made. False: the row cannot be used.
bool read_window(FollowedTrend* trend, const SpiRow& row, ClosedWindow* closed) {
  int64 checksum = 0;
  SpiBytes groups = {};
  if (!row.read("window_end", &closed->window.end) || !row.read("window_start", &closed->window.start) ||
      !row.read("final", &closed->is_final) || !row.read("retractable", &closed->retractable) ||
      !row.read_bytes("groups", &groups) || !row.read("checksum", &checksum)) {
    return false;
  }
  return checksum == window_checksum(trend->id, closed->window, closed->is_final, closed->retractable,
                                     groups.data, groups.size) &&
         closed->window.start < closed->window.end && closed->window.start >= kMinTime &&
         closed->window.end < kEndTime &&
         unpack(groups, trend, trend_layout(trend, closed->retractable), closed);
}

}  // namespace

bool waiting_load_windows(FollowedTrend* trend) {
  static SpiStatement select = {
      "SELECT ctid AS place, window_end, window_start, final, retractable, groups, checksum FROM (SELECT "
      "w.ctid, w.*, "
      "pg_catalog.sum(coalesce(pg_catalog.length(groups), 0)) OVER (ORDER BY window_end, window_start, ctid) "
      "- coalesce(pg_catalog.length(groups), 0) AS before "
      "FROM trending.waiting_window w WHERE trend_id = $1) w WHERE before < $2 ORDER BY window_end, "
      "window_start"};
  static SpiStatement deletion = {"DELETE FROM trending.waiting_window WHERE ctid = $1"};
  trend->retried.clear();
  uint64 damaged = 0;
  while (trend->waits && trend->retried.empty()) {
    const uint64 rows = spi_run(&select, {spi_int4(trend->id), spi_int8(kPortionBytes)});
    SPITupleTable* table = SPI_tuptable;
    trend->waits = rows > 0;
    for (uint64 i = 0; i < rows; i++) {
      const SpiRow row(table, i);
      trend->retried.emplace_back();
      if (read_window(trend, row, &trend->retried.back())) continue;
      trend->retried.pop_back();
      delete_damaged(&deletion, row);
      damaged++;
    }
    SPI_freetuptable(table);
  }
  report_damaged(trend, "history is incomplete: ", damaged, "closed windows");
  return trend->waits;
}

void waiting_drop_windows(FollowedTrend* trend) {
  static SpiStatement deletion = {
      "DELETE FROM trending.waiting_window WHERE trend_id = $1 AND window_end = $2 AND window_start = $3"};
  for (const ClosedWindow& closed : trend->retried) {
    spi_run(&deletion, {spi_int4(trend->id), spi_int8(closed.window.end), spi_int8(closed.window.start)});
  }
  trend->retried.clear();
  trend->history_room.bytes = -1;
  note_counts(trend);
}

void waiting_discard_windows(FollowedTrend* trend) {
  static SpiStatement deletion = {"DELETE FROM trending.waiting_window WHERE trend_id = $1"};
  trend->retried.clear();
  if (!trend->waits) return;
  spi_run(&deletion, {spi_int4(trend->id)});
  note_counts(trend);
}

// What waits for tables that the trend does not have, and so was never its own, would wait for ever.
void waiting_discard_strays(FollowedTrend* trend) {
  static SpiStatement late = {"DELETE FROM trending.waiting_late WHERE trend_id = $1"};
  static SpiStatement alerts = {"DELETE FROM trending.waiting_alert WHERE trend_id = $1"};
  const Definition& definition = *trend->definition;
  if (!OidIsValid(definition.history)) waiting_discard_windows(trend);
  if (!OidIsValid(definition.late)) spi_run(&late, {spi_int4(trend->id)});
  if (!OidIsValid(definition.alerts)) spi_run(&alerts, {spi_int4(trend->id)});
}

void waiting_keep_late(FollowedTrend* trend) {
  static SpiStatement insert = {
      "INSERT INTO trending.waiting_late (trend_id, event_time, commit_lsn, reason, \"row\", checksum) "
      "VALUES ($1, $2, $3, $4, $5, $6)"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(\"row\")), 0)::pg_catalog.int8 AS bytes FROM "
      "trending.waiting_late WHERE trend_id = $1"};
  for (const LateEvent& event : trend->late) {
    if (!take_room(trend, &trend->late_room, &sum, event.row.size())) continue;
    SpiValue time = spi_timestamptz(event.time);
    time.is_null = event.time == kNoTime;
    const int64 checksum =
        late_checksum(trend->id, event.time, event.commit_lsn, event.reason, event.row.c_str());
    spi_run(&insert, {spi_int4(trend->id), time, spi_lsn(event.commit_lsn), spi_text(event.reason),
                      spi_text(event.row.c_str()), spi_int8(checksum)});
    trend->late_waits = true;
  }
  if (!trend->late.empty()) note_counts(trend);
}

namespace {

// Nothing that has a destructor lives while the server reads values.
bool read_late(FollowedTrend* trend, const SpiRow& row) {
  Time time = kNoTime;
  XLogRecPtr lsn = InvalidXLogRecPtr;
  char* reason = nullptr;
  char* text = nullptr;
  int64 checksum = 0;
  if ((!row.is_null("event_time") && !row.read("event_time", &time)) || !row.read_lsn("commit_lsn", &lsn) ||
      !row.read_text("reason", &reason) || !row.read_text("row", &text) || !row.read("checksum", &checksum) ||
      checksum != late_checksum(trend->id, time, lsn, reason, text)) {
    return false;
  }
  trend->retried_late.push_back(LateEvent{time, lsn, known_reason(reason), text});
  return true;
}

}  // namespace

bool waiting_load_late(FollowedTrend* trend) {
  static SpiStatement select = {
      "SELECT ctid AS place, event_time, commit_lsn, reason, \"row\", id, checksum FROM "
      "trending.waiting_late "
      "WHERE trend_id = $1 ORDER BY id LIMIT $2"};
  static SpiStatement deletion = {"DELETE FROM trending.waiting_late WHERE ctid = $1"};
  trend->retried_late.clear();
  uint64 damaged = 0;
  while (trend->late_waits && trend->retried_late.empty()) {
    const uint64 rows = spi_run(&select, {spi_int4(trend->id), spi_int8(kPortionRows)});
    SPITupleTable* table = SPI_tuptable;
    trend->late_waits = rows > 0;
    for (uint64 i = 0; i < rows; i++) {
      const SpiRow row(table, i);
      if (row.read("id", &trend->retried_late_until) && read_late(trend, row)) continue;
      delete_damaged(&deletion, row);
      damaged++;
    }
    SPI_freetuptable(table);
  }
  report_damaged(trend, "late rows were not kept: ", damaged, "late rows");
  return trend->late_waits;
}

void waiting_drop_late(FollowedTrend* trend) {
  static SpiStatement deletion = {"DELETE FROM trending.waiting_late WHERE trend_id = $1 AND id <= $2"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(trend->retried_late_until)});
  trend->retried_late.clear();
  trend->late_room.bytes = -1;
  note_counts(trend);
}

void waiting_keep_alerts(FollowedTrend* trend) {
  static SpiStatement insert = {
      "INSERT INTO trending.waiting_alert (trend_id, window_start, window_end, crossed_at, commit_lsn, key, "
      "result, "
      "checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
  static SpiStatement sum = {
      "SELECT coalesce(pg_catalog.sum(pg_catalog.octet_length(key || result)), 0)::pg_catalog.int8 AS bytes "
      "FROM "
      "trending.waiting_alert WHERE trend_id = $1"};
  for (const Alert& alert : trend->alerts) {
    const size_t size = alert.key.size() + alert.result.size() * sizeof(int64_t);
    if (!take_room(trend, &trend->alerts_room, &sum, size)) continue;
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
    trend->alerts_wait = true;
  }
  if (!trend->alerts.empty()) note_counts(trend);
}

namespace {

bool read_alert(FollowedTrend* trend, const SpiRow& row, Alert* alert) {
  int64 checksum = 0;
  SpiBytes key = {};
  SpiBytes result = {};
  if (!row.read("window_start", &alert->window.start) || !row.read("window_end", &alert->window.end) ||
      !row.read("crossed_at", &alert->crossed_at) || !row.read_lsn("commit_lsn", &alert->commit_lsn) ||
      !row.read_bytes("key", &key) || !row.read_bytes("result", &result) ||
      !row.read("checksum", &checksum) ||
      checksum !=
          alert_checksum(trend->id, alert->window, alert->crossed_at, alert->commit_lsn, key, result)) {
    return false;
  }
  const KeyView bytes{reinterpret_cast<const std::byte*>(key.data), static_cast<uint32_t>(key.size)};
  if (!stored_key_is_valid(trend->definition->keys, bytes)) return false;
  alert->key.assign(key.data, key.size);
  return take_result(&result, trend, trend->writer.layout(), &alert->result) && result.size == 0;
}

}  // namespace

bool waiting_load_alerts(FollowedTrend* trend) {
  static SpiStatement select = {
      "SELECT ctid AS place, window_start, window_end, crossed_at, commit_lsn, key, result, id, checksum "
      "FROM trending.waiting_alert WHERE trend_id = $1 ORDER BY id LIMIT $2"};
  static SpiStatement deletion = {"DELETE FROM trending.waiting_alert WHERE ctid = $1"};
  trend->retried_alerts.clear();
  uint64 damaged = 0;
  while (trend->alerts_wait && trend->retried_alerts.empty()) {
    const uint64 rows = spi_run(&select, {spi_int4(trend->id), spi_int8(kPortionRows)});
    SPITupleTable* table = SPI_tuptable;
    trend->alerts_wait = rows > 0;
    for (uint64 i = 0; i < rows; i++) {
      const SpiRow row(table, i);
      trend->retried_alerts.emplace_back();
      if (row.read("id", &trend->retried_alerts_until) &&
          read_alert(trend, row, &trend->retried_alerts.back())) {
        continue;
      }
      trend->retried_alerts.pop_back();
      delete_damaged(&deletion, row);
      damaged++;
    }
    SPI_freetuptable(table);
  }
  report_damaged(trend, "alerts were lost: ", damaged, "alerts");
  return trend->alerts_wait;
}

void waiting_drop_alerts(FollowedTrend* trend) {
  static SpiStatement deletion = {"DELETE FROM trending.waiting_alert WHERE trend_id = $1 AND id <= $2"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(trend->retried_alerts_until)});
  trend->retried_alerts.clear();
  trend->alerts_room.bytes = -1;
  note_counts(trend);
}

// Times that are none, of rows not looked at yet, do not count.
Time waiting_last_end(FollowedTrend* trend, bool only_final) {
  static SpiStatement select = {
      "SELECT pg_catalog.max(window_end) AS last FROM trending.waiting_window "
      "WHERE trend_id = $1 AND (final OR NOT $2) AND window_end < $3"};
  Time last = kNoTime;
  spi_run(&select, {spi_int4(trend->id), spi_bool(only_final), spi_int8(kEndTime)});
  return SpiRow(0).read("last", &last) ? last : kNoTime;
}

void waiting_delete_redone(FollowedTrend* trend, Time after, Time final_after) {
  static SpiStatement deletion = {
      "DELETE FROM trending.waiting_window WHERE trend_id = $1 AND window_end > CASE WHEN final THEN $3 ELSE "
      "$2 END"};
  spi_run(&deletion, {spi_int4(trend->id), spi_int8(after), spi_int8(final_after)});
  note_counts(trend);
}

void waiting_keep_redo(const FollowedTrend* trend) {
  static SpiStatement upsert = {
      "INSERT INTO trending.waiting_redo (trend_id, redo_after, redo_final_after, checksum) VALUES ($1, $2, "
      "$3, $4) "
      "ON CONFLICT (trend_id) DO UPDATE SET redo_after = excluded.redo_after, "
      "redo_final_after = excluded.redo_final_after, checksum = excluded.checksum"};
  spi_run(&upsert, {spi_int4(trend->id), spi_int8(trend->redo_after), spi_int8(trend->redo_final_after),
                    spi_int8(redo_checksum(trend->id, trend->redo_after, trend->redo_final_after))});
  note_counts(trend);
}

namespace {

bool read_redo(const FollowedTrend* trend, bool* found, Time* after, Time* final_after) {
  static SpiStatement select = {"SELECT * FROM trending.waiting_redo WHERE trend_id = $1"};
  const uint64 rows = spi_run(&select, {spi_int4(trend->id)});
  *found = rows > 0;
  if (rows == 0) return true;
  const SpiRow row(0);
  int64 checksum = 0;
  return rows == 1 && row.read("redo_after", after) && row.read("redo_final_after", final_after) &&
         row.read("checksum", &checksum) && checksum == redo_checksum(trend->id, *after, *final_after);
}

}  // namespace

bool waiting_redo_is_good(const FollowedTrend* trend) {
  bool found = false;
  Time after = kNoTime;
  Time final_after = kNoTime;
  return read_redo(trend, &found, &after, &final_after);
}

// One that cannot be read is left to the filling that follows, which finds out for itself what it has to
// undo.
void waiting_load_redo(FollowedTrend* trend) {
  bool found = false;
  const bool good = read_redo(trend, &found, &trend->redo_after, &trend->redo_final_after);
  trend->redo_history = found && good;
  trend->redo_done = false;
  if (good) return;
  waiting_drop_redo(trend);
  trend_report(
      trend, "what an earlier filling had left to undo in history could not be read: see trending.verify()");
}

void waiting_drop_redo(const FollowedTrend* trend) {
  static SpiStatement deletion = {"DELETE FROM trending.waiting_redo WHERE trend_id = $1"};
  if (spi_run(&deletion, {spi_int4(trend->id)}) > 0) note_counts(trend);
}

namespace {

// Says what is lost of what waited when the worker last ran.
void report_lost() {
  static SpiStatement select = {
      "SELECT c.trend_id, c.windows - (SELECT pg_catalog.count(*) FROM trending.waiting_window w "
      "WHERE w.trend_id = c.trend_id) + c.redos - (SELECT pg_catalog.count(*) FROM trending.waiting_redo r "
      "WHERE r.trend_id = c.trend_id) AS history, c.late - (SELECT pg_catalog.count(*) FROM "
      "trending.waiting_late l "
      "WHERE l.trend_id = c.trend_id) AS late, c.alerts - (SELECT pg_catalog.count(*) FROM "
      "trending.waiting_alert a "
      "WHERE a.trend_id = c.trend_id) AS alerts FROM trending.waiting_count c "
      "WHERE greatest(c.windows, c.redos, c.late, c.alerts) < 1000000000 AND "
      "least(c.windows, c.redos, c.late, c.alerts) >= 0"};
  const uint64 rows = spi_run(&select);
  SPITupleTable* table = SPI_tuptable;
  for (uint64 i = 0; i < rows; i++) {
    const SpiRow row(table, i);
    int32 id = 0;
    int64 history = 0;
    int64 late = 0;
    int64 alerts = 0;
    if (!row.read("trend_id", &id) || !row.read("history", &history) || !row.read("late", &late) ||
        !row.read("alerts", &alerts)) {
      continue;
    }
    for (FollowedTrend* trend : worker->trends) {
      if (trend == nullptr || trend->id != id || trend->definition == nullptr) continue;
      if (history > 0)
        report_damaged(trend, "history is incomplete: ", static_cast<uint64>(history), "closed windows");
      if (late > 0)
        report_damaged(trend, "late rows were not kept: ", static_cast<uint64>(late), "late rows");
      if (alerts > 0) report_damaged(trend, "alerts were lost: ", static_cast<uint64>(alerts), "alerts");
      if (history > 0 || late > 0 || alerts > 0) note_counts(trend);
    }
  }
}

}  // namespace

void waiting_check() {
  ErrorData* error = worker_try([] {
    SPI_connect();
    report_lost();
    SPI_finish();
  });
  if (error == nullptr) return;
  ereport(WARNING, (errmsg("what waits for trends' tables could not be looked at: %s", error->message)));
  FreeErrorData(error);
}

}  // namespace trending
