// trending.alter_trend: options of a trend that runs.
//
// The new row is committed like any other; the worker takes it up at exactly the position of that commit and
// goes on with the state that it has (bgworker/alter.cpp). History or late rows that are switched on get
// their table, or the one that was kept when they were switched off.
#include "catalog/definition_catalog.h"
#include "catalog/as_extension_owner.h"
#include "catalog/history_table.h"
#include "catalog/trend_options.h"
#include "definition/label.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// Left out by the caller, where NULL is a value: see the defaults in the install script.
bool is_left_out(const Interval* retention) {
  return retention != nullptr && retention->month == 0 && retention->day == 0 &&
         retention->time == -USECS_PER_SEC;
}

void check_owner(Oid relation) {
  const char* name = get_rel_name(relation);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("trend with OID %u does not exist", relation)));
  }
  if (!trend_is_registered(relation)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a trend", name),
                    errhint("Trends are created with trending.create_trend().")));
  }
  // Before the lock: nobody may lock a relation of others.
  if (!compat::relation_ownercheck(relation, GetUserId())) {
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, name);
  }
  LockRelationOid(relation, ShareUpdateExclusiveLock);
}

// The table that was kept, if there still is one, or a new one.
Oid table_for(Oid kept, Oid relation, Oid (*create)(Oid relation)) {
  if (OidIsValid(kept) && get_rel_name(kept) != nullptr) return kept;
  return create(relation);
}

Oid create_history(Oid relation) {
  return history_table_create(relation, *definition_load_relation(relation));
}

struct Assignment {
  const char* column;
  Oid type;
  Datum value;
  bool isnull;
};

constexpr int kMaxAssignments = 12;

struct Assignments {
  int count;
  Assignment list[kMaxAssignments];

  void add(const char* column, Oid type, Datum value, bool isnull = false) {
    list[count++] = {column, type, value, isnull};
  }
};

void update_row(Oid relation, const Assignments& assignments) {
  StringInfoData command;
  initStringInfo(&command);
  Oid types[kMaxAssignments + 1] = {REGCLASSOID};
  Datum values[kMaxAssignments + 1] = {ObjectIdGetDatum(relation)};
  char nulls[kMaxAssignments + 1] = {' '};
  appendStringInfoString(&command, "UPDATE trending.trend SET ");
  for (int i = 0; i < assignments.count; i++) {
    const Assignment& one = assignments.list[i];
    appendStringInfo(&command, "%s%s = $%d", i > 0 ? ", " : "", one.column, i + 2);
    types[i + 1] = one.type;
    values[i + 1] = one.value;
    nulls[i + 1] = one.isnull ? 'n' : ' ';
  }
  appendStringInfoString(&command, " WHERE relation OPERATOR(pg_catalog.=) $1");
  as_extension_owner([&] {
    int result = SPI_execute_with_args(command.data, assignments.count + 1, types, values, nulls, false, 0);
    if (result != SPI_OK_UPDATE) elog(ERROR, "could not alter the trend: %s", SPI_result_code_string(result));
  });
}

// The arguments of a call.
struct Call {
  FunctionCallInfo fcinfo;

  const char* string(int i) const {
    return fcinfo->args[i].isnull ? nullptr : text_to_cstring(DatumGetTextPP(fcinfo->args[i].value));
  }
  bool interval(int i, const char* column, const Interval** option, Assignments* assignments) const {
    if (fcinfo->args[i].isnull) return false;
    *option = DatumGetIntervalP(fcinfo->args[i].value);
    assignments->add(column, INTERVALOID, fcinfo->args[i].value);
    return true;
  }
};

void set_label(const char* label, const Definition* definition, Assignments* assignments) {
  if (label == nullptr) {
    assignments->add("label", TEXTOID, Datum{0}, true);
  } else if (label[0] != '\0') {
    LabelSource source = label_resolve(label, definition);
    label_check_rights(source);
    assignments->add("label", TEXTOID, CStringGetTextDatum(label_text(source)));
  }
}

