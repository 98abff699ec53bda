// SPDX-License-Identifier: PostgreSQL
// Rows are matched by window and key, of a trend and of its definition run in batch. Everything is compared
// exactly, digits of numerics included, but aggregates of floats: the server's own depend on the order of
// the rows. Sums may differ by 1 part in 10^12 of the sum of the absolute values (see float_size.h), sums of
// reals, which PostgreSQL rounds after every addition, by 1 in 10^4, others such as stddev by 1 in 10^6. A
// trend that is ranked by such a value may have rows that are as good as equal in another order than the
// batch query: there the trend's ranks are checked against its own values, and of a row that the batch query
// ranks in history and the trend does not, only the value.
#include "functions/difference_query.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "definition/aggregate_functions.h"
#include "definition/group_row.h"
#include "definition/text/float_size.h"
#include "functions/batch_query.h"
#include "functions/past.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

namespace {

bool adds(const DefinitionAggregate& aggregate) {
  return aggregate.function == AggregateFunction::kSum || aggregate.function == AggregateFunction::kAvg;
}

bool has_size(const DefinitionAggregate& aggregate) {
  if (aggregate.combined != nullptr) return has_float_size(aggregate.combined->function);
  return adds(aggregate) && (aggregate.value == ValueForm::kFloat8 || aggregate.value == ValueForm::kFloat4);
}

// The part by which an aggregate's value may differ; NULL: not at all.
const char* tolerance_of(const DefinitionAggregate& aggregate) {
  if (is_decayed(aggregate.function)) return "1e-12";
  if (aggregate.combined != nullptr) {
    bool is_float = aggregate.result_type == FLOAT8OID || aggregate.result_type == FLOAT4OID;
    return is_float ? "1e-6" : nullptr;
  }
  if (!has_size(aggregate)) return nullptr;
  const bool is_real_sum =
      aggregate.value == ValueForm::kFloat4 && aggregate.function == AggregateFunction::kSum;
  return is_real_sum ? "1e-4" : "1e-12";
}

// The same of a column. What is computed with such aggregates may differ by more than they do themselves.
const char* tolerance_of(const Definition& definition, ColumnRole role, int index) {
  if (role == ColumnRole::kAggregate) return tolerance_of(definition.aggregates[index]);
  if (role != ColumnRole::kExpression) return nullptr;
  const bool is_near =
      group_expression_reads(definition, definition.expressions[index].expr,
                             [](const DefinitionAggregate& read) { return tolerance_of(read) != nullptr; });
  return is_near ? "1e-6" : nullptr;
}

// Whether ranks depend on values that may differ.
bool ranks_nearly(const Definition& definition) {
  for (int i = 0; i < definition.order_count; i++) {
    if (tolerance_of(definition, definition.order[i].role, definition.order[i].index) != nullptr) return true;
  }
  return false;
}

const char* window_start(const Definition& definition) {
  return selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
}
const char* window_end(const Definition& definition) {
  return selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
}

// A row's window and key as one value that can be joined on: quoted texts, which differ when the values do.
// By output functions: anything else might look for casts, which are made by whoever owns a type.
void append_row_key(StringInfo out, const Definition& definition) {
  StringInfoData columns;
  initStringInfo(&columns);
  int count = definition.keys.count;
  if (definition.has_window) {
    count += 2;
    appendStringInfo(&columns, ", trending_row.%s, trending_row.%s", window_start(definition),
                     window_end(definition));
  }
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(&columns, ", trending_row.%s", selected_column(definition, ColumnRole::kKey, i, "keys"));
  }
  appendStringInfoString(out, "pg_catalog.format('");
  for (int i = 0; i < count; i++) appendStringInfoString(out, "%L ");
  appendStringInfo(out, "'%s) AS k", columns.data);
}

// Whether what makes text or JSON of a type would look for a cast that a user made.
bool may_have_casts(Oid type) {
  const Oid base = getBaseType(type);
  const Oid element = get_element_type(base);
  return (OidIsValid(element) ? getBaseType(element) : base) >= FirstNormalObjectId;
}

// A column's value as text, by its output function.
const char* as_text(const char* row, const char* column) {
  return psprintf("CASE WHEN (%s).%s IS NOT NULL THEN pg_catalog.format('%%s', (%s).%s) END", row, column,
                  row, column);
}

