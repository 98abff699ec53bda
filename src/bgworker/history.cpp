#include "bgworker/history.h"

#include <algorithm>

#include "bgworker/waiting.h"
#include "bgworker/worker.h"
#include "definition/aggregate_result.h"
#include "definition/history_rows.h"
#include "definition/history_table.h"
#include "definition/partition_by.h"
#include "postgres/as_owner.h"
#include "postgres/guard.h"
#include "shmem/previous_ranks.h"

namespace trending {

namespace {

constexpr size_t kLargeHistory = size_t{32} << 20;
// Results are taken for previous ranks no more often than this.
// Rows that are written within as_owner.h's patience.
constexpr uint64 kRowsOfPatience = 1000;
constexpr int64 kTakeIntervalUs = 100 * 1000;
// What retention no longer covers goes no more often than this.
constexpr int64 kExpiryIntervalUs = 5 * INT64CONST(1000000);

// -- taking
// -----------------------------------------------------------------------------------------------------

// Order of rank: the better score first, ties by the definition's tie-breaks; before that by partition.
struct RankOrder {
  const ClosedWindow* closed;
  const Definition* definition;
  const StateLayout* layout;

  KeyBytes key(const ClosedWindow::Row& row) const {
    return KeyBytes{closed->keys.data() + row.key_offset, row.key_size};
  }
  int compare_partitions(const ClosedWindow::Row& a, const ClosedWindow::Row& b) const {
    return is_partitioned(*definition) ? partition_compare(*definition, key(a), key(b)) : 0;
  }
  bool operator()(const ClosedWindow::Row& a, const ClosedWindow::Row& b) const {
    const int partitions = compare_partitions(a, b);
    if (partitions != 0) return partitions < 0;
    if (a.score != b.score) return a.score > b.score;
    if (!layout->score_decides) {
      const int order = compare_rank(*layout, closed->result(a), closed->result(b));
      if (order != 0) return order < 0;
    }
    return key_compare(definition->keys, key(a), key(b)) < 0;
  }
};

// Brings the rows into their order and gives them their ranks.
void rank_rows(ClosedWindow* closed, const RankOrder& order) {
  std::sort(closed->rows.begin(), closed->rows.end(), order);
  for (size_t i = 0; i < closed->rows.size(); i++) {
    bool begins = i == 0 || order.compare_partitions(closed->rows[i - 1], closed->rows[i]) != 0;
    closed->rows[i].rank = begins ? 1 : closed->rows[i - 1].rank + 1;
  }
}

// The best `limit` rows, of every partition.
void cut_rows(ClosedWindow* closed, const RankOrder& order, size_t limit) {
  if (is_partitioned(*order.definition)) {
    rank_rows(closed, order);
    std::erase_if(closed->rows,
                  [limit](const ClosedWindow::Row& row) { return static_cast<size_t>(row.rank) > limit; });
  } else if (closed->rows.size() > limit) {
    std::nth_element(closed->rows.begin(), closed->rows.begin() + static_cast<ptrdiff_t>(limit),
                     closed->rows.end(), order);
    closed->rows.resize(limit);
  }
}

// Keeps the best rows and drops the keys and results of the others.
void keep_best(ClosedWindow* closed, const RankOrder& order, size_t limit) {
  const StateLayout& layout = *order.layout;
  cut_rows(closed, order, limit);
  std::vector<std::byte> keys;
  std::vector<int64_t> results;
  for (ClosedWindow::Row& row : closed->rows) {
    auto key = closed->keys.begin() + row.key_offset;
    const int64_t* result = closed->result(row);
    row.key_offset = static_cast<uint32_t>(keys.size());
    row.result_offset = static_cast<uint32_t>(results.size());
    keys.insert(keys.end(), key, key + row.key_size);
    results.insert(results.end(), result, result + result_bytes(layout, result) / sizeof(int64_t));
  }
  closed->keys.swap(keys);
  closed->results.swap(results);
}

void take_window(FollowedTrend* trend, const PendingWindow& pending, ClosedWindow* closed) {
  const Definition* definition = trend->definition;
  const StateLayout& layout = trend->writer.layout();
  const int64 configured = definition->options.history_limit;
  const size_t limit =
      configured < 0 || configured > INT64_MAX / 8 ? SIZE_MAX : static_cast<size_t>(configured);
  closed->window = pending.window;
  closed->is_final = pending.is_final;
  const RankOrder order{closed, definition, &layout};
  size_t prune_at = limit == SIZE_MAX ? SIZE_MAX : 4 * limit + 4096;
  Status status =
      trend->writer.for_each_group_in_window(pending.window, [&](KeyView key, const int64_t* result) {
        closed->rows.push_back({rank_score(layout, result), static_cast<uint32_t>(closed->keys.size()),
                                key.size, static_cast<uint32_t>(closed->results.size()), 0});
        closed->keys.insert(closed->keys.end(), key.data, key.data + key.size);
        closed->results.insert(closed->results.end(), result,
                               result + result_bytes(layout, result) / sizeof(int64_t));
        // Pruned now and then, so that a window of a million groups does not pile up for its best hundred.
        if (closed->rows.size() < prune_at) return;
        keep_best(closed, order, limit);
        prune_at = 2 * closed->rows.size() + 2 * limit + 4096;
      });
  if (status != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for the result of a window")));
  }
  if (limit != SIZE_MAX) keep_best(closed, order, limit);
  rank_rows(closed, order);
}

// A correction replaces what waits for the same window.
ClosedWindow* place_for(FollowedTrend* trend, const Window& window) {
  auto [place, is_new] = trend->closed_places.try_emplace({window.end, window.start}, trend->closed.size());
  if (is_new) {
    trend->closed.emplace_back();
  } else {
    trend->closed[place->second] = ClosedWindow{};
  }
  return &trend->closed[place->second];
}

// -- previous ranks
// ---------------------------------------------------------------------------------------------

bool closes_before(const Window& a, const Window& b) {
  return a.end != b.end ? a.end < b.end : a.start < b.start;
}

void show_ranks(FollowedTrend* trend, const Window& window, const RankedKey* keys, uint64 count) {
  PreviousRanks* ranks = previous_ranks_make(keys, count);
  previous_ranks_publish(trend->shared, &trend->blocks, ranks);
  pfree(ranks);
  trend->ranks_of = window;
  trend->has_ranks = true;
}

void withdraw_ranks(FollowedTrend* trend) {
  if (trend->has_ranks) previous_ranks_publish(trend->shared, &trend->blocks, nullptr);
  trend->has_ranks = false;
}

// Whether a window that closed later than this one had no data, or its result is not taken yet.
bool is_outdated(const FollowedTrend* trend, const Window& window) {
  return trend->writer.windows().next_window(window).end <= trend->writer.watermark();
}

// Shows the ranks of the last of the windows that were taken, unless those of a later one are shown already.
// Sessions have no window before that all of them share.
void show_taken(FollowedTrend* trend) {
  if (trend->writer.has_sessions()) return;
  const ClosedWindow* last = nullptr;
  for (const ClosedWindow& closed : trend->closed) {
    if (last == nullptr || closes_before(last->window, closed.window)) last = &closed;
  }
  if (last == nullptr || is_outdated(trend, last->window)) return;
  if (trend->has_ranks && closes_before(last->window, trend->ranks_of)) return;
  uint64 count = Min(last->rows.size(), size_t{kMaxPreviousRanks});
  // The best of all partitions before the second of any.
  auto* rows = static_cast<const ClosedWindow::Row**>(
      palloc_extended(sizeof(void*) * (last->rows.size() + 1), MCXT_ALLOC_HUGE));
  for (size_t i = 0; i < last->rows.size(); i++) rows[i] = &last->rows[i];
  std::sort(rows, rows + last->rows.size(), [](auto* a, auto* b) { return a->rank < b->rank; });
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (count + 1)));
  for (uint64 i = 0; i < count; i++) {
    keys[i] = {KeyView{last->keys.data() + rows[i]->key_offset, rows[i]->key_size}, rows[i]->rank};
  }
  show_ranks(trend, last->window, keys, count);
  pfree(rows);
  pfree(keys);
}