void refuse_query(const char* query) {
  if (query == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the query of a trend cannot be changed"),
                  errdetail("What has been counted belongs to the query as it is."),
                  errhint("Drop the trend with trending.drop_trend() and create it again.")));
}

// Sessions that are open, or closed and not final, have been judged by these.
void refuse_for_sessions(const Definition& definition, const Assignments& assignments) {
  if (definition.window.kind != WindowKind::kSession) return;
  for (int i = 0; i < assignments.count; i++) {
    const char* column = assignments.list[i].column;
    if (strcmp(column, "watermark_delay") != 0 && strcmp(column, "allowed_lateness") != 0 &&
        strcmp(column, "history_limit") != 0) {
      continue;
    }
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("%s of a trend with session windows cannot be changed", column),
                    errhint("Drop the trend with trending.drop_trend() and create it again.")));
  }
}

void alter_trend(Oid relation, const Call& call) {
  check_owner(relation);
  refuse_query(call.string(1));
  TrendOptionArguments options = {};
  Oid history = InvalidOid;
  Oid late = InvalidOid;
  if (!stored_arguments(relation, &options, &history, &late)) elog(ERROR, "the trend was dropped meanwhile");
  const Definition* definition = definition_load_relation(relation);

  Assignments assignments = {};
  set_label(call.string(2), definition, &assignments);
  call.interval(3, "watermark_delay", &options.watermark_delay, &assignments);
  call.interval(4, "allowed_lateness", &options.allowed_lateness, &assignments);
  if (const char* late_events = call.string(5)) {
    options.late_events = late_events;
    assignments.add("late_events", TEXTOID, CStringGetTextDatum(late_events));
  }
  call.interval(6, "idle_timeout", &options.idle_timeout, &assignments);
  call.interval(7, "max_ahead", &options.max_ahead, &assignments);
  const NullableDatum& limit = call.fcinfo->args[8];
  int64 history_limit = limit.isnull ? 0 : DatumGetInt64(limit.value);
  if (limit.isnull || history_limit != -1) {
    options.history_limit = limit.isnull ? nullptr : &history_limit;
    assignments.add("history_limit", INT8OID, limit.value, limit.isnull);
  }
  const NullableDatum& retention = call.fcinfo->args[9];
  const Interval* age = retention.isnull ? nullptr : DatumGetIntervalP(retention.value);
  if (!is_left_out(age)) {
    options.retention = age;
    assignments.add("retention", INTERVALOID, retention.value, retention.isnull);
  }
  const NullableDatum& groups = call.fcinfo->args[10];
  int32 max_groups = groups.isnull ? 0 : DatumGetInt32(groups.value);
  if (!groups.isnull) {
    options.max_groups = &max_groups;
    assignments.add("max_groups", INT4OID, groups.value);
  }
  check_options(options);
  refuse_for_sessions(*definition, assignments);
  if (assignments.count == 0) return;

  SPI_connect();
  with_pinned_path([&] {
    if (definition->has_window && (options.history_limit == nullptr || *options.history_limit > 0)) {
      Oid table = table_for(history, relation, create_history);
      if (table != history) assignments.add("history", REGCLASSOID, ObjectIdGetDatum(table));
    }
    if (strcmp(options.late_events, "keep") == 0) {
      Oid table = table_for(late, relation, late_table_create);
      if (table != late) assignments.add("late", REGCLASSOID, ObjectIdGetDatum(table));
    }
    update_row(relation, assignments);
  });
  SPI_finish();
  // Readers keep what they read of the row.
  CacheInvalidateRelcacheByRelid(relation);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(alter_trend) {
  using namespace trending;
  if (PG_ARGISNULL(0)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("trend must not be null")));
  }
  alter_trend(PG_GETARG_OID(0), Call{fcinfo});
  PG_RETURN_VOID();
}
