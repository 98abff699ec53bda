// SPDX-License-Identifier: PostgreSQL
// The query that recalculates final sessions.
//
// A row that came late may make sessions one that were several, and these may reach out of the time that was
// asked for. So what is replaced is not windows but *clusters*: the sessions of a group, of the definition
// and of history, that overlap each other. A cluster is replaced as a whole, and only when all of it is
// final: the worker has written what it had to say of it, and will not come back to it. Ranks are among the
// sessions of all groups that have the same bounds; so these are ranked again, and clusters that share bounds
// with one that is replaced are replaced as well.
#include "functions/session_recompute.h"

#include "definition/text/events_text.h"
#include "functions/batch_query.h"

namespace trending {

namespace {

// The keys with this before each of them.
const char* key_list(const Definition& definition, const char* separator) {
  StringInfoData list;
  initStringInfo(&list);
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(&list, "%s%s", separator, selected_column(definition, ColumnRole::kKey, i, "keys"));
  }
  return list.data;
}

// An instant as a literal of the window columns' type.
const char* bound(const Definition& definition, Time instant) {
  const Oid type = window_bound_type(definition);
  const bool zoned = type == TIMESTAMPTZOID;
  Datum text =
      DirectFunctionCall1(zoned ? timestamptz_out : timestamp_out, window_bound_datum(type, instant));
  return psprintf("'%s'::pg_catalog.%s", DatumGetCString(text), zoned ? "timestamptz" : "timestamp");
}

// w: the sessions of both sides with the number of their cluster and of their bounds. A session begins a
// cluster when all of its group's that begin before it have ended.
void append_clusters(StringInfo out, const Definition& definition, const SessionRange& range,
                     const char* start, const char* end) {
  const char* final = bound(definition, range.final_before);
  const char* keys = key_list(definition, ", ");
  const char* within = definition.keys.count == 0 ? "" : psprintf("PARTITION BY %s ", keys + 2);
  BatchText how;
  how.catches = true;
  appendStringInfo(
      out,
      "WITH RECURSIVE u AS (SELECT %s, true AS \"trending batch\", b.%s <= %s AS \"trending final\" FROM "
      "(%s) b UNION ALL SELECT %s, false, h.%s <= %s FROM %s h), ",
      column_list(definition, "b"), end, final, batch_query(definition, how), column_list(definition, "h"),
      end, final, kRecomputeHistory);
  appendStringInfo(
      out,
      "v AS (SELECT u.*, CASE WHEN %s <= max(%s) OVER (%sORDER BY %s, %s, \"trending batch\" ROWS BETWEEN "
      "UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0 ELSE 1 END AS \"trending begins\" FROM u), ",
      start, end, within, start, end);
  appendStringInfo(
      out,
      "w AS MATERIALIZED (SELECT v.*, sum(\"trending begins\") OVER (ORDER BY %s%s%s, %s, \"trending "
      "batch\" ROWS UNBOUNDED PRECEDING) AS \"trending cluster\", dense_rank() OVER (ORDER BY %s, %s) AS "
      "\"trending bounds\" FROM v), ",
      definition.keys.count == 0 ? "" : keys + 2, definition.keys.count == 0 ? "" : ", ", start, end, start,
      end);
}

// reach: the clusters that are replaced, and, as negative numbers, the bounds of their sessions.
void append_reach(StringInfo out, const Definition& definition, const SessionRange& range, const char* start,
                  const char* end) {
  appendStringInfo(
      out,
      "e AS MATERIALIZED (SELECT \"trending cluster\", min(%s) < %s AND max(%s) > %s AS reached FROM w GROUP "
      "BY 1 HAVING bool_and(\"trending final\")), l AS MATERIALIZED (SELECT w.\"trending cluster\" AS a, "
      "-w.\"trending bounds\" AS b FROM w JOIN e USING (\"trending cluster\")), "
      "reach(n) AS (SELECT \"trending cluster\" FROM e WHERE reached UNION SELECT o.b FROM reach r JOIN "
      "(SELECT a, b FROM l UNION ALL SELECT b, a FROM l) o ON o.a = r.n), ",
      start, bound(definition, range.to), end, bound(definition, range.from));
}

// The keys of late rows, by what was kept of these: y.
void append_late_keys(StringInfo out, const Definition& definition) {
  appendStringInfo(out,
                   "z AS (SELECT s.*, t.place AS \"trending place\", t.event_time AS \"trending time\" FROM "
                   "%s AS t, LATERAL "
                   "jsonb_populate_record(NULL::%s, t.\"row\") AS s), y AS (%s), ",
                   kRecomputeLateRows, qualified_relation(definition.source),
                   keys_text(definition, "trending", "z"));
}

// Late rows that belong to a session that is written: by their time, and the keys of one of their groups.
void append_marks(StringInfo out, const Definition& definition, const char* columns, const char* start,
                  const char* end) {
  const char* time = window_bound_type(definition) == TIMESTAMPTZOID
                         ? "y.\"trending time\""
                         : "(y.\"trending time\" AT TIME ZONE 'UTC')";
  appendStringInfo(
      out,
      " UNION ALL SELECT %s, 0, '%s', y.\"trending place\" FROM y JOIN w AS k ON %s BETWEEN k.%s AND "
      "k.%s - '%lld microseconds'::interval",
      columns, kRecomputeLate, time, start, end, (long long)definition.window.size);
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(out, " AND k.%s IS NOT DISTINCT FROM y.\"trending key %d\"",
                     selected_column(definition, ColumnRole::kKey, i, "keys"), i + 1);
  }
  appendStringInfoString(out,
                         " WHERE k.\"trending batch\" AND k.\"trending cluster\" IN (SELECT n FROM reach)");
}

}  // namespace

char* session_recompute_query(const Definition& definition, const SessionRange& range) {
  const char* start = selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
  const char* end = selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  const int64 limit = definition.options.history_limit;
  StringInfoData query;
  initStringInfo(&query);
  append_clusters(&query, definition, range, start, end);
  append_reach(&query, definition, range, start, end);
  if (OidIsValid(definition.late)) append_late_keys(&query, definition);
  // Of a cluster that is not final yet history stays as it is, but for ranks.
  appendStringInfoString(&query, "ranked AS (SELECT d.*, row_number() OVER (");
  append_rank_partition(&query, definition);
  appendStringInfoString(&query, "ORDER BY ");
  append_rank_order(&query, definition);
  appendStringInfo(
      &query,
      ") AS \"trending rank\" FROM w d WHERE -\"trending bounds\" IN (SELECT n FROM reach) AND \"trending "
      "batch\" = (\"trending cluster\" IN (SELECT n FROM reach))) SELECT %s, \"trending rank\", '%s', "
      "NULL::tid FROM ranked r%s",
      column_list(definition, "r"), kRecomputeRow,
      limit < 0 ? "" : psprintf(" WHERE \"trending rank\" <= %lld", (long long)limit));
  appendStringInfo(&query,
                   " UNION ALL SELECT %s, 0, '%s', NULL FROM (SELECT DISTINCT ON (%s, %s) * FROM w WHERE "
                   "-\"trending bounds\" IN (SELECT n FROM reach)) g",
                   column_list(definition, "g"), kRecomputeGone, start, end);
  if (OidIsValid(definition.late)) append_marks(&query, definition, column_list(definition, "k"), start, end);
  return query.data;
}

}  // namespace trending
