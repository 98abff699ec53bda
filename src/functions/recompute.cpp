// SPDX-License-Identifier: PostgreSQL
// trending.recompute: recalculates closed windows from the source, and marks the late rows that are in them
// now. Only windows that events can no longer change and that the worker has written, so it never meets the
// worker.
//
// Whoever may insert into and delete from history may call it. What it writes is what the definition says;
// the owner of the trend must be able to read the source. The source is queried as its owner, and history and
// late rows are read and written through the door to tables of a trend's owner (postgres/owned_table.h), as
// the worker does: so nobody's code runs with the rights of another, and a table that is decorated is
// refused. One call at a time: a lock on history that conflicts with itself, but not with the worker, and
// that needs rights on it.
#include "definition/clauses/commit_time.h"

#include <algorithm>
#include "catalog/definition_catalog.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "definition/clauses/source_check.h"
#include "functions/batch_query.h"
#include "functions/named_rows.h"
#include "functions/past.h"
#include "functions/session_recompute.h"
#include "functions/source_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "postgres/relation_owner.h"
#include "shmem/directory.h"

namespace trending {

namespace {

void check_rights(const Definition& definition) {
  for (const AclMode right : {ACL_INSERT, ACL_DELETE}) {
    const AclResult result = pg_class_aclcheck(definition.history, GetUserId(), right);
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, get_rel_name(definition.history));
  }
  if (OidIsValid(definition.late) && relation_owner(definition.late) != relation_owner(definition.history)) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("\"%s\" and \"%s\" belong to different owners", get_rel_name(definition.history),
                           get_rel_name(definition.late)),
                    errhint("Give both tables to the owner of the trend.")));
  }
  const char* lost = source_rights_lost(definition);
  if (lost != nullptr) ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("%s", lost)));
}

void check_history(const Definition& definition) {
  const char* trend = get_rel_name(definition.relation);
  if (!OidIsValid(definition.history) || definition.options.history_limit == 0) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("trend \"%s\" keeps no history", trend),
         errhint("A trend with a window function keeps it, created with history_limit greater than "
                 "0, or NULL for all groups.")));
  }
  if (get_rel_name(definition.history) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("the history table of trend \"%s\" was dropped", trend)));
  }
}

void check_commit_times(const Definition& definition, TimestampTz from) {
  if (!definition.by_commit_time) return;
  TimestampTz since = DT_NOEND;
  (void)oldest_commit_time(&since);
  if (from >= since) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("windows from before %s cannot be recomputed", timestamptz_to_str(since)),
                  errdetail("Commit times from before are not known to the server any more, or were not "
                            "kept.")));
}

// What is to be recalculated. Windows: those within [from, to].
using RecomputeRange = SessionRange;

// Works on one table through the door to it.
void with_table(Oid relation, const TableShape& shape, OwnedUse use, FunctionRef<void(OwnedTable*)> body) {
  char message[kMessageSize] = "";
  const OwnerResult result = with_owned_table(relation, shape, message, PassingError::kThrow, use,
                                              [&](OwnedTable* table) { body(table); });
  if (result == OwnerResult::kDone) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("could not recompute \"%s\"", get_rel_name(relation)), errdetail("%s", message)));
}

// -- what is to be written

// The rows of windows as they should be.
const char* window_recompute_query(const Definition& definition, const RecomputeRange& range) {
  const Oid type = window_bound_type(definition);
  const bool zoned = type == TIMESTAMPTZOID;
  auto literal = [&](Time instant) {
    Datum text =
        DirectFunctionCall1(zoned ? timestamptz_out : timestamp_out, window_bound_datum(type, instant));
    return psprintf("'%s'::pg_catalog.%s", DatumGetCString(text), zoned ? "timestamptz" : "timestamp");
  };
  const int64 limit = definition.options.history_limit;
  BatchText how;
  how.catches = true;
  return psprintf("SELECT * FROM (%s) b WHERE b.%s >= %s AND b.%s <= %s%s", batch_query(definition, how),
                  selected_column(definition, ColumnRole::kWindowStart, 0, "window_start"),
                  literal(range.from), selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end"),
                  literal(range.to), limit < 0 ? "" : psprintf(" AND b.rank <= %lld", (long long)limit));
}