// From the table, after a restart.
void show_stored(FollowedTrend* trend, const char* table) {
  const Definition& definition = *trend->definition;
  Window last;
  if (!history_has_keys(definition) || !history_last_window(definition, table, nullptr, &last)) return;
  HistoryRows rows = history_read(definition, table, last, kMaxPreviousRanks);
  auto* keys = static_cast<RankedKey*>(palloc(sizeof(RankedKey) * (rows.count + 1)));
  for (uint64 i = 0; i < rows.count; i++) keys[i] = {rows.rows[i].key, rows.rows[i].rank};
  show_ranks(trend, last, keys, rows.count);
}

// -- writing
// ----------------------------------------------------------------------------------------------------

bool is_window_bound(const DefinitionColumn& column) {
  return column.role == ColumnRole::kWindowStart || column.role == ColumnRole::kWindowEnd;
}

// Window columns that the select list lacks, the trend's columns, final: the order of the table's parameters.
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
    if (is_window_bound(definition.columns[i])) continue;
    appendStringInfo(&names, "%s, ", quote_identifier(definition.columns[i].name));
    appendStringInfo(&values, "$%d, ", ++parameter);
  }
  return psprintf("INSERT INTO %s (%sfinal) VALUES (%s$%d)", table, names.data, values.data, parameter + 1);
}