// A row of pairs as jsonb, with the definition's columns only.
const char* row_as_json(const Definition& definition, const char* row) {
  StringInfoData json;
  initStringInfo(&json);
  appendStringInfoString(&json, "(SELECT pg_catalog.to_jsonb(j) FROM (SELECT ");
  for (int i = 0; i < definition.column_count; i++) {
    const char* column = quote_identifier(definition.columns[i].name);
    const char* value =
        may_have_casts(definition.columns[i].type) ? as_text(row, column) : psprintf("(%s).%s", row, column);
    appendStringInfo(&json, "%s%s AS %s", i == 0 ? "" : ", ", value, column);
  }
  appendStringInfoString(&json, ") AS j)");
  return json.data;
}

// What of a column is compared: of types such as json, whose values cannot be, their looks, of sums and
// averages of numerics their digits.
const char* comparable(const Definition& definition, const DefinitionColumn& column, const char* row) {
  Oid equal = lookup_type_cache(getBaseType(column.type), TYPECACHE_EQ_OPR)->eq_opr;
  const char* name = quote_identifier(column.name);
  const bool computes = column.role == ColumnRole::kExpression || adds(definition.aggregates[column.index]);
  const bool has_digits = computes && getBaseType(column.type) == NUMERICOID;
  const bool compares = OidIsValid(equal) && !has_digits;
  return compares ? psprintf("(%s).%s", row, name) : psprintf("(%s)", as_text(row, name));
}

bool is_number(Oid type) {
  return type == FLOAT8OID || type == FLOAT4OID || type == NUMERICOID || type == INT8OID || type == INT4OID ||
         type == INT2OID;
}

// "a.x.column is the same as d.x.column", of the trend and the definition. What is no number and was computed
// with what may differ says nothing.
void append_same(StringInfo out, const Definition& definition, const char* a, int index) {
  const DefinitionColumn& column = definition.columns[index];
  const char* name = quote_identifier(column.name);
  const char* tolerance = tolerance_of(definition, column.role, column.index);
  if (tolerance == nullptr) {
    appendStringInfo(out, "%s IS NOT DISTINCT FROM %s", comparable(definition, column, psprintf("%s.x", a)),
                     comparable(definition, column, "d.x"));
    return;
  }
  if (!is_number(column.type)) {
    appendStringInfoString(out, "true");
    return;
  }
  appendStringInfo(out, "trending.nearly_equal((%s.x).%s, (d.x).%s, %s", a, name, name, tolerance);
  if (column.role == ColumnRole::kAggregate && has_size(definition.aggregates[column.index])) {
    appendStringInfo(out, ", (d.x).%s", quote_identifier(size_column(index)));
  }
  appendStringInfoChar(out, ')');
}

// The column of a term of the order.
int ranking_index(const Definition& definition, int term) {
  const OrderTerm& by = definition.order[term];
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == by.role && column.index == by.index) return i;
  }
  (void)ranking_column(definition, term);  // an error
  return 0;
}

void append_all_same(StringInfo out, const Definition& definition) {
  for (int i = 0; i < definition.column_count; i++) {
    const ColumnRole role = definition.columns[i].role;
    if (role != ColumnRole::kAggregate && role != ColumnRole::kExpression) continue;
    append_same(out, definition, "t", i);
    appendStringInfoString(out, " AND ");
  }
  appendStringInfoString(out, ranks_nearly(definition) ? "(t.x).rank IS NOT DISTINCT FROM t.n"
                                                       : "(t.x).rank IS NOT DISTINCT FROM (d.x).rank");
}

// Which rows of the definition must be in the trend, whose history may hold the best only.
void append_expected(StringInfo out, const Definition& definition, bool history) {
  const int64 limit = history ? definition.options.history_limit : -1;
  appendStringInfo(out, "(%s", limit < 0 ? "true" : psprintf("(d.x).rank <= %lld", (long long)limit));
  if (history && ranks_nearly(definition)) {
    appendStringInfoString(out, " AND NOT EXISTS (SELECT FROM t AS o WHERE (o.x).rank = (d.x).rank AND ");
    ListCell* cell = nullptr;
    foreach (cell, rank_partition_columns(definition)) {
      const char* column = static_cast<const char*>(lfirst(cell));
      appendStringInfo(out, "(o.x).%s IS NOT DISTINCT FROM (d.x).%s AND ", column, column);
    }
    for (int i = 0; i < definition.order_count; i++) {
      append_same(out, definition, "o", ranking_index(definition, i));
      appendStringInfoString(out, i + 1 < definition.order_count ? " AND " : ")");
    }
  }
  appendStringInfoChar(out, ')');
}

void append_columns(StringInfo out, const Definition& definition, const char* of) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kRank) continue;
    appendStringInfo(out, "%s.%s, ", of, quote_identifier(column.name));
  }
}

