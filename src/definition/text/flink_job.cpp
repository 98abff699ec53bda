// SPDX-License-Identifier: PostgreSQL
// For each trend: a view of its events, a view of its groups, and an INSERT of the best of them.
//
// Without joins a window is aggregated by Flink's windowing functions, which show it once, when it is final. A join
// takes the times off the rows there: then rows get their windows first, and groups are kept and corrected as a
// changelog.
#include "definition/text/flink_job.h"

#include "definition/query_text.h"
#include "definition/text/flink_dialect.h"
#include "definition/text/flink_source.h"

namespace trending {

namespace {

constexpr int64 kDefaultLimit = 100;

struct Job {
  const Definition& definition;
  const FlinkTable* source;
  FlinkTable* dimensions[kMaxDimensions];
  const char* trend;
};

const char* view_name(const Job& job, const char* what) {
  return flink_name(psprintf("%s_%s", job.trend, what));
}

// --- what Flink cannot say ---

void check_window(const Definition& definition) {
  const WindowSpec& window = definition.window;
  if (definition.half_life != 0) {
    refuse_flink(definition, "Decayed aggregates weigh every row by its age; Flink's aggregates do not age.");
  }
  if (!definition.has_window) return;
  if (definition.by_commit_time) {
    refuse_flink(definition, "Flink does not know when rows of its first snapshot were committed.");
  }
  if (window.zoned)
    refuse_flink(definition, "Its windows follow the calendar of a time zone; Flink's are lengths of time.");
  if (window.size_months != 0 || window.slide_months != 0) {
    refuse_flink(definition, "Its windows are months or years; Flink's are lengths of time.");
  }
  if ((window.kind == WindowKind::kHop || window.kind == WindowKind::kCumulate) &&
      window.size % window.slide != 0) {
    refuse_flink(definition, "In Flink the size of a window must be a multiple of its slide or step.");
  }
  if (window.kind == WindowKind::kSession && definition.dimension_count > 0) {
    refuse_flink(
        definition,
        "Its sessions are of groups that a join makes, and a join in Flink takes the times off the rows.");
  }
}

void check_elements(const Definition& definition) {
  if (definition.unnesting != nullptr) {
    refuse_flink(
        definition,
        "It makes several rows of one; Flink's UNNEST is of arrays, which the connector does not read.");
  }
}

// --- events ---

const char* window_call(const Definition& definition, const char* table, const char* rowtime) {
  const WindowSpec& window = definition.window;
  const char* size = flink_interval(definition, window.size);
  const char* descriptor = psprintf("TABLE %s, DESCRIPTOR(%s)", table, flink_name(rowtime));
  const bool has_slide = window.kind == WindowKind::kHop || window.kind == WindowKind::kCumulate;
  // Windows are aligned to 1970 there: to Thursdays.
  const int64 pitch = window.kind == WindowKind::kHop ? window.slide : window.size;
  const int64 shift = ((window.origin - kUnixEpoch) % pitch + pitch) % pitch;
  const char* offset = shift == 0 ? "" : psprintf(", %s", flink_interval(definition, shift));
  if (has_slide) {
    return psprintf("TABLE(%s(%s, %s, %s%s))", window.kind == WindowKind::kHop ? "HOP" : "CUMULATE",
                    descriptor, flink_interval(definition, window.slide), size, offset);
  }
  if (window.kind == WindowKind::kTumble)
    return psprintf("TABLE(TUMBLE(%s, %s%s))", descriptor, size, offset);
  StringInfoData keys;
  initStringInfo(&keys);
  for (int i = 0; i < definition.keys.count; i++)
    appendStringInfo(&keys, "%skey_%d", i == 0 ? "" : ", ", i + 1);
  return psprintf("TABLE(SESSION(TABLE %s%s, DESCRIPTOR(%s), %s))", table,
                  keys.len == 0 ? "" : psprintf(" PARTITION BY (%s)", keys.data), flink_name(rowtime), size);
}

bool makes_windows_first(const Definition& definition) {
  return definition.has_window && definition.dimension_count > 0;
}

void append_joins(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  for (int d = 0; d < definition.dimension_count; d++) {
    const Dimension& dimension = definition.dimensions[d];
    appendStringInfo(out, "\n%sJOIN %s AS d%d ON ", dimension.keeps_rows ? "LEFT " : "",
                     flink_name(job.dimensions[d]->name), d + 1);
    for (int i = 0; i < dimension.key.count; i++) {
      appendStringInfo(out, "%sd%d.%s = %s", i == 0 ? "" : " AND ", d + 1,
                       flink_name(dimension.key_columns[i].name),
                       flink_row_expression(definition, dimension.key.columns[i].expr));
    }
  }
}

// Conditions on the rows. A row without a time belongs to no window.
void append_conditions(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  const char* separator = "\nWHERE ";
  auto add = [&](const char* condition) {
    appendStringInfo(out, "%s%s", separator, condition);
    separator = "\n  AND ";
  };
  if (job.source->time_is_null) {
    add(psprintf("%s IS NOT NULL", flink_row_expression(definition, definition.event_time)));
  }
  for (const Expr* condition :
       {static_cast<const Expr*>(definition.where), static_cast<const Expr*>(definition.joined_where)}) {
    if (condition != nullptr) add(flink_row_expression(definition, condition));
  }
}

void append_argument(StringInfo out, const Definition& definition, int aggregate) {
  const DefinitionAggregate& kept = definition.aggregates[aggregate];
  if (kept.argument != nullptr) {
    appendStringInfo(out, ",\n  %s AS arg_%d", flink_row_expression(definition, kept.argument),
                     aggregate + 1);
  }
  if (kept.filter != nullptr) {
    appendStringInfo(out, ",\n  %s AS filter_%d", flink_row_expression(definition, kept.filter),
                     aggregate + 1);
  }
}

void append_events(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  appendStringInfo(out, "CREATE TEMPORARY VIEW %s AS\nSELECT ", view_name(job, "events"));
  if (makes_windows_first(definition)) {
    appendStringInfoString(out, "s.window_start, s.window_end");
  } else if (definition.has_window) {
    appendStringInfo(out, "s.%s AS rowtime", flink_name(job.source->rowtime));
  } else {
    appendStringInfoString(out, "1 AS row_no");
  }
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(out, ",\n  %s AS key_%d",
                     flink_row_expression(definition, definition.keys.columns[i].expr), i + 1);
  }
  for (int i = 0; i < definition.aggregate_count; i++) append_argument(out, definition, i);
  const char* table = flink_name(job.source->name);
  appendStringInfo(
      out, "\nFROM %s AS s",
      makes_windows_first(definition) ? window_call(definition, table, job.source->rowtime) : table);
  append_joins(out, job);
  append_conditions(out, job);
  appendStringInfoString(out, ";\n\n");
}

// --- groups ---

// The part of the window that an aggregate is over, in postfix.
const char* part_condition(const Definition& definition, const WindowPart& part) {
  const char* stack[kMaxPartSteps];
  int depth = 0;
  for (int i = 0; i < part.count; i++) {
    const PartStep& step = part.steps[i];
    switch (step.op) {
      case PartOp::kTrue:
        stack[depth++] = "TRUE";
        break;
      case PartOp::kFrom:
        stack[depth++] = psprintf("rowtime >= %s + %s", step.cut.from_end ? "window_end" : "window_start",
                                  flink_interval(definition, step.cut.distance));
        break;
      case PartOp::kNot:
        stack[depth - 1] = psprintf("NOT (%s)", stack[depth - 1]);
        break;
      default:
        depth--;
        stack[depth - 1] =
            psprintf("(%s %s %s)", stack[depth - 1], step.op == PartOp::kAnd ? "AND" : "OR", stack[depth]);
        break;
    }
  }
  return stack[0];
}

const char* summed(const char* name, Oid type) {
  switch (type) {
    case INT2OID:
    case INT4OID:
      return psprintf("CAST(%s AS BIGINT)", name);
    case INT8OID:
      return psprintf("CAST(%s AS DECIMAL(38, 0))", name);
    case FLOAT4OID:
      return psprintf("CAST(%s AS DOUBLE)", name);
    default:
      return name;
  }
}

// Flink's average of integers is one.
const char* averaged(const char* name, Oid type) {
  const bool is_float = type == FLOAT4OID || type == FLOAT8OID;
  return psprintf("CAST(%s AS %s)", name, is_float ? "DOUBLE" : "DECIMAL(38, 10)");
}

const char* aggregate_text(const Definition& definition, int index) {
  const DefinitionAggregate& aggregate = definition.aggregates[index];
  const char* argument = psprintf("arg_%d", index + 1);
  const Oid type =
      aggregate.argument == nullptr ? InvalidOid : exprType(reinterpret_cast<Node*>(aggregate.argument));
  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
      return "COUNT(*)";
    case AggregateFunction::kCount:
      return psprintf("COUNT(%s)", argument);
    case AggregateFunction::kCountDistinct:
      return psprintf("COUNT(DISTINCT %s)", argument);
    case AggregateFunction::kSum:
      return psprintf("SUM(%s)", summed(argument, type));
    case AggregateFunction::kAvg:
      return psprintf("AVG(%s)", averaged(argument, type));
    case AggregateFunction::kMin:
      return psprintf("MIN(%s)", argument);
    case AggregateFunction::kMax:
      return psprintf("MAX(%s)", argument);
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
      refuse_flink(
          definition,
          "It uses trending.first or last by a time; Flink's FIRST_VALUE and LAST_VALUE go by arrival.");
    case AggregateFunction::kApproxCountDistinct:
      refuse_flink(definition,
                   "It uses a sketch, trending.approx_count_distinct; Flink has none for streams.");
    case AggregateFunction::kCombined:
      refuse_flink(definition, "It uses aggregate %s, which has no known equal there.",
                   aggregate.combined->name);
    default:
      refuse_flink(definition, "It uses a decayed aggregate.");
  }
}

