// SPDX-License-Identifier: PostgreSQL
// trending.create_trend, trending.track and trending.drop_trend.
//
// Rights: everything is done as the caller (analysis, reading rights, CREATE VIEW, CREATE FOREIGN TABLE),
// except for the row of trending.trend, which only the extension's owner may write. Names of the user's (the
// query's, the trend's, the label's) are looked up by the user's search_path, statements of ours run with a
// pinned one. Locks: ACCESS SHARE on the source and on the label's table. Writers wait for none of these; the
// worker arranges an exact backfill by itself once the row is committed.
#include <algorithm>

#include "catalog/as_extension_owner.h"
#include "catalog/definition_catalog.h"
#include "catalog/definition_view.h"
#include "catalog/history_table.h"
#include "catalog/own_trend.h"
#include "catalog/trend_options.h"
#include "catalog/trend_start.h"
#include "definition/clauses/commit_time.h"
#include "definition/label.h"
#include "definition/partition_by.h"
#include "definition/replica_identity.h"
#include "postgres/guard.h"
#include "postgres/settings.h"
#include "postgres/spi.h"
#include "values/window_args.h"

namespace trending {

namespace {

// What create_trend adds to a trend's name for relations of its own ("_definition") must fit into a name.
constexpr int kMaxTrendName = NAMEDATALEN - 1 - 11;

struct TrendName {
  Oid schema;
  const char* name;
};

TrendName resolve_name(const char* name) {
  RangeVar* range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
  if (strlen(range->relname) > kMaxTrendName) {
    ereport(ERROR, (errcode(ERRCODE_NAME_TOO_LONG), errmsg("trend name \"%s\" is too long", range->relname),
                    errdetail("At most %d bytes.", kMaxTrendName)));
  }
  TrendName resolved{RangeVarGetCreationNamespace(range), range->relname};
  if (isAnyTempNamespace(resolved.schema)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_TABLE_DEFINITION), errmsg("a trend cannot be temporary"),
                    errhint("Name a schema: 'public.%s'.", resolved.name)));
  }
  AclResult rights = compat::schema_aclcheck(resolved.schema, GetUserId(), ACL_CREATE);
  if (rights != ACLCHECK_OK) aclcheck_error(rights, OBJECT_SCHEMA, get_namespace_name(resolved.schema));
  if (OidIsValid(get_relname_relid(resolved.name, resolved.schema))) {
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists", resolved.name),
                    errhint("Choose another name, or drop it first.")));
  }
  return resolved;
}

void check_installed() {
  if (OidIsValid(trend_table())) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("extension trending is not installed"), errhint("Run CREATE EXTENSION trending.")));
}

// How many of these trends the caller owns.
int count_own(List* ids) {
  int count = 0;
  ListCell* cell = nullptr;
  foreach (cell, ids) {
    HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(definition_relation(lfirst_int(cell))));
    if (!HeapTupleIsValid(relation)) continue;  // dropped just now
    if (reinterpret_cast<Form_pg_class>(GETSTRUCT(relation))->relowner == GetUserId()) count++;
    ReleaseSysCache(relation);
  }
  return count;
}

// Shared memory has room for so many, of which nobody may take the last eighth of what others leave: as with
// memory (shmem/blocks.h). Two that create the last one at the same time may both get through: then the
// worker leaves one out.
void check_room() {
  List* ids = definition_ids();
  if (list_length(ids) >= settings.max_trends) {
    ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                    errmsg("this database already has %d trends", settings.max_trends),
                    errhint("Drop one, or raise trending.max_trends and restart the server.")));
  }
  const int own = count_own(ids);
  const int left_by_others = settings.max_trends - (list_length(ids) - own);
  if (own < left_by_others - left_by_others / 8) return;
  ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                  errmsg("you already have %d of the %d trends that this database may have", own,
                         settings.max_trends),
                  errdetail("The last ones are for other roles."),
                  errhint("Drop one, or raise trending.max_trends and restart the server.")));
}

