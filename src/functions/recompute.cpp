// trending.recompute: recalculates closed windows from the source, and marks the late rows that are in them
// now. Only windows that events can no longer change and that the worker has written, so it never meets the
// worker; one statement, so rows and marks are of one snapshot.
//
// Whoever may insert into and delete from history may call it. What it writes is what the definition says,
// and it is written as the owner of history: the code of his triggers runs with nobody else's rights, and he
// is the one who must be able to read the source. One call at a time: a lock on history that conflicts with
// itself, but not with the worker, and that needs rights on it.
#include "catalog/definition_catalog.h"
#include "definition/clauses/commit_time.h"
#include "functions/batch_query.h"
#include "functions/past.h"
#include "functions/session_recompute.h"
#include "functions/trend_argument.h"
#include "postgres/as_owner.h"
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

// Of a table's columns all but `final`, which comes last.
const char* history_columns(const Definition& definition) {
  StringInfoData list;
  initStringInfo(&list);
  for (int i = 0; i < definition.column_count; i++) {
    appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", quote_identifier(definition.columns[i].name));
  }
  return list.data;
}

// Parameters: from, to (not after what is final), history_limit. A late row is marked when all its windows
// are replaced.
char* window_recompute_query(const Definition& definition) {
  const char* format =
      window_bound_type(definition) == TIMESTAMPTZOID ? "$%d::timestamptz" : "($%d AT TIME ZONE 'UTC')";
  const char* history = qualified_relation(definition.history);
  const char* start = selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
  const char* end = selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  const char* within =
      psprintf("%s >= %s AND %s <= %s", start, psprintf(format, 1), end, psprintf(format, 2));
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query,
                   "WITH batch AS MATERIALIZED (SELECT * FROM (%s) b WHERE %s AND b.rank <= coalesce($3, "
                   "b.rank)), gone AS (DELETE FROM %s h WHERE %s RETURNING 1)",
                   batch_query(definition), within, history, within);
  if (OidIsValid(definition.late)) {
    appendStringInfo(
        &query,
        ", marked AS (UPDATE %s SET recomputed = true WHERE reason = 'late' AND NOT recomputed AND "
        "event_time >= $1 AND event_time < $2 AND trending.windows_within(%u, event_time, $1, $2))",
        qualified_relation(definition.late), definition.relation);
  }
  const char* columns = history_columns(definition);
  appendStringInfo(
      &query, " INSERT INTO %s (%s, final) SELECT %s, true FROM batch WHERE (SELECT count(*) FROM gone) >= 0",
      history, columns, columns);
  return query.data;
}

// As the owner of history; see above.
int64 replace(const Definition& definition, TimestampTz from, TimestampTz to, Time final) {
  const bool has_sessions = definition.window.kind == WindowKind::kSession;
  Oid types[] = {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID};
  Datum values[] = {TimestampTzGetDatum(from), TimestampTzGetDatum(has_sessions ? to : Min(to, final)),
                    Int64GetDatum(definition.options.history_limit), TimestampTzGetDatum(final)};
  const char nulls[] = {' ', ' ', definition.options.history_limit < 0 ? 'n' : ' ', ' ', '\0'};
  const char* query = has_sessions ? session_recompute_query(definition) : window_recompute_query(definition);
  char message[kMessageSize] = "";
  int64 written = 0;
  SPI_connect();
  const OwnerResult result =
      run_as_owner(definition.history, message, PassingError::kThrow, [&](const char*) {
        if (SPI_execute_with_args(query, has_sessions ? 4 : 3, types, values, nulls, false, 0) !=
            SPI_OK_INSERT) {
          elog(ERROR, "could not write history");
        }
        written = static_cast<int64>(SPI_processed);
      });
  SPI_finish();
  if (result != OwnerResult::kDone) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("could not recompute \"%s\"", get_rel_name(definition.history)),
                    errdetail("%s", message)));
  }
  return written;
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
  check_commit_times(*definition, from);
  const Time final = history_final_before(*definition, to);
  if (final == kNoTime) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trend \"%s\" has no final windows yet", get_rel_name(definition->relation)),
                    errhint("See trending.status.")));
  }
  LockRelationOid(definition->history, ShareUpdateExclusiveLock);
  PG_RETURN_INT64(replace(*definition, from, to, final));
}

// Whether all windows of an event time lie within [from, to].
TRENDING_FUNCTION(windows_within) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  const TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
  if (!definition->has_window || definition->window.kind == WindowKind::kSession) PG_RETURN_BOOL(false);
  Windows windows(definition->window, definition->calendar);
  if (TIMESTAMP_NOT_FINITE(at) || !windows.in_range(at)) PG_RETURN_BOOL(false);
  PG_RETURN_BOOL(windows.first_window(at).start >= PG_GETARG_TIMESTAMPTZ(2) &&
                 windows.last_window(at).end <= PG_GETARG_TIMESTAMPTZ(3));
}
