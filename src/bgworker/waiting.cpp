#include "bgworker/waiting.h"

#include <cstring>

#include "bgworker/worker.h"

namespace trending {

namespace {

constexpr int64 kFirstPauseUs = 1000 * 1000;
constexpr int64 kLongestPauseUs = 60 * kFirstPauseUs;
// Loaded at a time: windows until they take this many bytes, rows.
constexpr int64 kPortionBytes = 32 * 1024 * 1024;
constexpr int kPortionRows = 10000;

constexpr const char* kReasons[] = {"late", "null time", "too far ahead", "failed"};

void execute(const char* sql, int count, const Oid* types, const Datum* values, const char* nulls = nullptr) {
  int result =
      SPI_execute_with_args(sql, count, const_cast<Oid*>(types), const_cast<Datum*>(values), nulls, false, 0);
  if (result < 0) elog(ERROR, "could not put by: %s", SPI_result_code_string(result));
}

// A window's rows one after the other: score, rank, size of the key, key, result.
bytea* pack(const ClosedWindow& closed, const StateLayout& layout) {
  StringInfoData data;
  initStringInfo(&data);
  data.len = VARHDRSZ;
  for (const ClosedWindow::Row& row : closed.rows) {
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.score), sizeof(row.score));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.rank), sizeof(row.rank));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(&row.key_size), sizeof(row.key_size));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(closed.keys.data() + row.key_offset),
                           static_cast<int>(row.key_size));
    appendBinaryStringInfo(&data, reinterpret_cast<const char*>(closed.result(row)),
                           static_cast<int>(result_bytes(layout, closed.result(row))));
  }
  SET_VARSIZE(data.data, data.len);
  return reinterpret_cast<bytea*>(data.data);
}

void unpack(const bytea* packed, const StateLayout& layout, ClosedWindow* closed) {
  const char* at = VARDATA(packed);
  const char* end = at + VARSIZE(packed) - VARHDRSZ;
  auto read = [&at](void* to, size_t size) {
    memcpy(to, at, size);
    at += size;
  };
  while (at < end) {
    ClosedWindow::Row row = {};
    read(&row.score, sizeof(row.score));
    read(&row.rank, sizeof(row.rank));
    read(&row.key_size, sizeof(row.key_size));
    row.key_offset = static_cast<uint32_t>(closed->keys.size());
    row.result_offset = static_cast<uint32_t>(closed->results.size());
    closed->keys.resize(closed->keys.size() + row.key_size);
    if (row.key_size > 0) read(closed->keys.data() + row.key_offset, row.key_size);
    // The words of the result say how much follows them.
    closed->results.resize(closed->results.size() + layout.words);
    read(closed->results.data() + row.result_offset, layout.bytes());
    const size_t size = result_bytes(layout, closed->result(row));
    closed->results.resize(row.result_offset + size / sizeof(int64_t));
    read(closed->results.data() + row.result_offset + layout.words, size - layout.bytes());
    closed->rows.push_back(row);
  }
}

Datum bytes_datum(const void* data, size_t size) {
  auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + size));
  SET_VARSIZE(bytes, VARHDRSZ + size);
  if (size > 0) memcpy(VARDATA(bytes), data, size);
  return PointerGetDatum(bytes);
}

const char* known_reason(const char* text) {
  for (const char* reason : kReasons) {
    if (strcmp(reason, text) == 0) return reason;
  }
  return kReasons[0];
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
  constexpr Oid types[] = {INT4OID, INT8OID, INT8OID, BOOLOID, BOOLOID, BYTEAOID};
  for (const ClosedWindow& closed : trend->closed) {
    bytea* packed = pack(closed, trend_layout(trend, closed.retractable));
    Datum values[] = {Int32GetDatum(trend->id),           Int64GetDatum(closed.window.end),
                      Int64GetDatum(closed.window.start), BoolGetDatum(closed.is_final),
                      BoolGetDatum(closed.retractable),   PointerGetDatum(packed)};
    execute(
        "INSERT INTO trending.waiting_window (trend_id, window_end, window_start, final, retractable, "
        "groups) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (trend_id, window_end, window_start) "
        "DO UPDATE SET final = excluded.final, retractable = excluded.retractable, groups = excluded.groups",
        6, types, values);
    pfree(packed);
    trend->waits = true;
  }
}