// CREATE FOREIGN TABLE with every name and type qualified, so that the caller's search_path has no say.
const char* table_command(const TrendName& name, const Definition& definition) {
  StringInfoData command;
  initStringInfo(&command);
  appendStringInfo(&command, "CREATE FOREIGN TABLE %s (",
                   quote_qualified_identifier(get_namespace_name(name.schema), name.name));
  append_column_list(&command, definition);
  appendStringInfoString(&command, ") SERVER trending");
  return command.data;
}

void run(const char* command, int expected) {
  int result = SPI_execute(command, false, 0);
  if (result != expected) elog(ERROR, "%s failed: %s", command, SPI_result_code_string(result));
}

Oid create_table(const TrendName& name, const Definition& definition) {
  run(table_command(name, definition), SPI_OK_UTILITY);
  return get_relname_relid(name.name, name.schema);
}

// The tables that belong to a trend; InvalidOid where it has none.
struct TrendTables {
  Oid history;
  Oid late;
  Oid alerts;
};

// A row of trending.trend as it is put together.
struct NewRow {
  StringInfoData columns;
  StringInfoData parameters;
  SpiValue values[kTrendColumnCount];
  int count;

  void add(const char* column, const SpiValue& value) {
    appendStringInfo(&columns, "%s%s", count > 0 ? ", " : "", column);
    appendStringInfo(&parameters, "%s$%d", count > 0 ? ", " : "", count + 1);
    values[count++] = value;
  }
};

// Returns the trend's id.
int32 insert_row(Oid relation, const TrendTables& tables, const char* query, const Definition& definition,
                 const OptionValues& options) {
  NewRow row = {};
  initStringInfo(&row.columns);
  initStringInfo(&row.parameters);
  row.add("relation", spi_relation(relation));
  row.add("source", spi_relation(definition.source));
  row.add("query", spi_text(query));
  row.add("definition", spi_relation(definition.view));
  for (const TrendOptionInfo& info : option_table) {
    const NullableDatum& value = options[info.option];
    row.add(info.name, SpiValue{info.type, value.value, value.isnull});
  }
  row.add("history", spi_relation(tables.history));
  row.add("late", spi_relation(tables.late));
  row.add("alerts", spi_relation(tables.alerts));
  (void)spi_execute(psprintf("INSERT INTO trending.trend (%s) VALUES (%s) RETURNING id", row.columns.data,
                             row.parameters.data),
                    row.values, row.count);
  int32 id = 0;
  if (!SpiRow(0).read("id", &id)) elog(ERROR, "could not register the trend");
  return id;
}

// Whatever commits from here on comes after the trend's start.
void insert_start(int32 id) {
  const LaterTransactions later = later_transactions();
  const SpiValue values[] = {spi_int4(id), later.next_xid, later.running_xids};
  (void)spi_execute("INSERT INTO trending.trend_start (trend_id, next_xid, running_xids) VALUES ($1, $2, $3)",
                    values, lengthof(values));
}

// The foreign table with all that belongs to the trend, and the row that makes it one. Within SPI_connect.
Oid create_relations(const TrendName& name, const char* query, const Definition& definition,
                     const OptionValues& options) {
  Oid relation = create_table(name, definition);
  definition_view_attach(definition.view, relation);
  const DefinitionOptions wanted = definition_options(options);
  TrendTables tables = {};
  if (definition.has_window && wanted.history_limit != 0)
    tables.history = history_table_create(relation, definition);
  if (wanted.keep_late_events) tables.late = late_table_create(relation);
  if (definition.having != nullptr) tables.alerts = alerts_table_create(relation, definition);
  as_extension_owner([&] {
    int32 id = insert_row(relation, tables, query, definition, options);
    definition_note_checked(id, definition.rule);
    insert_start(id);
  });
  return relation;
}

// A window function over a number or a text is one that does not exist: what it wants is said with the error.
void hint_at_times(void* query) {
  constexpr char kSchema[] = "trending.";
  if (geterrcode() != ERRCODE_UNDEFINED_FUNCTION) return;
  const auto* place = static_cast<const char*>(query);
  for (int i = 1; i < getinternalerrposition() && *place != '\0'; i++) place += pg_mblen(place);
  if (strncmp(place, kSchema, strlen(kSchema)) != 0) return;
  errhint(
      "A window function takes a time (timestamptz, timestamp or date) and lengths, as trending.hop(at, slide => "
      "'1 minute', size => '1 hour'). to_timestamp(x) makes a time of seconds since 1970, "
      "trending.parse_timestamptz(x) of text.");
}