// An instant as a literal of the window columns' type.
const char* bound_literal(const Definition& definition, Time instant) {
  const Oid type = window_bound_type(definition);
  const bool zoned = type == TIMESTAMPTZOID;
  Datum text =
      DirectFunctionCall1(zoned ? timestamptz_out : timestamp_out, window_bound_datum(type, instant));
  return psprintf("'%s'::pg_catalog.%s", DatumGetCString(text), zoned ? "timestamptz" : "timestamp");
}

BatchText sized_text(Time clock, Time since) {
  BatchText how;
  how.with_sizes = how.catches = true;
  how.since = since;
  // A later row was refused as too far ahead: one that is accepted moves the clock.
  if (clock != kNoTime) how.until = clock;
  return how;
}

// t: the trend's rows x with their key k and the rank n that their own values give.
void append_trend(StringInfo out, const Definition& definition, bool live) {
  appendStringInfoString(out, "t AS (SELECT trending_row AS x, ");
  append_row_key(out, definition);
  appendStringInfoString(out, ", row_number() OVER (");
  append_rank_partition(out, definition, live);
  appendStringInfoString(out, "ORDER BY ");
  append_rank_order(out, definition);
  appendStringInfoString(out, ") AS n FROM kept AS trending_row), ");
}

// d: the definition's rows x in the same windows, with their key k.
void append_definition(StringInfo out, const Definition& definition, const char* rows) {
  appendStringInfoString(out, "d AS MATERIALIZED (SELECT trending_row AS x, ");
  append_row_key(out, definition);
  appendStringInfo(out, " FROM %s), ", rows);
}

// The definition's rows for the live trend.
const char* live_rows(const Definition& definition, const LiveSide& live) {
  BatchText how = sized_text(live.clock, live.since);
  if (!definition.has_window) return psprintf("(%s) AS trending_row", batch_query(definition, how));
  if (definition.window.kind != WindowKind::kSession) {
    const char* batch = batch_query(definition, how);
    if (live.window.start == kNoTime) return psprintf("(%s) AS trending_row WHERE false", batch);
    return psprintf("(%s) AS trending_row WHERE trending_row.%s = %s AND trending_row.%s = %s", batch,
                    window_start(definition), bound_literal(definition, live.window.start),
                    window_end(definition), bound_literal(definition, live.window.end));
  }
  // Only sessions that are open, and ranked among these.
  how.only_latest = true;
  StringInfoData rows;
  initStringInfo(&rows);
  appendStringInfoString(&rows, "(SELECT ");
  append_columns(&rows, definition, "l");
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role != ColumnRole::kAggregate || !has_size(definition.aggregates[column.index])) continue;
    appendStringInfo(&rows, "l.%s, ", quote_identifier(size_column(i)));
  }
  appendStringInfoString(&rows, "row_number() OVER (");
  append_rank_partition(&rows, definition, true);
  appendStringInfoString(&rows, "ORDER BY ");
  append_rank_order(&rows, definition);
  appendStringInfo(&rows, ") AS rank FROM (%s) AS l WHERE l.%s > %s) AS trending_row",
                   batch_query(definition, how), window_end(definition),
                   bound_literal(definition, live.watermark));
  return rows.data;
}

// The definition's rows for history: of all windows that must be there, and of those that are.
const char* history_rows(const Definition& definition, const HistorySide& history) {
  const char* start = window_start(definition);
  const char* end = window_end(definition);
  const char* since = history.is_complete_since_known ? bound_literal(definition, history.complete_since)
                                                      : psprintf("(SELECT min(r.%s) FROM kept AS r)", end);
  StringInfoData rows;
  initStringInfo(&rows);
  appendStringInfo(&rows,
                   "(%s) AS trending_row WHERE ((trending_row.%s > %s AND trending_row.%s <= %s) OR "
                   "(trending_row.%s, trending_row.%s) IN (SELECT r.%s, r.%s FROM kept AS r))",
                   batch_query(definition, sized_text(history.clock, history.counted_since)), end, since, end,
                   bound_literal(definition, history.until), start, end, start, end);
  // Rows are still known by their commit times if these count.
  if (definition.by_commit_time) {
    appendStringInfo(&rows, " AND trending_row.%s >= %s", start,
                     bound_literal(definition, history.counted_since));
  }
  return rows.data;
}

