// trending.difference_query(trend, history): the query by which trending.verify compares a trend, or its
// history, with its definition run in batch.
//
// Rows are matched by window and key. Everything is compared exactly but sums of floats, whose last digits
// depend on the order of the addends: those may differ by 1 part in 10^12, sums of reals, which PostgreSQL
// rounds after every addition, by 1 in 10^4. A trend that is ranked by such a sum may have rows that are as
// good as equal in another order than the batch query: there the trend's ranks are checked against its own
// values, and of a row that the batch query ranks in history and the trend does not, only the value.
#include <cmath>

#include "definition/aggregate_functions.h"
#include "functions/batch_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// The part by which an aggregate's value may differ; NULL: not at all.
const char* tolerance_of(const DefinitionAggregate& aggregate) {
  if (is_decayed(aggregate.function)) return "1e-12";
  if (aggregate.combined != nullptr) {
    bool is_float = aggregate.result_type == FLOAT8OID || aggregate.result_type == FLOAT4OID;
    return is_float ? "1e-6" : nullptr;
  }
  bool adds = aggregate.function == AggregateFunction::kSum || aggregate.function == AggregateFunction::kAvg;
  if (!adds) return nullptr;
  if (aggregate.value == ValueForm::kFloat8) return "1e-12";
  if (aggregate.value != ValueForm::kFloat4) return nullptr;
  return aggregate.function == AggregateFunction::kSum ? "1e-4" : "1e-12";
}

const char* ranking_tolerance(const Definition& definition) {
  return tolerance_of(definition.aggregates[definition.rank_by]);
}

// A row's window and key as one value that can be joined on.
void append_row_key(StringInfo out, const Definition& definition) {
  appendStringInfoString(out, "pg_catalog.jsonb_build_array(");
  if (definition.has_window) {
    appendStringInfo(out, "trending_row.%s, trending_row.%s",
                     selected_column(definition, ColumnRole::kWindowStart, 0, "window_start"),
                     selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end"));
  }
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(out, "%strending_row.%s", i > 0 || definition.has_window ? ", " : "",
                     selected_column(definition, ColumnRole::kKey, i, "keys"));
  }
  appendStringInfoString(out, ") AS k");
}

// Types such as json, whose values cannot be compared, are the same when they look the same.
const char* comparable(const DefinitionColumn& column) {
  Oid equal = lookup_type_cache(getBaseType(column.type), TYPECACHE_EQ_OPR)->eq_opr;
  return OidIsValid(equal) ? "" : "::pg_catalog.text";
}

// "a.x.column is the same as b.x.column"
void append_same(StringInfo out, const char* a, const char* b, const char* column, const char* tolerance) {
  if (tolerance == nullptr) {
    appendStringInfo(out, "(%s.x).%s IS NOT DISTINCT FROM (%s.x).%s", a, column, b, column);
  } else {
    appendStringInfo(out, "trending.nearly_equal((%s.x).%s, (%s.x).%s, %s)", a, column, b, column, tolerance);
  }
}

// An average of numerics has as many digits as its sum, which in a trend has those of rows taken back, too:
// it may differ in what lies beyond the digits that both have, and in how these are rounded.
void append_same_average(StringInfo out, const char* column) {
  appendStringInfo(out,
                   "((t.x).%s IS NOT DISTINCT FROM (d.x).%s OR coalesce(abs((t.x).%s - (d.x).%s) * "
                   "10::numeric ^ least(scale((t.x).%s), scale((d.x).%s)) <= 1, false))",
                   column, column, column, column, column, column);
}

void append_all_same(StringInfo out, const Definition& definition) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role != ColumnRole::kAggregate) continue;
    const DefinitionAggregate& aggregate = definition.aggregates[column.index];
    if (aggregate.function == AggregateFunction::kAvg && aggregate.value == ValueForm::kNumeric) {
      append_same_average(out, quote_identifier(column.name));
    } else {
      append_same(out, "t", "d", psprintf("%s%s", quote_identifier(column.name), comparable(column)),
                  tolerance_of(aggregate));
    }
    appendStringInfoString(out, " AND ");
  }
  appendStringInfoString(
      out, ranking_tolerance(definition) == nullptr ? "(t.x).rank = (d.x).rank" : "(t.x).rank = t.n");
}

// Which rows of the definition must be in the trend, whose history may hold the best only.
void append_expected(StringInfo out, const Definition& definition) {
  appendStringInfoString(out, "((d.x).rank <= coalesce($1, (d.x).rank)");
  const char* tolerance = ranking_tolerance(definition);
  if (tolerance != nullptr) {
    appendStringInfoString(out, " AND NOT EXISTS (SELECT FROM t AS o WHERE (o.x).rank = (d.x).rank AND ");
    ListCell* cell = nullptr;
    foreach (cell, rank_partition_columns(definition)) {
      append_same(out, "o", "d", static_cast<const char*>(lfirst(cell)), nullptr);
      appendStringInfoString(out, " AND ");
    }
    append_same(out, "o", "d", ranking_column(definition), tolerance);
    appendStringInfoChar(out, ')');
  }
  appendStringInfoChar(out, ')');
}