Definition* analyze(const char* query) {
  ErrorContextCallback callback = {error_context_stack, hint_at_times, const_cast<char*>(query)};
  error_context_stack = &callback;
  Definition* definition = definition_analyze(query);
  error_context_stack = callback.previous;
  return definition;
}

Oid create_trend(const char* name, const char* query, OptionValues options) {
  check_installed();
  check_room();
  (void)analyze(query);
  check_options(options);
  TrendName resolved = resolve_name(name);
  // What the trend is made of is what the view holds, not what was analysed before it was made.
  Oid view =
      definition_view_create(resolved.schema, psprintf("%s%s", resolved.name, kDefinitionSuffix), query);
  Definition* definition = definition_of_view(view, nullptr, true);
  check_commit_times_kept(*definition, definition_options(options).backfill != Backfill::kNone);
  const NullableDatum& partition_by = options[TrendOption::kPartitionBy];
  partition_by_set(definition, partition_by.isnull ? nullptr : DatumGetArrayTypeP(partition_by.value));
  if (const char* given = options.string(TrendOption::kLabel)) {
    LabelSource label = label_resolve(given, definition);
    label_check_rights(label);
    options[TrendOption::kLabel].value = CStringGetTextDatum(label_text(label));
  }
  Oid relation = InvalidOid;
  SPI_connect();
  with_pinned_path([&] { relation = create_relations(resolved, query, *definition, options); });
  SPI_finish();
  CommandCounterIncrement();
  // What was stored must mean the same when it is loaded; a reader may have cached that there was no trend.
  CacheInvalidateRelcacheByRelid(relation);
  definition_load_relation(relation);
  report_identity(*definition, resolved.name);
  return relation;
}

const char* text_argument(FunctionCallInfo fcinfo, int position) {
  return PG_ARGISNULL(position) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(position));
}

void check_argument(const void* value, const char* name) {
  if (value != nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

const char* interval_literal(const Interval* interval) {
  Datum text = DirectFunctionCall1(interval_out, IntervalPGetDatum(interval));
  return quote_literal_cstr(DatumGetCString(text));
}

const char* existing_column(Oid relation, const char* column) {
  if (get_attnum(relation, column) == InvalidAttrNumber) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_COLUMN),
             errmsg("column \"%s\" of relation \"%s\" does not exist", column, get_rel_name(relation))));
  }
  return quote_identifier(column);
}

const char* time_hint(Oid type, const char* column) {
  constexpr const char* kHint =
      "Create the trend with trending.create_trend(), whose window function takes %s as its time.";
  switch (type) {
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID:
      return psprintf(kHint, psprintf("to_timestamp(%s) (seconds since 1970), or to_timestamp(%s / 1000.0)",
                                      column, column));
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
      return psprintf(kHint, psprintf("trending.parse_timestamptz(%s)", column));
    default:
      return "Leave event_time out to count rows by the time of their commits.";
  }
}

// A column that the window functions take.
const char* time_column(Oid relation, const char* name) {
  const char* column = existing_column(relation, name);
  const Oid declared = get_atttype(relation, get_attnum(relation, name));
  const Oid type = getBaseType(declared);
  if (type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID) return psprintf("s.%s", column);
  ereport(ERROR,
          (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("event_time must be a timestamptz, timestamp or date"),
           errdetail("Column \"%s\" of \"%s\" is of type %s.", name, get_rel_name(relation),
                     format_type_be(declared)),
           errhint("%s", time_hint(type, column))));
  pg_unreachable();
}