void append_filter(StringInfo out, const Definition& definition, int index) {
  const DefinitionAggregate& aggregate = definition.aggregates[index];
  const char* of_window = aggregate.part.count == 0 ? nullptr : part_condition(definition, aggregate.part);
  if (of_window != nullptr && makes_windows_first(definition)) {
    refuse_flink(definition, "It counts a part of a window over joined tables.");
  }
  if (aggregate.filter == nullptr && of_window == nullptr) return;
  const char* of_row = aggregate.filter == nullptr ? nullptr : psprintf("filter_%d", index + 1);
  appendStringInfo(out, " FILTER (WHERE %s%s%s)", of_row == nullptr ? "" : of_row,
                   of_row != nullptr && of_window != nullptr ? " AND " : "",
                   of_window == nullptr ? "" : of_window);
}

void append_groups(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  StringInfoData by;
  initStringInfo(&by);
  if (definition.has_window) appendStringInfoString(&by, "window_start, window_end");
  for (int i = 0; i < definition.keys.count; i++)
    appendStringInfo(&by, "%skey_%d", by.len == 0 ? "" : ", ", i + 1);
  appendStringInfo(out, "CREATE TEMPORARY VIEW %s AS\nSELECT %s", view_name(job, "groups"), by.data);
  for (int i = 0; i < definition.aggregate_count; i++) {
    appendStringInfo(out, "%s%s", i == 0 && by.len == 0 ? "" : ",\n  ", aggregate_text(definition, i));
    append_filter(out, definition, i);
    appendStringInfo(out, " AS agg_%d", i + 1);
  }
  const char* events = view_name(job, "events");
  const bool has_call = definition.has_window && !makes_windows_first(definition);
  appendStringInfo(out, "\nFROM %s", has_call ? window_call(definition, events, "rowtime") : events);
  if (by.len > 0) appendStringInfo(out, "\nGROUP BY %s", by.data);
  appendStringInfoString(out, ";\n\n");
}