bool waiting_load_windows(FollowedTrend* trend) {
  trend->retried.clear();
  if (!trend->waits) return false;
  constexpr Oid types[] = {INT4OID, INT8OID};
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(kPortionBytes)};
  execute(
      "SELECT window_end, window_start, final, retractable, groups FROM (SELECT w.*, "
      "pg_catalog.sum(pg_catalog.length(groups)) "
      "OVER (ORDER BY window_end, window_start) - pg_catalog.length(groups) AS before "
      "FROM trending.waiting_window w WHERE trend_id = $1) w WHERE before < $2 ORDER BY 1, 2",
      2, types, values);
  for (uint64 i = 0; i < SPI_processed; i++) {
    bool isnull = false;
    HeapTuple tuple = SPI_tuptable->vals[i];
    TupleDesc columns = SPI_tuptable->tupdesc;
    trend->retried.emplace_back();
    ClosedWindow* closed = &trend->retried.back();
    closed->window.end = DatumGetInt64(SPI_getbinval(tuple, columns, 1, &isnull));
    closed->window.start = DatumGetInt64(SPI_getbinval(tuple, columns, 2, &isnull));
    closed->is_final = DatumGetBool(SPI_getbinval(tuple, columns, 3, &isnull));
    closed->retractable = DatumGetBool(SPI_getbinval(tuple, columns, 4, &isnull));
    unpack(DatumGetByteaP(SPI_getbinval(tuple, columns, 5, &isnull)),
           trend_layout(trend, closed->retractable), closed);
  }
  SPI_freetuptable(SPI_tuptable);
  trend->waits = !trend->retried.empty();
  return trend->waits;
}

void waiting_drop_windows(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, INT8OID, INT8OID};
  for (const ClosedWindow& closed : trend->retried) {
    Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(closed.window.end),
                      Int64GetDatum(closed.window.start)};
    execute(
        "DELETE FROM trending.waiting_window WHERE trend_id = $1 AND window_end = $2 AND window_start = $3",
        3, types, values);
  }
  trend->retried.clear();
}

void waiting_discard_windows(FollowedTrend* trend) {
  constexpr Oid type = INT4OID;
  Datum id = Int32GetDatum(trend->id);
  if (trend->waits) execute("DELETE FROM trending.waiting_window WHERE trend_id = $1", 1, &type, &id);
  trend->retried.clear();
}

void waiting_keep_late(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, TIMESTAMPTZOID, LSNOID, TEXTOID, TEXTOID};
  for (const LateEvent& event : trend->late) {
    Datum values[] = {Int32GetDatum(trend->id), TimestampTzGetDatum(event.time),
                      LSNGetDatum(event.commit_lsn), CStringGetTextDatum(event.reason),
                      CStringGetTextDatum(event.row.c_str())};
    execute(
        "INSERT INTO trending.waiting_late (trend_id, event_time, commit_lsn, reason, \"row\") "
        "VALUES ($1, $2, $3, $4, $5)",
        5, types, values, event.time == kNoTime ? " n   " : nullptr);
    trend->late_waits = true;
  }
}

bool waiting_load_late(FollowedTrend* trend) {
  trend->retried_late.clear();
  if (!trend->late_waits) return false;
  constexpr Oid types[] = {INT4OID, INT4OID};
  Datum values[] = {Int32GetDatum(trend->id), Int32GetDatum(kPortionRows)};
  execute(
      "SELECT event_time, commit_lsn, reason, \"row\", id FROM trending.waiting_late WHERE trend_id = $1 "
      "ORDER BY id LIMIT $2",
      2, types, values);
  for (uint64 i = 0; i < SPI_processed; i++) {
    bool isnull = false;
    HeapTuple tuple = SPI_tuptable->vals[i];
    TupleDesc columns = SPI_tuptable->tupdesc;
    LateEvent event = {};
    Datum time = SPI_getbinval(tuple, columns, 1, &isnull);
    event.time = isnull ? kNoTime : DatumGetTimestampTz(time);
    event.commit_lsn = DatumGetLSN(SPI_getbinval(tuple, columns, 2, &isnull));
    event.reason = known_reason(TextDatumGetCString(SPI_getbinval(tuple, columns, 3, &isnull)));
    event.row = TextDatumGetCString(SPI_getbinval(tuple, columns, 4, &isnull));
    trend->retried_late_until = DatumGetInt64(SPI_getbinval(tuple, columns, 5, &isnull));
    trend->retried_late.push_back(event);
  }
  SPI_freetuptable(SPI_tuptable);
  trend->late_waits = !trend->retried_late.empty();
  return trend->late_waits;
}

void waiting_drop_late(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, INT8OID};
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(trend->retried_late_until)};
  execute("DELETE FROM trending.waiting_late WHERE trend_id = $1 AND id <= $2", 2, types, values);
  trend->retried_late.clear();
}