// Whether a row of history may be there, and is marked final when it is: nothing that ends after the
// watermark is.
void append_history_state(StringInfo out, const Definition& definition, const HistorySide& history) {
  const char* end = window_end(definition);
  appendStringInfo(out, " AND ((t.x).final OR (t.x).%s > %s)", end,
                   bound_literal(definition, history.final_before));
  if (definition.window.kind == WindowKind::kSession) return;
  appendStringInfo(out, " AND (t.x).%s <= %s", end, bound_literal(definition, history.watermark));
}

const char* kept_live(const Definition& definition, const LiveSide& live) {
  if (definition.window.kind != WindowKind::kSession) {
    return psprintf("WITH kept AS MATERIALIZED (SELECT * FROM %s AS h), ", live.rows);
  }
  StringInfoData kept;
  initStringInfo(&kept);
  appendStringInfoString(&kept, "WITH kept AS MATERIALIZED (SELECT ");
  append_columns(&kept, definition, "h");
  appendStringInfoString(&kept, "row_number() OVER (");
  append_rank_partition(&kept, definition, true);
  appendStringInfo(&kept, "ORDER BY h.rank) AS rank FROM %s AS h WHERE h.%s > %s), ", live.rows,
                   window_end(definition), bound_literal(definition, live.watermark));
  return kept.data;
}

}  // namespace

char* live_difference_query(const Definition& definition, const LiveSide& live) {
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfoString(&query, kept_live(definition, live));
  append_trend(&query, definition, true);
  append_definition(&query, definition, live_rows(definition, live));
  appendStringInfoString(&query,
                         "pairs AS (SELECT t.x AS t, d.x AS d FROM t FULL JOIN d ON t.k = d.k WHERE CASE "
                         "WHEN d.k IS NULL THEN true WHEN t.k IS NULL THEN ");
  append_expected(&query, definition, false);
  appendStringInfoString(&query, " ELSE NOT (");
  append_all_same(&query, definition);
  appendStringInfo(&query,
                   ") END) SELECT 'trend', %s FROM pairs WHERE NOT t IS NULL UNION ALL SELECT 'definition', "
                   "%s FROM pairs WHERE NOT d IS NULL",
                   row_as_json(definition, "t"), row_as_json(definition, "d"));
  return query.data;
}

char* history_difference_query(const Definition& definition, const HistorySide& history) {
  const char* end = window_end(definition);
  StringInfoData query;
  initStringInfo(&query);
  appendStringInfo(&query, "WITH kept AS MATERIALIZED (SELECT * FROM %s AS h), ", history.rows);
  append_trend(&query, definition, false);
  append_definition(&query, definition, history_rows(definition, history));
  appendStringInfo(
      &query,
      "pairs AS (SELECT t.x AS t, d.x AS d, coalesce((t.x).final AND (t.x).%s <= %s, false) AS "
      "settled FROM t FULL JOIN d ON t.k = d.k WHERE CASE WHEN d.k IS NULL THEN true WHEN t.k IS "
      "NULL THEN ",
      end, bound_literal(definition, history.final_before));
  append_expected(&query, definition, true);
  appendStringInfoString(&query, " ELSE NOT (");
  append_all_same(&query, definition);
  append_history_state(&query, definition, history);
  appendStringInfo(&query,
                   ") END) SELECT 'trend', %s, %s, settled FROM pairs WHERE NOT t IS NULL UNION ALL SELECT "
                   "'definition', %s, %s, settled FROM pairs WHERE NOT d IS NULL",
                   row_as_json(definition, "t"), row_as_json(definition, "d"), row_as_json(definition, "d"),
                   row_as_json(definition, "t"));
  return query.data;
}

}  // namespace trending

// With a fourth argument the difference is measured by it, where it is greater than both values.
TRENDING_FUNCTION(nearly_equal) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_BOOL(PG_ARGISNULL(0) && PG_ARGISNULL(1));
  float8 a = PG_GETARG_FLOAT8(0);
  float8 b = PG_GETARG_FLOAT8(1);
  if (std::isnan(a) || std::isnan(b)) PG_RETURN_BOOL(std::isnan(a) && std::isnan(b));
  if (std::isinf(a) || std::isinf(b) || a == b) PG_RETURN_BOOL(a == b);
  float8 size = std::max(std::fabs(a), std::fabs(b));
  if (PG_NARGS() > 3 && !PG_ARGISNULL(3)) {
    // Values beyond kGreatestSize went in as that.
    float8 added = PG_GETARG_FLOAT8(3);
    size = std::max(size, added >= trending::kGreatestAverage ? DBL_MAX : added);
  }
  PG_RETURN_BOOL(std::fabs(a - b) <= PG_GETARG_FLOAT8(2) * size);
}