// --- the best of them, and where they go ---

const char* column_text(const Definition& definition, ColumnRole role, int index) {
  switch (role) {
    case ColumnRole::kWindowStart:
      return "g.window_start";
    case ColumnRole::kWindowEnd:
      return "g.window_end";
    case ColumnRole::kKey:
      return psprintf("g.key_%d", index + 1);
    case ColumnRole::kAggregate:
      return psprintf("g.agg_%d", index + 1);
    case ColumnRole::kExpression:
      return flink_group_expression(definition, definition.expressions[index].expr);
    default:
      return "g.rank_no";
  }
}

void append_order(StringInfo out, const Definition& definition) {
  const char* separator = "";
  auto add = [&](const char* term, bool descending, bool nulls_first) {
    appendStringInfo(out, "%s%s %s NULLS %s", separator, term, descending ? "DESC" : "ASC",
                     nulls_first ? "FIRST" : "LAST");
    separator = ", ";
  };
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    add(column_text(definition, term.role, term.index), term.descending, term.nulls_first);
  }
  for (int i = 0; i < definition.keys.count; i++) {
    const int key = definition.keys.order[i];
    bool is_term = false;
    for (int j = 0; j < definition.order_count; j++) {
      is_term = is_term || (definition.order[j].role == ColumnRole::kKey && definition.order[j].index == key);
    }
    if (is_term) continue;
    add(psprintf("g.key_%d", key + 1), definition.keys.columns[key].descending,
        definition.keys.columns[key].nulls_first);
  }
}