// The types of these parameters; returns how many there are.
int parameter_types(const Definition& definition, Oid* types) {
  int count = 0;
  types[count++] = window_bound_type(definition);
  types[count++] = window_bound_type(definition);
  for (int i = 0; i < definition.column_count; i++) {
    if (!is_window_bound(definition.columns[i])) types[count++] = definition.columns[i].type;
  }
  types[count++] = BOOLOID;
  return count;
}

SPIPlanPtr prepare(const char* sql, int parameters, Oid* types) {
  SPIPlanPtr plan = SPI_prepare(sql, parameters, types);
  if (plan == nullptr) elog(ERROR, "could not prepare a change of history");
  return plan;
}

SPIPlanPtr prepare_deletion(const Definition& definition, const char* table) {
  Oid type = window_bound_type(definition);
  Oid types[] = {type, type};
  return prepare(psprintf("DELETE FROM %s WHERE %s = $2 AND %s = $1", table,
                          history_window_column(definition, ColumnRole::kWindowEnd),
                          history_window_column(definition, ColumnRole::kWindowStart)),
                 2, types);
}

void delete_window(const Definition& definition, SPIPlanPtr deletion, const Window& window) {
  Oid type = window_bound_type(definition);
  Datum values[] = {window_bound_datum(type, window.start), window_bound_datum(type, window.end)};
  if (SPI_execute_plan(deletion, values, nullptr, false, 0) != SPI_OK_DELETE) {
    elog(ERROR, "could not delete a window from history");
  }
}

void fill_row(const FollowedTrend* trend, const ClosedWindow& closed, const ClosedWindow::Row& row,
              Datum* values, char* nulls) {
  const Definition& definition = *trend->definition;
  const StateLayout& layout = trend->writer.layout();
  Datum keys[kMaxKeyColumns];
  bool key_nulls[kMaxKeyColumns];
  key_decode(definition.keys, KeyBytes{closed.keys.data() + row.key_offset, row.key_size}, keys, key_nulls);
  int n = 0;
  auto put = [&](Datum value, bool isnull) {
    values[n] = value;
    nulls[n++] = isnull ? 'n' : ' ';
  };
  put(window_bound_datum(window_bound_type(definition), closed.window.start), false);
  put(window_bound_datum(window_bound_type(definition), closed.window.end), false);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    const auto index = static_cast<uint16_t>(column.index);
    if (column.role == ColumnRole::kKey) {
      put(keys[index], key_nulls[index]);
    } else if (column.role == ColumnRole::kAggregate) {
      bool isnull = false;
      Datum value = aggregate_datum(definition, index, value_of(layout, closed.result(row), index), &isnull);
      put(value, isnull);
    } else if (column.role == ColumnRole::kRank) {
      put(Int64GetDatum(row.rank), false);
    }
  }
  put(BoolGetDatum(closed.is_final), false);
}

void insert_window(const FollowedTrend* trend, SPIPlanPtr insert, int parameters,
                   const ClosedWindow& closed) {
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * parameters));
  auto* nulls = static_cast<char*>(palloc(parameters));
  MemoryContext row_memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending history row", ALLOCSET_DEFAULT_SIZES);
  uint64 written = 0;
  for (const ClosedWindow::Row& row : closed.rows) {
    CHECK_FOR_INTERRUPTS();
    if (++written % kRowsOfPatience == 0) patience_renew();
    MemoryContext caller = MemoryContextSwitchTo(row_memory);
    fill_row(trend, closed, row, values, nulls);
    MemoryContextSwitchTo(caller);
    if (SPI_execute_plan(insert, values, nulls, false, 0) != SPI_OK_INSERT) {
      elog(ERROR, "could not insert into history");
    }
    MemoryContextReset(row_memory);
  }
  MemoryContextDelete(row_memory);
}

