// SPDX-License-Identifier: PostgreSQL
#include "bgworker/results/late_table.h"

#include "bgworker/process/worker.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "decoder/row_json.h"
#include "postgres/owned_table.h"
#include "postgres/relation_owner.h"
#include "postgres/settings.h"

namespace trending {

namespace {

// Rows that the next checkpoint writes: one is asked for above the first bound; above the second, which only
// a single transaction can reach, rows are counted but no longer kept, and the status says so.
constexpr size_t kCheckpointBytes = size_t{4} << 20;
constexpr size_t kMaxBytes = size_t{256} << 20;
// Of one row, as text; what a jsonb can hold is more.
constexpr size_t kMaxRowBytes = size_t{16} << 20;

// The columns of its source that a trend's owner may read now.
struct Readable {
  Oid source;
  Oid owner;
  bool all;

  bool has(const char* column) const {
    if (all) return true;
    const AttrNumber number = get_attnum(source, column);
    return number != InvalidAttrNumber &&
           pg_attribute_aclcheck(source, number, owner, ACL_SELECT) == ACLCHECK_OK;
  }
};

// By the catalogs that are seen: while decoding those of then, while writing those of now.
Readable readable_columns(const Definition& definition) {
  bool is_missing = false;
  Readable readable = {definition.source, relation_owner(definition.relation), false};
  readable.all =
      pg_class_aclcheck_ext(readable.source, readable.owner, ACL_SELECT, &is_missing) == ACLCHECK_OK;
  return readable;
}

// A row as it is written: without columns that the owner may not read any more.
Datum readable_row(const Readable& readable, const char* text) {
  Datum row = DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
  if (readable.all) return row;
  ArrayBuildState* hidden = initArrayResult(TEXTOID, CurrentMemoryContext, false);
  JsonbIterator* columns = JsonbIteratorInit(&DatumGetJsonbP(row)->root);
  JsonbValue value;
  for (;;) {
    const JsonbIteratorToken token = JsonbIteratorNext(&columns, &value, true);
    if (token == WJB_DONE) break;
    if (token != WJB_KEY) continue;
    const char* name = pnstrdup(value.val.string.val, value.val.string.len);
    if (readable.has(name)) continue;
    accumArrayResult(hidden, CStringGetTextDatum(name), false, TEXTOID, CurrentMemoryContext);
  }
  return DirectFunctionCall2(jsonb_delete_array, row, makeArrayResult(hidden, CurrentMemoryContext));
}

void write_rows(const Readable& readable, const std::vector<RefusedRow>& rows, OwnedTable* table) {
  MemoryContext row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending late row", ALLOCSET_DEFAULT_SIZES);
  for (const RefusedRow& event : rows) {
    MemoryContext caller = MemoryContextSwitchTo(row_memory);
    Datum values[kLateColumns];
    bool nulls[kLateColumns] = {};
    values[kLateTime] = TimestampTzGetDatum(event.time);
    nulls[kLateTime] = event.time == kNoTime;
    values[kLateLsn] = LSNGetDatum(event.commit_lsn);
    values[kLateReason] = CStringGetTextDatum(event.reason);
    values[kLateRow] = readable_row(readable, event.row.c_str());
    values[kLateRecomputed] = BoolGetDatum(false);
    values[kLateKeptAt] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
    owned_insert(table, values, nulls);
    MemoryContextSwitchTo(caller);
    MemoryContextReset(row_memory);
  }
  MemoryContextDelete(row_memory);
}

void expire_rows(const FollowedTrend* trend, OwnedTable* table) {
  const int64 retention = trend->definition->options.retention;
  if (retention < 0) return;
  (void)delete_expired(table, kLateKeptAt, subtract_saturated(GetCurrentTimestamp(), retention));
}

}  // namespace

namespace {

// What the trends of one owner may keep until the next checkpoint, however many he has.
size_t owner_bound() {
  const auto limit = static_cast<size_t>(settings.worker_memory_limit_mb) << 20;
  return limit == 0 ? SIZE_MAX : limit / 8;
}

bool is_owner_full(const FollowedTrend* trend) {
  size_t kept = 0;
  for (const FollowedTrend* other : worker->trends) {
    if (other != nullptr && other->blocks.owner == trend->blocks.owner) kept += other->late->bytes;
  }
  return kept > owner_bound();
}

// Whether another row may be kept. All trends of the owner are looked at only now and then.
bool has_room(FollowedTrend* trend) {
  constexpr size_t kLookBytes = size_t{64} << 10;
  RefusedRows* late = trend->late.get();
  if (late->bytes > kMaxBytes || late->owner_full) return false;
  if (late->bytes - late->looked_at < kLookBytes) return true;
  late->looked_at = late->bytes;
  late->owner_full = is_owner_full(trend);
  return !late->owner_full;
}

}  // namespace

char* late_table_row(FollowedTrend* trend, TupleDesc descriptor, HeapTuple row) {
  StringInfoData json;
  initStringInfo(&json);
  Readable readable = readable_columns(*trend->definition);
  // A transaction that began before the trend was made does not see it. What its owner may not read is left out
  // when the row is written.
  if (!OidIsValid(readable.owner)) readable.all = true;
  append_row_json(&json, descriptor, row, [&readable](const char* column) { return readable.has(column); });
  if (static_cast<size_t>(json.len) <= kMaxRowBytes) return json.data;
  pfree(json.data);
  trend_report(trend, "a late row was too long to be kept, and was counted only");
  return nullptr;
}

void late_table_add(FollowedTrend* trend, Time time, XLogRecPtr commit_lsn, const char* reason,
                    const char* row) {
  if (!has_room(trend)) {
    trend_report(trend, "more late rows came at once than can be kept; the rest was counted only");
    return;
  }
  trend->late->rows.items.push_back(RefusedRow{time, commit_lsn, reason, row});
  trend->late->bytes += sizeof(RefusedRow) + trend->late->rows.items.back().row.size();
  if (trend->late->bytes > kCheckpointBytes) worker->checkpoint.due = true;
}

void late_table_keep(FollowedTrend* trend, Time time, ReorderBufferTXN* txn, const char* reason,
                     TupleDesc descriptor, HeapTuple row) {
  // Too many are not made into text first.
  char* text = !has_room(trend) ? pstrdup("") : late_table_row(trend, descriptor, row);
  if (text == nullptr) return;
  late_table_add(trend, time, txn->final_lsn, reason, text);
  pfree(text);
}

bool late_table_is_due(const FollowedTrend* trend) {
  return OidIsValid(trend->definition->late) &&
         (!trend->late->rows.items.empty() ||
          (trend->late->rows.deferred && !trend->late->rows.retry.is_put_off()));
}

namespace {

OwnerResult write_as_owner(FollowedTrend* trend, const std::vector<RefusedRow>& rows,
                           char (&message)[kMessageSize]) {
  const Readable readable = readable_columns(*trend->definition);
  const TableShape shape = late_table_shape();
  return with_owned_table(trend->definition->late, shape, message, PassingError::kReport, OwnedUse::kWrite,
                          [&](OwnedTable* table) {
                            write_rows(readable, rows, table);
                            expire_rows(trend, table);
                          });
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  auto write = [&](const std::vector<RefusedRow>* rows) { return write_as_owner(trend, *rows, message); };
  const OwnerResult result = backlog_write_deferred(trend, &trend->late->rows, write);
  if (result != OwnerResult::kDone) return result;
  // What was deferred is all there is where rows are not kept any more.
  if (trend->late->rows.items.empty() && !keeps_late_rows(*trend->definition)) return OwnerResult::kDone;
  return write(&trend->late->rows.items);
}

}  // namespace

void late_table_write(FollowedTrend* trend) {
  if (!late_table_is_due(trend)) return;
  (void)backlog_write(trend, &trend->late->rows,
                      [trend](char(&message)[kMessageSize]) { return write_all(trend, message); });
}

void late_table_written(FollowedTrend* trend) {
  trend->late->rows.items.clear();
  trend->late->bytes = trend->late->looked_at = 0;
  trend->late->owner_full = false;
}

}  // namespace trending