// Columns of the sink: those of the trend, and the window's bounds where it does not select them.
struct SinkColumn {
  const char* name;
  Oid type;
  ColumnRole role;
  int index;
  bool in_key;
};

bool is_partition_key(const Definition& definition, const DefinitionColumn& column) {
  if (column.role != ColumnRole::kKey) return false;
  for (int i = 0; i < definition.partition.count; i++) {
    if (definition.partition_keys[i] == column.index) return true;
  }
  return false;
}

List* sink_columns(const Definition& definition) {
  List* columns = NIL;
  auto add = [&](SinkColumn column) {
    auto* copy = static_cast<SinkColumn*>(palloc(sizeof(SinkColumn)));
    *copy = column;
    columns = lappend(columns, copy);
  };
  bool has_start = !definition.has_window;
  bool has_end = has_start;
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    has_start = has_start || column.role == ColumnRole::kWindowStart;
    has_end = has_end || column.role == ColumnRole::kWindowEnd;
    const bool in_key = column.role == ColumnRole::kWindowStart || column.role == ColumnRole::kWindowEnd ||
                        column.role == ColumnRole::kRank || is_partition_key(definition, column);
    add({column.name, getBaseType(column.type), column.role, column.index, in_key});
  }
  if (!has_start) add({"window_start", window_bound_type(definition), ColumnRole::kWindowStart, 0, true});
  if (!has_end) add({"window_end", window_bound_type(definition), ColumnRole::kWindowEnd, 0, true});
  return columns;
}

// The connector writes no TIMESTAMP_LTZ: times are written as those of UTC.
const char* sink_type(const Definition& definition, const SinkColumn& column) {
  return column.type == TIMESTAMPTZOID ? "TIMESTAMP(6)" : flink_type(definition, column.type, -1);
}

const char* postgres_sink_type(const SinkColumn& column) {
  switch (column.type) {
    case TIMESTAMPTZOID:
      return "timestamp";
    case UUIDOID:
    case JSONOID:
    case JSONBOID:
      return "text";
    default:
      return format_type_be(column.type);
  }
}

const char* key_list(List* columns, const char* (*quote)(const char*)) {
  StringInfoData list;
  initStringInfo(&list);
  ListCell* cell = nullptr;
  foreach (cell, columns) {
    const auto* column = static_cast<const SinkColumn*>(lfirst(cell));
    if (column->in_key) appendStringInfo(&list, "%s%s", list.len == 0 ? "" : ", ", quote(column->name));
  }
  return list.data;
}

const char* sink_schema(const Definition& definition) {
  return get_namespace_name(get_rel_namespace(definition.relation));
}