void execute_with_bound(const Definition& definition, const char* sql, Time bound) {
  Oid type = window_bound_type(definition);
  Datum value = window_bound_datum(type, bound);
  int result = SPI_execute_with_args(sql, 1, &type, &value, nullptr, false, 0);
  if (result < 0) elog(ERROR, "could not change history: %s", SPI_result_code_string(result));
}

// Windows that lost all their rows while the source changed are not reported again.
void delete_redone(const FollowedTrend* trend, const char* table) {
  const Definition& definition = *trend->definition;
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  execute_with_bound(definition, psprintf("DELETE FROM %s WHERE NOT final AND %s > $1", table, end),
                     trend->redo_after);
  execute_with_bound(definition, psprintf("DELETE FROM %s WHERE %s > $1", table, end),
                     trend->redo_final_after);
}

void write_windows(FollowedTrend* trend, const char* table, const std::vector<ClosedWindow>& windows) {
  const Definition& definition = *trend->definition;
  auto* types = static_cast<Oid*>(palloc(sizeof(Oid) * (definition.column_count + 3)));
  int parameters = parameter_types(definition, types);
  // Prepared once: with session windows there are as many windows as rows.
  SPIPlanPtr insertion = prepare(insert_statement(definition, table), parameters, types);
  SPIPlanPtr deletion = prepare_deletion(definition, table);
  uint64 written = 0;
  for (const ClosedWindow& closed : windows) {
    if (++written % kRowsOfPatience == 0) patience_renew();
    trend->oldest_end = Min(trend->oldest_end, closed.window.end);
    delete_window(definition, deletion, closed.window);
    insert_window(trend, insertion, parameters, closed);
  }
  SPI_freeplan(insertion);
  SPI_freeplan(deletion);
}

// Windows that end up to here can no longer be corrected.
Time final_before(const FollowedTrend* trend) {
  return trend->writer.final_before();
}

bool has_window_to_finish(const FollowedTrend* trend) {
  if (!trend->unfinal_known) return true;
  return !trend->unfinal_ends.empty() && *trend->unfinal_ends.begin() <= final_before(trend);
}