char* qualified_name(Oid relation) {
  return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

void append_columns(StringInfo out, const Definition& definition, const char* of) {
  for (int i = 0; i < definition.column_count; i++) {
    if (definition.columns[i].role == ColumnRole::kRank) continue;
    appendStringInfo(out, "%s.%s, ", of, quote_identifier(definition.columns[i].name));
  }
}

// The rows of a trend with session windows. The clock may move while we look, so that only sessions count
// that are open by the watermark as it is after they were read, and of their ranks only the order.
void append_open_sessions(StringInfo out, const Definition& definition) {
  const char* end = selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  const char* zone = window_bound_type(definition) == TIMESTAMPTZOID ? "" : " AT TIME ZONE 'UTC'";
  appendStringInfo(
      out,
      "WITH shown AS MATERIALIZED (SELECT * FROM %s AS h), clock AS MATERIALIZED (SELECT "
      "coalesce(s.watermark%s, '-infinity') AS watermark FROM trending.status AS s WHERE s.relation = "
      "%u::pg_catalog.oid AND (SELECT count(*) FROM shown) >= 0), kept AS MATERIALIZED (SELECT ",
      qualified_name(definition.relation), zone, definition.relation);
  append_columns(out, definition, "h");
  appendStringInfoString(out, "row_number() OVER (");
  append_rank_partition(out, definition, true);
  appendStringInfo(out, "ORDER BY h.rank) AS rank FROM shown AS h, clock WHERE h.%s > clock.watermark), ",
                   end);
}

// Of the definition's rows, those that are to be compared with kept.
void append_definition_rows(StringInfo out, const Definition& definition, bool history) {
  const char* start = selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
  const char* end = selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  const char* batch = batch_query(definition);
  if (definition.window.kind != WindowKind::kSession) {
    appendStringInfo(
        out,
        "(%s) AS trending_row WHERE (trending_row.%s, trending_row.%s) IN (SELECT r.%s, r.%s FROM "
        "kept AS r)",
        batch, start, end, start, end);
  } else if (history) {
    // All sessions that end between the first and the last: whether one is there says only this comparison.
    appendStringInfo(
        out,
        "(%s) AS trending_row WHERE trending_row.%s BETWEEN (SELECT min(r.%s) FROM kept AS r) AND "
        "(SELECT max(r.%s) FROM kept AS r)",
        batch, end, end, end);
  } else {
    appendStringInfoString(out, "(SELECT ");
    append_columns(out, definition, "l");
    appendStringInfoString(out, "row_number() OVER (");
    append_rank_partition(out, definition, true);
    appendStringInfoString(out, "ORDER BY ");
    append_rank_order(out, definition);
    appendStringInfo(out, ") AS rank FROM (%s) AS l, clock WHERE l.%s > clock.watermark) AS trending_row",
                     batch_query(definition, true), end);
  }
}

// Final windows, whose rows are still known by their commit times if these count.
const char* comparable_history(const Definition& definition) {
  if (!definition.by_commit_time) return " WHERE h.final";
  return psprintf(" WHERE h.final AND h.%s >= (SELECT trending.counted_since(%u::pg_catalog.oid))",
                  selected_column(definition, ColumnRole::kWindowStart, 0, "window_start"),
                  definition.relation);
}

// t: the trend's rows x with their key k and the rank n that their own values give; d: the definition's rows
// in the same windows.
char* difference_query(const Definition& definition, bool history) {
  StringInfoData query;
  initStringInfo(&query);
  if (!history && definition.window.kind == WindowKind::kSession) {
    append_open_sessions(&query, definition);
  } else {
    appendStringInfo(&query, "WITH kept AS MATERIALIZED (SELECT * FROM %s AS h%s), ",
                     qualified_name(history ? definition.history : definition.relation),
                     history ? comparable_history(definition) : "");
  }
  appendStringInfoString(&query, "t AS (SELECT trending_row AS x, ");
  append_row_key(&query, definition);
  appendStringInfoString(&query, ", row_number() OVER (");
  append_rank_partition(&query, definition, !history);
  appendStringInfoString(&query, "ORDER BY ");
  append_rank_order(&query, definition);
  appendStringInfoString(&query,
                         ") AS n FROM kept AS trending_row), d AS MATERIALIZED (SELECT trending_row AS x, ");
  append_row_key(&query, definition);
  appendStringInfoString(&query, " FROM ");
  if (definition.has_window) {
    append_definition_rows(&query, definition, history);
  } else {
    appendStringInfo(&query, "(%s) AS trending_row", batch_query(definition));
  }
  appendStringInfoString(&query,
                         "), pairs AS (SELECT t.x AS t, d.x AS d FROM t FULL JOIN d ON t.k = d.k WHERE "
                         "CASE WHEN d.k IS NULL THEN true WHEN t.k IS NULL THEN ");
  append_expected(&query, definition);
  appendStringInfoString(&query, " ELSE NOT (");
  append_all_same(&query, definition);
  appendStringInfo(&query,
                   ") END) SELECT 'trend', pg_catalog.to_jsonb(t)%s FROM pairs WHERE NOT t IS NULL "
                   "UNION ALL SELECT 'definition', pg_catalog.to_jsonb(d) FROM pairs WHERE NOT d IS NULL",
                   history ? " - 'final'" : "");
  return query.data;
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(difference_query) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  PG_RETURN_TEXT_P(cstring_to_text(difference_query(*definition, PG_GETARG_BOOL(1))));
}

TRENDING_FUNCTION(nearly_equal) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_BOOL(PG_ARGISNULL(0) && PG_ARGISNULL(1));
  float8 a = PG_GETARG_FLOAT8(0);
  float8 b = PG_GETARG_FLOAT8(1);
  if (std::isnan(a) || std::isnan(b)) PG_RETURN_BOOL(std::isnan(a) && std::isnan(b));
  if (a == b) PG_RETURN_BOOL(true);
  PG_RETURN_BOOL(std::fabs(a - b) <= PG_GETARG_FLOAT8(2) * Max(std::fabs(a), std::fabs(b)));
}