void append_sink_for_postgres(StringInfo out, const Job& job) {
  List* columns = sink_columns(job.definition);
  appendStringInfo(out, "-- psql: CREATE TABLE %s (",
                   quote_qualified_identifier(sink_schema(job.definition), psprintf("%s_flink", job.trend)));
  ListCell* cell = nullptr;
  foreach (cell, columns) {
    const auto* column = static_cast<const SinkColumn*>(lfirst(cell));
    appendStringInfo(out, "%s %s, ", quote_identifier(column->name), postgres_sink_type(*column));
  }
  appendStringInfo(out, "PRIMARY KEY (%s));\n", key_list(columns, quote_identifier));
}

void append_sink(StringInfo out, const Job& job) {
  List* columns = sink_columns(job.definition);
  appendStringInfo(out, "CREATE TEMPORARY TABLE %s (\n", view_name(job, "flink"));
  ListCell* cell = nullptr;
  foreach (cell, columns) {
    const auto* column = static_cast<const SinkColumn*>(lfirst(cell));
    appendStringInfo(out, "  %s %s,\n", flink_name(column->name), sink_type(job.definition, *column));
  }
  appendStringInfo(
      out,
      "  PRIMARY KEY (%s) NOT ENFORCED\n) WITH (\n  'connector' = 'jdbc',\n"
      "  'url' = %s,\n  'username' = '${PGUSER}',\n  'password' = '${PGPASSWORD}',\n"
      "  'table-name' = %s\n);\n\n",
      key_list(columns, flink_name),
      flink_text(psprintf("jdbc:postgresql://${PGHOST}:${PGPORT}/%s", get_database_name(MyDatabaseId))),
      flink_text(psprintf("%s.%s_flink", sink_schema(job.definition), job.trend)));
}

void append_insert(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  List* columns = sink_columns(definition);
  appendStringInfo(out, "INSERT INTO %s\nSELECT ", view_name(job, "flink"));
  ListCell* cell = nullptr;
  foreach (cell, columns) {
    const auto* column = static_cast<const SinkColumn*>(lfirst(cell));
    appendStringInfo(out, "%sCAST(%s AS %s)", foreach_current_index(cell) == 0 ? "" : ",\n  ",
                     column_text(definition, column->role, column->index), sink_type(definition, *column));
  }
  StringInfoData within;
  initStringInfo(&within);
  if (definition.has_window) appendStringInfoString(&within, "g.window_start, g.window_end");
  for (int i = 0; i < definition.partition.count; i++) {
    appendStringInfo(&within, "%sg.key_%d", within.len == 0 ? "" : ", ", definition.partition_keys[i] + 1);
  }
  appendStringInfoString(out, "\nFROM (SELECT g.*, ROW_NUMBER() OVER (");
  if (within.len > 0) appendStringInfo(out, "PARTITION BY %s ", within.data);
  appendStringInfoString(out, "ORDER BY ");
  append_order(out, definition);
  appendStringInfo(out, ") AS rank_no\n      FROM %s AS g", view_name(job, "groups"));
  const char* separator = "\n      WHERE ";
  if (definition.having != nullptr) {
    appendStringInfo(out, "%s%s", separator, flink_group_expression(definition, definition.having));
    separator = " AND ";
  }
  for (int i = 0; i < definition.partition.count; i++) {
    appendStringInfo(out, "%sg.key_%d IS NOT NULL", separator, definition.partition_keys[i] + 1);
    separator = " AND ";
  }
  int64 limit = definition.options.history_limit;
  if (limit < 0) limit = PG_INT32_MAX;
  if (limit == 0 || !definition.has_window) limit = kDefaultLimit;
  appendStringInfo(out, ") AS g\nWHERE g.rank_no <= " INT64_FORMAT ";\n", limit);
}

// --- what differs ---

bool has_texts(const Definition& definition) {
  for (int i = 0; i < definition.keys.count; i++) {
    if (OidIsValid(definition.keys.columns[i].collation)) return true;
  }
  return false;
}