// The definition that track stands for; without a time column rows have that of their commit.
const char* track_query(Oid source, const char* key, const char* time, const Interval* size,
                        const Interval* slide) {
  const char* table =
      quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)), get_rel_name(source));
  const char* key_column = psprintf("s.%s", existing_column(source, key));
  const char* event_time = time == nullptr ? "trending.commit_time(s.xmin)" : time_column(source, time);
  return psprintf(
      "SELECT w.window_start, w.window_end, %s, count(*)\n"
      "FROM %s s, trending.hop(%s, slide => %s, size => %s) w\n"
      "GROUP BY w.window_start, w.window_end, %s\n"
      "ORDER BY count(*) DESC",
      key_column, table, event_time, interval_literal(slide), interval_literal(size), key_column);
}

// The recent part of a window, in microseconds: a tenth of it, in whole slides.
int64 recent_part(int64 size, int64 slide) {
  return std::max<int64>(1, (size / 10 + slide / 2) / slide) * slide;
}

// The same ranked by growth. Of n rows in the window, r are recent, where n times the part's share f of the
// window, e, are expected when nothing changes. That r is binomial given n is the conditional test that two
// Poisson rates are equal (Przyborowski and Wilenski, Biometrika 31, 1940); its z-score is (r - e) / sqrt(e * (1
// - f)). With ten rows more expected of everything, three out of nowhere are not the top.
const char* rising_query(Oid source, const char* key, const char* time, const Interval* size,
                         const Interval* slide) {
  const int64 whole = interval_to_span(size, "size");
  const int64 step = interval_to_span(slide, "slide");
  if (step <= 0 || whole < 2 * step) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("what is rising needs a size of at least two slides"),
                    errdetail("The newest tenth of the window is compared with all of it.")));
  }
  Interval recent = {};
  recent.time = recent_part(whole, step);
  const double share = static_cast<double>(recent.time) / static_cast<double>(whole);
  const char* table =
      quote_qualified_identifier(get_namespace_name(get_rel_namespace(source)), get_rel_name(source));
  const char* key_column = psprintf("s.%s", existing_column(source, key));
  const char* event_time =
      time == nullptr ? "trending.commit_time(s.xmin)" : psprintf("s.%s", existing_column(source, time));
  const char* in_part = psprintf("count(*) FILTER (WHERE %s >= w.window_end - interval %s)", event_time,
                                 interval_literal(&recent));
  const char* expected = psprintf("%.6g * count(*)::float8", share);
  return psprintf(
      "SELECT w.window_start, w.window_end, %s, count(*),\n"
      "       %s AS recent,\n"
      "       (%s - %s) / sqrt((%s + 10) * %.6g) AS rising\n"
      "FROM %s s, trending.hop(%s, slide => %s, size => %s) w\n"
      "GROUP BY w.window_start, w.window_end, %s\n"
      "ORDER BY rising DESC",
      key_column, in_part, in_part, expected, expected, 1 - share, table, event_time, interval_literal(slide),
      interval_literal(size), key_column);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(create_trend) {
  using namespace trending;
  const char* name = text_argument(fcinfo, 0);
  const char* query = text_argument(fcinfo, 1);
  check_argument(name, "name");
  check_argument(query, "query");
  PG_RETURN_OID(create_trend(name, query, option_arguments(fcinfo, 2)));
}

TRENDING_FUNCTION(track) {
  using namespace trending;
  constexpr const char* kNames[] = {"source", "key", "event_time", "name", "size", "slide", "label", "by"};
  for (int i : {0, 1, 4, 5, 7}) {
    if (!PG_ARGISNULL(i)) continue;
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", kNames[i])));
  }
  Oid source = PG_GETARG_OID(0);
  if (get_rel_name(source) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", source)));
  }
  const char* by = text_argument(fcinfo, 7);
  const bool rises = strcmp(by, "rising") == 0;
  if (!rises && strcmp(by, "count") != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("by must be \"count\" or \"rising\"")));
  }
  const char* name = text_argument(fcinfo, 3);
  if (name == nullptr) {
    name = quote_identifier(psprintf("%s_%s", rises ? "rising" : "top", get_rel_name(source)));
  }
  const char* time = PG_ARGISNULL(2) ? nullptr : NameStr(*PG_GETARG_NAME(2));
  const auto make_query = rises ? rising_query : track_query;
  const char* query =
      make_query(source, NameStr(*PG_GETARG_NAME(1)), time, PG_GETARG_INTERVAL_P(4), PG_GETARG_INTERVAL_P(5));
  if (rises) {
    ereport(NOTICE, (errmsg("trend %s is defined by this query", name), errdetail("%s", query)));
  }
  OptionValues options = default_options();
  options[TrendOption::kLabel] = fcinfo->args[6];
  PG_RETURN_OID(create_trend(name, query, options));
}

