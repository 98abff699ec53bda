#include "bgworker/late.h"

#include "bgworker/waiting.h"
#include "bgworker/worker.h"
#include "decoder/row_json.h"
#include "definition/history_table.h"
#include "postgres/as_owner.h"

namespace trending {

namespace {

// Rows waiting for a checkpoint: one is asked for above the first bound; above the second, which only a
// single transaction can reach, rows are counted but no longer kept, and the status says so.
constexpr size_t kCheckpointBytes = size_t{4} << 20;
constexpr size_t kMaxBytes = size_t{256} << 20;

void write_rows(const std::vector<LateEvent>& rows, const char* table) {
  Oid types[] = {TIMESTAMPTZOID, LSNOID, TEXTOID, JSONBOID};
  SPIPlanPtr insert = SPI_prepare(
      psprintf("INSERT INTO %s (event_time, commit_lsn, reason, \"row\") VALUES ($1, $2, $3, $4)", table), 4,
      types);
  if (insert == nullptr) elog(ERROR, "could not prepare the insertion of late rows");
  Patience patience;
  MemoryContext row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending late row", ALLOCSET_DEFAULT_SIZES);
  for (const LateEvent& event : rows) {
    CHECK_FOR_INTERRUPTS();
    patience.spend();
    MemoryContext caller = MemoryContextSwitchTo(row_memory);
    Datum values[] = {TimestampTzGetDatum(event.time), LSNGetDatum(event.commit_lsn),
                      CStringGetTextDatum(event.reason),
                      DirectFunctionCall1(jsonb_in, CStringGetDatum(event.row.c_str()))};
    MemoryContextSwitchTo(caller);
    if (SPI_execute_plan(insert, values, event.time == kNoTime ? "n   " : "    ", false, 0) !=
        SPI_OK_INSERT) {
      elog(ERROR, "could not insert a late row");
    }
    MemoryContextReset(row_memory);
  }
  MemoryContextDelete(row_memory);
  SPI_freeplan(insert);
}

void expire_rows(const FollowedTrend* trend, const char* table) {
  int64 retention = trend->definition->options.retention;
  if (retention < 0) return;
  Oid type = TIMESTAMPTZOID;
  Datum bound = TimestampTzGetDatum(subtract_saturated(GetCurrentTimestamp(), retention));
  if (SPI_execute_with_args(late_expire_statement(table), 1, &type, &bound, nullptr, false, 0) !=
      SPI_OK_DELETE) {
    elog(ERROR, "could not remove late rows");
  }
}

}  // namespace

void late_keep(FollowedTrend* trend, Time time, ReorderBufferTXN* txn, const char* reason,
               TupleDesc descriptor, HeapTuple row) {
  if (trend->late_bytes > kMaxBytes) {
    trend_report(trend, "a transaction had more late rows than can be kept; the rest was counted only");
    return;
  }
  StringInfoData json;
  initStringInfo(&json);
  append_row_json(&json, descriptor, row);
  trend->late.push_back(LateEvent{time, txn->final_lsn, reason, std::string(json.data, json.len)});
  trend->late_bytes += sizeof(LateEvent) + static_cast<size_t>(json.len);
  pfree(json.data);
  if (trend->late_bytes > kCheckpointBytes) worker->checkpoint_due = true;
}

bool late_is_due(const FollowedTrend* trend) {
  return OidIsValid(trend->definition->late) &&
         (!trend->late.empty() || (trend->late_waits && !trend->late_retry.is_put_off()));
}

namespace {

constexpr WaitingWords kWords = {"late rows wait to be written: ", "late rows were not kept: "};

OwnerResult write_as_owner(FollowedTrend* trend, const std::vector<LateEvent>& rows,
                           char (&message)[kMessageSize]) {
  return run_as_owner(trend->definition->late, message, PassingError::kReport, [&](const char* table) {
    write_rows(rows, table);
    expire_rows(trend, table);
  });
}

OwnerResult write_all(FollowedTrend* trend, char (&message)[kMessageSize]) {
  while (waiting_load_late(trend)) {
    OwnerResult result = write_as_owner(trend, trend->retried_late, message);
    if (result != OwnerResult::kDone) return result;
    waiting_drop_late(trend);
  }
  return write_as_owner(trend, trend->late, message);
}

}  // namespace

void late_write(FollowedTrend* trend) {
  if (!late_is_due(trend)) return;
  write_or_wait(
      trend, &trend->late_retry, kWords,
      [trend](char(&message)[kMessageSize]) { return write_all(trend, message); },
      [trend] { waiting_keep_late(trend); });
}

void late_written(FollowedTrend* trend) {
  trend->late.clear();
  trend->late_bytes = 0;
}

}  // namespace trending