// The columns of a result: the trend's, and with sessions two more.
TupleDesc result_type(const Definition& definition) {
  TupleDesc trend = trend_row_type(definition);
  TupleDesc type = CreateTemplateTupleDesc(trend->natts + 2);
  for (int i = 0; i < trend->natts; i++) {
    TupleDescCopyEntry(type, static_cast<AttrNumber>(i + 1), trend, static_cast<AttrNumber>(i + 1));
  }
  TupleDescInitEntry(type, static_cast<AttrNumber>(trend->natts + 1), "trending kind", TEXTOID, -1, 0);
  TupleDescInitEntry(type, static_cast<AttrNumber>(trend->natts + 2), "trending place", TIDOID, -1, 0);
  return compat::complete(type);
}

// Late rows that are not taken in yet.
NamedRows read_late(const Definition& definition) {
  TupleDesc type = CreateTemplateTupleDesc(3);
  TupleDescInitEntry(type, 1, "place", TIDOID, -1, 0);
  TupleDescInitEntry(type, 2, "event_time", TIMESTAMPTZOID, -1, 0);
  TupleDescInitEntry(type, 3, "row", JSONBOID, -1, 0);
  compat::complete(type);
  const NamedRows rows = named_rows_create(kRecomputeLateRows, type);
  if (!OidIsValid(definition.late)) return rows;
  with_table(definition.late, late_table_shape(), OwnedUse::kRead, [&](OwnedTable* table) {
    owned_scan(table, kLateTime, kMinTime, PG_INT64_MAX, false, [&](TupleTableSlot* row) {
      if (!is_open_late_row(table, row)) return true;
      Datum values[3] = {PointerGetDatum(&row->tts_tid)};
      bool nulls[3] = {};
      values[1] = owned_value(table, row, kLateTime, &nulls[1]);
      values[2] = owned_value(table, row, kLateRow, &nulls[2]);
      tuplestore_putvalues(rows.rows, type, values, nulls);
      return true;
    });
  });
  return rows;
}

NamedRows read_all_history(const Definition& definition) {
  const NamedRows rows = named_rows_create(kRecomputeHistory, history_row_type(definition));
  copy_history(definition, rows, {kNoTime, PG_INT64_MAX}, [](const Window&) { return true; });
  return rows;
}

// Runs the query. What it reads beside the source is copied before, and stays until the transaction ends.
NamedRows calculate(const Definition& definition, const RecomputeRange& range) {
  const bool has_sessions = definition.window.kind == WindowKind::kSession;
  const NamedRows result =
      named_rows_create("result", has_sessions ? result_type(definition) : trend_row_type(definition));
  SPI_connect();
  if (has_sessions) {
    named_rows_register(read_all_history(definition));
    named_rows_register(read_late(definition));
  }
  as_table_owner(definition.source, [&] {
    named_rows_fill(result, has_sessions ? session_recompute_query(definition, range)
                                         : window_recompute_query(definition, range));
  });
  SPI_finish();
  return result;
}

// -- writing it

// Inserts a row of the result into history: by name, final.
void insert_final(const Definition& definition, OwnedTable* table, TupleTableSlot* row) {
  const int count = table->shape->count;
  auto* values = static_cast<Datum*>(palloc0(sizeof(Datum) * count));
  auto* nulls = static_cast<bool*>(palloc0(sizeof(bool) * count));
  for (int i = 0; i < count; i++) {
    nulls[i] = true;
    for (int c = 0; c < definition.column_count && nulls[i]; c++) {
      if (strcmp(table->shape->columns[i].name, definition.columns[c].name) == 0)
        values[i] = slot_getattr(row, c + 1, &nulls[i]);
    }
  }
  values[count - 1] = BoolGetDatum(true);
  nulls[count - 1] = false;
  owned_insert(table, values, nulls);
  pfree(values);
  pfree(nulls);
}

bool is_kind(const Definition& definition, TupleTableSlot* row, const char* kind) {
  if (definition.window.kind != WindowKind::kSession) return strcmp(kind, kRecomputeRow) == 0;
  bool isnull = false;
  const Datum value = slot_getattr(row, definition.column_count + 1, &isnull);
  return strcmp(TextDatumGetCString(value), kind) == 0;
}

Window window_of(const Definition& definition, TupleTableSlot* row) {
  Window window{};
  for (int i = 0; i < definition.column_count; i++) {
    bool isnull = false;
    const ColumnRole role = definition.columns[i].role;
    if (role == ColumnRole::kWindowStart) window.start = DatumGetInt64(slot_getattr(row, i + 1, &isnull));
    if (role == ColumnRole::kWindowEnd) window.end = DatumGetInt64(slot_getattr(row, i + 1, &isnull));
  }
  return window;
}