void learn_unfinal(FollowedTrend* trend, const char* table) {
  const char* end = history_window_column(*trend->definition, ColumnRole::kWindowEnd);
  if (SPI_execute(psprintf("SELECT DISTINCT %s FROM %s WHERE NOT final", end, table), true, 0) !=
      SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  for (uint64 i = 0; i < SPI_processed; i++) {
    bool isnull = false;
    Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
    if (!isnull) trend->unfinal_ends.insert(DatumGetTimestampTz(value));
  }
  trend->unfinal_known = true;
}

void finish_windows(FollowedTrend* trend, const char* table) {
  if (!trend->unfinal_known) learn_unfinal(trend, table);
  if (!has_window_to_finish(trend)) return;
  const Definition& definition = *trend->definition;
  const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
  execute_with_bound(definition,
                     psprintf("UPDATE %s SET final = true WHERE NOT final AND %s <= $1", table, end),
                     final_before(trend));
}

// Retention, counted back from the watermark, so that replayed old data is kept as long as live data.
Time kept_since(const FollowedTrend* trend) {
  return subtract_saturated(trend->writer.watermark(), trend->definition->options.retention);
}

bool expiry_is_due(const FollowedTrend* trend) {
  return trend->definition->options.retention >= 0 && OidIsValid(trend->definition->history) &&
         trend->oldest_end < kept_since(trend) &&
         GetCurrentTimestamp() - trend->last_expiry >= kExpiryIntervalUs;
}

void learn_oldest(FollowedTrend* trend, const char* table) {
  const char* end = history_window_column(*trend->definition, ColumnRole::kWindowEnd);
  // Not read-only, to see what was deleted just now.
  if (SPI_execute(psprintf("SELECT pg_catalog.min(%s) FROM %s", end, table), false, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not read history");
  }
  bool isnull = true;
  Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
  trend->oldest_end = isnull ? kEndTime : DatumGetTimestamp(value);
}

void expire_windows(FollowedTrend* trend, const char* table) {
  if (!expiry_is_due(trend)) return;
  execute_with_bound(*trend->definition, history_expire_statement(*trend->definition, table),
                     kept_since(trend));
  learn_oldest(trend, table);
  trend->last_expiry = GetCurrentTimestamp();
}

bool has_something_to_write(const FollowedTrend* trend) {
  if (!OidIsValid(trend->definition->history)) return false;
  if (trend->redo_history || !trend->closed.empty()) return true;
  return !trend->history_retry.is_put_off() &&
         (trend->waits || has_window_to_finish(trend) || expiry_is_due(trend));
}

// Tells those who look back how far history is complete.
void note_written(FollowedTrend* trend) {
  const Time watermark = trend->writer.watermark();
  const auto until = static_cast<uint64>(watermark);
  if (watermark == kNoTime || pg_atomic_read_u64(&trend->shared->history_until) == until) return;
  if (!trend->closed.empty() || trend->waits || trend->writer.has_pending_window()) return;
  pg_atomic_write_u64(&trend->shared->history_until, until);
  ConditionVariableBroadcast(&worker->entry->changed);
}

}  // namespace

void history_take(FollowedTrend* trend) {
  PendingWindow pending;
  for (Window after; trend->writer.next_pending_window(after, &pending); after = pending.window) {
    take_window(trend, pending, place_for(trend, pending.window));
  }
  show_taken(trend);
  // Frees panes that were kept for this.
  LWLockAcquire(&trend->shared->lock, LW_EXCLUSIVE);
  trend->writer.mark_reported();
  LWLockRelease(&trend->shared->lock);
}

void history_poll(FollowedTrend* trend, TimestampTz now) {
  if (!OidIsValid(trend->definition->history)) return;
  const Time watermark = trend->writer.watermark();
  if (watermark == kNoTime) return;
  note_written(trend);
  if (trend->writer.has_sessions()) return;
  if (watermark < trend->next_close || now - trend->last_take < kTakeIntervalUs) return;
  const Windows& windows = trend->writer.windows();
  PendingWindow pending;
  if (trend->writer.next_pending_window({}, &pending)) {
    trend->last_take = now;
    StartTransactionCommand();
    history_take(trend);
    CommitTransactionCommand();
    MemoryContextSwitchTo(worker->loop.memory);
    ConditionVariableBroadcast(&worker->entry->changed);
  }
  if (trend->has_ranks && is_outdated(trend, trend->ranks_of)) withdraw_ranks(trend);
  trend->next_close = windows.in_range(watermark) ? windows.first_window(watermark).end : kEndTime;
}

void history_reset(FollowedTrend* trend) {
  withdraw_ranks(trend);
  trend->next_close = kNoTime;
  pg_atomic_write_u64(&trend->shared->history_until, static_cast<uint64>(kNoTime));
}

bool history_is_due(const FollowedTrend* trend) {
  return has_something_to_write(trend) || trend->writer.has_pending_window();
}

bool history_is_large(const FollowedTrend* trend) {
  size_t bytes = 0;
  for (const ClosedWindow& closed : trend->closed) bytes += closed.bytes();
  return bytes > kLargeHistory;
}

namespace {

void mark_final(FollowedTrend* trend, std::vector<ClosedWindow>& windows) {
  for (ClosedWindow& closed : windows) {
    if (closed.window.end <= final_before(trend)) closed.is_final = true;
  }
}

// What waited from earlier rounds, in portions.
OwnerResult write_waiting(FollowedTrend* trend, char (&message)[kMessageSize]) {
  while (waiting_load_windows(trend)) {
    mark_final(trend, trend->retried);
    OwnerResult result =
        run_as_owner(trend->definition->history, message, PassingError::kReport,
                     [trend](const char* table) { write_windows(trend, table, trend->retried); });
    if (result != OwnerResult::kDone) return result;
    for (const ClosedWindow& closed : trend->retried) {
      if (!closed.is_final) trend->unfinal_ends.insert(closed.window.end);
    }
    waiting_drop_windows(trend);
  }
  return OwnerResult::kDone;
}

OwnerResult write_taken(FollowedTrend* trend, char (&message)[kMessageSize]) {
  return run_as_owner(trend->definition->history, message, PassingError::kReport, [trend](const char* table) {
    if (trend->redo_history) delete_redone(trend, table);
    write_windows(trend, table, trend->closed);
    finish_windows(trend, table);
    expire_windows(trend, table);
  });
}

constexpr char kWaits[] = "history waits to be written: ";

void report(FollowedTrend* trend, const char* what, const char* message) {
  char reason[kMessageSize];
  snprintf(reason, sizeof(reason), "%s%.200s", what, message);
  trend_report(trend, reason);
}

}  // namespace

bool history_write(FollowedTrend* trend) {
  if (!has_something_to_write(trend)) return true;
  // Corrections up to now have been taken, so what was taken early may have become final while it waited.
  mark_final(trend, trend->closed);
  char message[kMessageSize] = "";
  OwnerResult result = OwnerResult::kPassing;
  const bool tried = !trend->history_retry.is_put_off();
  if (tried) result = write_waiting(trend, message);
  if (result == OwnerResult::kDone) result = write_taken(trend, message);
  switch (result) {
    case OwnerResult::kDone:
      if (trend->history_retry.at != 0 && strncmp(trend->shared->reason, kWaits, sizeof(kWaits) - 1) == 0) {
        trend_report(trend, "");
      }
      trend->history_retry.reset();
      return true;
    case OwnerResult::kPassing:
      if (tried) {
        trend->history_retry.put_off();
        report(trend, kWaits, message);
      }
      // What a filling redoes cannot be put by: its deletions belong to it.
      if (trend->redo_history) return false;
      waiting_keep_windows(trend);
      return true;
    case OwnerResult::kFailed:
      waiting_discard_windows(trend);
      report(trend, "history is incomplete: ", message);
      return true;
  }
  return true;
}

void history_written(FollowedTrend* trend) {
  for (const ClosedWindow& closed : trend->closed) {
    if (!closed.is_final) trend->unfinal_ends.insert(closed.window.end);
  }
  trend->closed.clear();
  trend->closed_places.clear();
  if (trend->history_retry.at != 0) return;  // all of it is put off
  trend->redo_history = false;
  trend->unfinal_known = true;  // or the table is broken, which was reported
  trend->unfinal_ends.erase(trend->unfinal_ends.begin(),
                            trend->unfinal_ends.upper_bound(final_before(trend)));
  // Not only when the worker has time: under load some session is always about to be written.
  if (trend->state == FillState::kRunning && OidIsValid(trend->definition->history)) note_written(trend);
}

void history_redo(FollowedTrend* trend, Time after, Time final_after) {
  // The same for what waits to be written.
  auto is_redone = [after, final_after](const ClosedWindow& closed) {
    return closed.window.end > (closed.is_final ? final_after : after);
  };
  trend->closed.erase(std::remove_if(trend->closed.begin(), trend->closed.end(), is_redone),
                      trend->closed.end());
  trend->closed_places.clear();
  for (size_t i = 0; i < trend->closed.size(); i++) {
    trend->closed_places[{trend->closed[i].window.end, trend->closed[i].window.start}] = i;
  }
  trend->redo_history = OidIsValid(trend->definition->history);
  trend->redo_after = after;
  trend->redo_final_after = final_after;
}

void history_restore(FollowedTrend* trend) {
  const Definition& definition = *trend->definition;
  trend->unfinal_known = !OidIsValid(definition.history);
  if (trend->unfinal_known) return;
  char message[kMessageSize] = "";
  // Not worth waiting for: the next writing makes up for it.
  (void)run_as_owner(definition.history, message, PassingError::kReport, [trend](const char* table) {
    learn_unfinal(trend, table);
    learn_oldest(trend, table);
    if (!trend->writer.has_sessions()) show_stored(trend, table);
  });
}

Time history_last_end(FollowedTrend* trend, bool only_final) {
  const Definition& definition = *trend->definition;
  if (!OidIsValid(definition.history)) return kNoTime;
  Time last = kNoTime;
  char message[kMessageSize] = "";
  OwnerResult result =
      run_as_owner(definition.history, message, PassingError::kThrow, [&](const char* table) {
        const char* end = history_window_column(definition, ColumnRole::kWindowEnd);
        const char* query =
            psprintf("SELECT pg_catalog.max(%s) FROM %s%s", end, table, only_final ? " WHERE final" : "");
        if (SPI_execute(query, true, 1) != SPI_OK_SELECT) elog(ERROR, "could not read history");
        bool isnull = true;
        Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
        if (!isnull) last = DatumGetTimestampTz(value);
      });
  if (result != OwnerResult::kDone) trend_report(trend, message);
  for (const ClosedWindow& closed : trend->closed) {
    if (only_final && closed.is_final) last = std::max(last, closed.window.end);
  }
  return last;
}

}  // namespace trending