void waiting_keep_alerts(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, INT8OID, INT8OID, TIMESTAMPTZOID, LSNOID, BYTEAOID, BYTEAOID};
  for (const Alert& alert : trend->alerts) {
    Datum values[] = {Int32GetDatum(trend->id),
                      Int64GetDatum(alert.window.start),
                      Int64GetDatum(alert.window.end),
                      TimestampTzGetDatum(alert.crossed_at),
                      LSNGetDatum(alert.commit_lsn),
                      bytes_datum(alert.key.data(), alert.key.size()),
                      bytes_datum(alert.result.data(), alert.result.size() * sizeof(int64_t))};
    execute(
        "INSERT INTO trending.waiting_alert (trend_id, window_start, window_end, crossed_at, commit_lsn, "
        "key, "
        "result) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        7, types, values);
    pfree(DatumGetPointer(values[5]));
    pfree(DatumGetPointer(values[6]));
    trend->alerts_wait = true;
  }
}

bool waiting_load_alerts(FollowedTrend* trend) {
  trend->retried_alerts.clear();
  if (!trend->alerts_wait) return false;
  constexpr Oid types[] = {INT4OID, INT4OID};
  Datum values[] = {Int32GetDatum(trend->id), Int32GetDatum(kPortionRows)};
  execute(
      "SELECT window_start, window_end, crossed_at, commit_lsn, key, result, id FROM trending.waiting_alert "
      "WHERE trend_id = $1 ORDER BY id LIMIT $2",
      2, types, values);
  for (uint64 i = 0; i < SPI_processed; i++) {
    bool isnull = false;
    auto column = [&](int number) {
      return SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, number, &isnull);
    };
    trend->retried_alerts.emplace_back();
    Alert* alert = &trend->retried_alerts.back();
    alert->window.start = DatumGetInt64(column(1));
    alert->window.end = DatumGetInt64(column(2));
    alert->crossed_at = DatumGetTimestampTz(column(3));
    alert->commit_lsn = DatumGetLSN(column(4));
    const bytea* key = DatumGetByteaP(column(5));
    alert->key.assign(VARDATA(key), VARSIZE(key) - VARHDRSZ);
    const bytea* result = DatumGetByteaP(column(6));
    alert->result.resize((VARSIZE(result) - VARHDRSZ) / sizeof(int64_t));
    memcpy(alert->result.data(), VARDATA(result), VARSIZE(result) - VARHDRSZ);
    trend->retried_alerts_until = DatumGetInt64(column(7));
  }
  SPI_freetuptable(SPI_tuptable);
  trend->alerts_wait = !trend->retried_alerts.empty();
  return trend->alerts_wait;
}

void waiting_drop_alerts(FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, INT8OID};
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(trend->retried_alerts_until)};
  execute("DELETE FROM trending.waiting_alert WHERE trend_id = $1 AND id <= $2", 2, types, values);
  trend->retried_alerts.clear();
}

Time waiting_last_end(FollowedTrend* trend, bool only_final) {
  constexpr Oid types[] = {INT4OID, BOOLOID};
  Datum values[] = {Int32GetDatum(trend->id), BoolGetDatum(only_final)};
  execute(
      "SELECT pg_catalog.max(window_end) FROM trending.waiting_window WHERE trend_id = $1 AND (final OR NOT "
      "$2)",
      2, types, values);
  bool isnull = true;
  Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
  return isnull ? kNoTime : DatumGetInt64(value);
}

void waiting_delete_redone(FollowedTrend* trend, Time after, Time final_after) {
  constexpr Oid types[] = {INT4OID, INT8OID, INT8OID};
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(after), Int64GetDatum(final_after)};
  execute(
      "DELETE FROM trending.waiting_window WHERE trend_id = $1 AND window_end > CASE WHEN final THEN $3 ELSE "
      "$2 "
      "END",
      3, types, values);
}

void waiting_keep_redo(const FollowedTrend* trend) {
  constexpr Oid types[] = {INT4OID, INT8OID, INT8OID};
  Datum values[] = {Int32GetDatum(trend->id), Int64GetDatum(trend->redo_after),
                    Int64GetDatum(trend->redo_final_after)};
  execute(
      "INSERT INTO trending.waiting_redo (trend_id, redo_after, redo_final_after) VALUES ($1, $2, $3) "
      "ON CONFLICT (trend_id) DO UPDATE SET redo_after = excluded.redo_after, "
      "redo_final_after = excluded.redo_final_after",
      3, types, values);
}

void waiting_load_redo(FollowedTrend* trend) {
  constexpr Oid type = INT4OID;
  Datum id = Int32GetDatum(trend->id);
  execute("SELECT redo_after, redo_final_after FROM trending.waiting_redo WHERE trend_id = $1", 1, &type,
          &id);
  trend->redo_history = SPI_processed > 0;
  trend->redo_done = false;
  if (!trend->redo_history) return;
  bool isnull = false;
  trend->redo_after = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
  trend->redo_final_after =
      DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
}

void waiting_drop_redo(const FollowedTrend* trend) {
  constexpr Oid type = INT4OID;
  Datum id = Int32GetDatum(trend->id);
  execute("DELETE FROM trending.waiting_redo WHERE trend_id = $1", 1, &type, &id);
}

}  // namespace trending