int64 write_history(const Definition& definition, const RecomputeRange& range, const NamedRows& result) {
  int64 written = 0;
  const TableShape shape = history_shape(definition);
  with_table(definition.history, shape, OwnedUse::kWrite, [&](OwnedTable* table) {
    if (definition.window.kind != WindowKind::kSession) {
      delete_windows_within(table, range.from, range.to);
    } else {
      named_rows_visit(result, [&](TupleTableSlot* row) {
        if (is_kind(definition, row, kRecomputeGone)) delete_window(table, window_of(definition, row));
      });
    }
    named_rows_visit(result, [&](TupleTableSlot* row) {
      if (!is_kind(definition, row, kRecomputeRow)) return;
      insert_final(definition, table, row);
      written++;
    });
  });
  return written;
}

// Whether all windows of an event time lie within [from, to].
bool is_within(const Definition& definition, Time at, const RecomputeRange& range) {
  Windows windows(definition.window, definition.calendar);
  return windows.in_range(at) && windows.first_window(at).start >= range.from &&
         windows.last_window(at).end <= range.to;
}

int compare_places(const void* a, const void* b) {
  return ItemPointerCompare(static_cast<ItemPointer>(const_cast<void*>(a)),
                            static_cast<ItemPointer>(const_cast<void*>(b)));
}

// The places of late rows that sessions took in, ordered.
ItemPointerData* taken_places(const Definition& definition, const NamedRows& result, size_t* count) {
  const int64 room = tuplestore_tuple_count(result.rows) + 1;
  auto* places = static_cast<ItemPointerData*>(
      palloc_extended(sizeof(ItemPointerData) * static_cast<size_t>(room), MCXT_ALLOC_HUGE));
  *count = 0;
  named_rows_visit(result, [&](TupleTableSlot* row) {
    bool isnull = false;
    if (!is_kind(definition, row, kRecomputeLate)) return;
    const Datum place = slot_getattr(row, definition.column_count + 2, &isnull);
    places[(*count)++] = *reinterpret_cast<ItemPointer>(DatumGetPointer(place));
  });
  qsort(places, *count, sizeof(ItemPointerData), compare_places);
  return places;
}

// Marks late rows that are taken in: with sessions those that the query found, else those all of whose
// windows were replaced.
void mark_late(const Definition& definition, const RecomputeRange& range, const NamedRows& result) {
  const bool has_sessions = definition.window.kind == WindowKind::kSession;
  size_t count = 0;
  ItemPointerData* places = has_sessions ? taken_places(definition, result, &count) : nullptr;
  if (has_sessions && count == 0) return;
  const Time from = has_sessions ? kMinTime : range.from;
  with_table(definition.late, late_table_shape(), OwnedUse::kWrite, [&](OwnedTable* table) {
    owned_scan(table, kLateTime, from, PG_INT64_MAX, false, [&](TupleTableSlot* row) {
      if (!is_open_late_row(table, row)) return true;
      bool isnull = false;
      const Time at = DatumGetTimestampTz(owned_value(table, row, kLateTime, &isnull));
      const bool taken = has_sessions ? bsearch(&row->tts_tid, places, count, sizeof(ItemPointerData),
                                                compare_places) != nullptr
                                      : is_within(definition, at, range);
      if (taken) owned_set(table, row, kLateRecomputed, BoolGetDatum(true));
      return true;
    });
  });
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(recompute) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  const TimestampTz from = PG_GETARG_TIMESTAMPTZ(1);
  const TimestampTz to = PG_GETARG_TIMESTAMPTZ(2);
  check_history(*definition);
  check_rights(*definition);
  check_source_owners(*definition);
  check_commit_times(*definition, from);
  const Time final = history_final_before(*definition, to);
  if (final == kNoTime) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trend \"%s\" has no final windows yet", get_rel_name(definition->relation)),
                    errhint("See trending.status.")));
  }
  LockRelationOid(definition->history, ShareUpdateExclusiveLock);
  const bool has_sessions = definition->window.kind == WindowKind::kSession;
  const RecomputeRange range = {from, has_sessions ? to : std::min(to, final), final};
  const int dates = iso_dates_begin();
  const NamedRows result = calculate(*definition, range);
  const int64 written = write_history(*definition, range, result);
  if (OidIsValid(definition->late)) mark_late(*definition, range, result);
  named_rows_end(result);
  iso_dates_end(dates);
  PG_RETURN_INT64(written);
}