TRENDING_FUNCTION(drop_trend) {
  using namespace trending;
  Oid relation = PG_GETARG_OID(0);
  (void)own_trend(relation);
  LockRelationOid(relation, AccessExclusiveLock);
  const char* name = get_rel_name(relation);  // which stays now
  if (name == nullptr) PG_RETURN_VOID();      // dropped while we waited
  SPI_connect();
  // Dependent objects are checked by the command; the event trigger removes the trend.
  with_pinned_path([&] {
    run(psprintf("DROP FOREIGN TABLE %s",
                 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name)),
        SPI_OK_UTILITY);
  });
  SPI_finish();
  PG_RETURN_VOID();
}

namespace trending {

namespace {

// Tables and views of dropped trends that did not go by themselves: a restored database lacks the
// dependencies that take them along, which dumps do not have. As the caller; what is not his stays.
void drop_left_relations(List* relations) {
  ListCell* cell = nullptr;
  foreach (cell, relations) {
    Oid relation = lfirst_oid(cell);
    const char* name = get_rel_name(relation);
    if (name == nullptr || !compat::relation_ownercheck(relation, GetUserId())) continue;
    run(psprintf("DROP %s %s", get_rel_relkind(relation) == RELKIND_VIEW ? "VIEW" : "TABLE",
                 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name)),
        SPI_OK_UTILITY);
  }
}

bool trend_was_dropped() {
  as_extension_owner([] {
    run("SELECT FROM trending.trend t, pg_catalog.pg_event_trigger_dropped_objects() d "
        "WHERE d.object_type OPERATOR(pg_catalog.=) 'foreign table' "
        "AND t.relation::pg_catalog.oid OPERATOR(pg_catalog.=) d.objid",
        SPI_OK_SELECT);
  });
  return SPI_processed > 0;
}

}  // namespace

}  // namespace trending

// The event trigger: forgets the trends whose foreign tables were dropped, by whatever command. It is called for all
// that is dropped, which is nothing to us where it is no trend.
TRENDING_PURE_FUNCTION(forget_dropped) {
  using namespace trending;
  if (!CALLED_AS_EVENT_TRIGGER(fcinfo)) {
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trending_internal.forget_dropped must be called by an event trigger")));
  }
  if (!OidIsValid(trend_table())) return Datum{0};
  SPI_connect();
  if (!trend_was_dropped()) {
    SPI_finish();
    return Datum{0};
  }
  version_check();
  List* left = NIL;
  as_extension_owner([&left] {
    run("WITH gone AS (DELETE FROM trending.trend t USING pg_catalog.pg_event_trigger_dropped_objects() d "
        "WHERE d.object_type OPERATOR(pg_catalog.=) 'foreign table' "
        "AND t.relation::pg_catalog.oid OPERATOR(pg_catalog.=) d.objid RETURNING t.id, t.history, t.late, "
        "t.alerts, "
        "t.definition), forgotten AS (DELETE FROM trending.checked_definition c USING gone g "
        "WHERE c.trend_id OPERATOR(pg_catalog.=) g.id) SELECT history, late, alerts, definition FROM gone",
        SPI_OK_SELECT);
    for (uint64 i = 0; i < SPI_processed; i++) {
      for (int column = 1; column <= 4; column++) {
        bool isnull = false;
        Datum table = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &isnull);
        if (!isnull) left = lappend_oid(left, DatumGetObjectId(table));
      }
    }
  });
  with_pinned_path([left] { drop_left_relations(left); });
  SPI_finish();
  return Datum{0};
}