void append_differences(StringInfo out, const Job& job) {
  const Definition& definition = job.definition;
  appendStringInfo(out, "-- Trend %s.\n", quote_qualified_identifier(sink_schema(definition), job.trend));
  if (makes_windows_first(definition)) {
    appendStringInfoString(
        out,
        "--   Rows show at once, and stay correctable: nothing is late, and a change of a joined table moves old "
        "windows,\n--   too, while their state is kept (table.exec.state.ttl).\n");
  } else if (definition.has_window) {
    appendStringInfo(
        out,
        "--   A window shows once, when it is final; there is no list of the open one. The watermark lags by watermark_delay "
        "and\n--   allowed_lateness (%s); rows that come later are dropped, not kept, and no recompute takes them in.\n"
        "--   While the source is silent, time stands still. Rows dated ahead move it (there is no max_ahead).\n",
        flink_interval(definition, job.source->delay));
  } else {
    appendStringInfo(out, "--   The best " INT64_FORMAT " are kept up to date; a trend ranks all.\n",
                     kDefaultLimit);
  }
  if (definition.has_window && definition.window.kind == WindowKind::kSession) {
    appendStringInfoString(out,
                           "--   Times of rows, and so the bounds of sessions, are cut to milliseconds.\n");
  }
  if (definition.partition.count > 0) {
    appendStringInfoString(
        out, "--   A group whose partition is NULL is left out: a primary key of Flink has no NULL.\n");
  }
  if (has_texts(definition))
    appendStringInfoString(out, "--   Texts are in the order of their bytes, whatever their collation.\n");
}

void append_header(StringInfo out) {
  appendStringInfoString(
      out,
      "-- Written by trending.to_flink_sql for Flink 1.20 with the connectors postgres-cdc and jdbc.\n"
      "-- Replace ${PGHOST}, ${PGPORT}, ${PGUSER} and ${PGPASSWORD}: envsubst does. Run before, in PostgreSQL, what follows\n"
      "-- \"psql:\" (sed -n 's/^-- psql: //p').\n"
      "-- What fails for a row or a group is NULL, and integers wrap around. Times are written as those of UTC.\n"
      "-- Decimals have 38 digits, ten of them after the point where PostgreSQL's numeric has no scale.\n");
}

}  // namespace

const char* flink_job(List* definitions) {
  const int nest_level = canonical_settings_begin();
  List* tables = NIL;
  List* jobs = NIL;
  ListCell* cell = nullptr;
  foreach (cell, definitions) {
    const auto& definition = *static_cast<const Definition*>(lfirst(cell));
    LockRelationOid(definition.source, AccessShareLock);
    check_window(definition);
    check_elements(definition);
    auto* job = static_cast<Job*>(palloc0(sizeof(Job)));
    new (job) Job{definition, flink_source(&tables, definition), {}, get_rel_name(definition.relation)};
    for (int d = 0; d < definition.dimension_count; d++) {
      job->dimensions[d] = flink_dimension(&tables, definition, definition.dimensions[d]);
    }
    jobs = lappend(jobs, job);
  }
  StringInfoData out;
  initStringInfo(&out);
  append_header(&out);
  foreach (cell, jobs) append_differences(&out, *static_cast<Job*>(lfirst(cell)));
  foreach (cell, tables) append_flink_publication(&out, *static_cast<FlinkTable*>(lfirst(cell)));
  foreach (cell, jobs) append_sink_for_postgres(&out, *static_cast<Job*>(lfirst(cell)));
  appendStringInfoString(
      &out, "\nSET 'table.local-time-zone' = 'UTC';\nSET 'table.exec.source.idle-timeout' = '1 s';\n\n");
  foreach (cell, tables) append_flink_table(&out, *static_cast<FlinkTable*>(lfirst(cell)));
  foreach (cell, jobs) {
    const auto& job = *static_cast<Job*>(lfirst(cell));
    append_events(&out, job);
    append_groups(&out, job);
    append_sink(&out, job);
  }
  appendStringInfoString(&out, "EXECUTE STATEMENT SET\nBEGIN\n");
  foreach (cell, jobs) append_insert(&out, *static_cast<Job*>(lfirst(cell)));
  appendStringInfoString(&out, "END;\n");
  canonical_settings_end(nest_level);
  return out.data;
}

}  // namespace trending
