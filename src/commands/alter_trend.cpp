// SPDX-License-Identifier: PostgreSQL
// trending.alter_trend: options of a trend that runs.
//
// The new row is committed like any other; the worker takes it up at exactly the position of that commit and
// goes on with the state that it has (bgworker/alter.cpp). History or late rows that are switched on get
// their table, or the one that was kept when they were switched off.
#include "catalog/as_extension_owner.h"
#include "catalog/definition_catalog.h"
#include "catalog/history_table.h"
#include "catalog/own_trend.h"
#include "catalog/trend_options.h"
#include "definition/label.h"
#include "postgres/guard.h"
#include "postgres/spi.h"

namespace trending {

namespace {

// The table that was kept, if there still is one, or a new one.
Oid table_for(Oid kept, Oid relation, Oid (*create)(Oid relation)) {
  if (OidIsValid(kept) && get_rel_name(kept) != nullptr) return kept;
  return create(relation);
}

Oid create_history(Oid relation) {
  return history_table_create(relation, *definition_load_relation(relation));
}

// What is set in the trend's row.
struct Assignments {
  StringInfoData list;
  SpiValue values[kTrendColumnCount];  // the first is the trend
  int count;

  void add(const char* column, const SpiValue& value) {
    appendStringInfo(&list, "%s%s = $%d", count > 1 ? ", " : "", column, count + 1);
    values[count++] = value;
  }
};

Assignments assignments_for(Oid relation) {
  Assignments assignments = {};
  initStringInfo(&assignments.list);
  assignments.values[assignments.count++] = spi_relation(relation);
  return assignments;
}

void update_row(const Assignments& assignments) {
  as_extension_owner([&] {
    (void)spi_execute(psprintf("UPDATE trending.trend SET %s WHERE relation OPERATOR(pg_catalog.=) $1",
                               assignments.list.data),
                      assignments.values, assignments.count);
  });
}

[[noreturn]] void refuse_query() {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the query of a trend cannot be changed"),
                  errdetail("What has been counted belongs to the query as it is."),
                  errhint("Drop the trend with trending.drop_trend() and create it again.")));
  pg_unreachable();
}

// Sessions that are open, or closed and not final, have been judged by some options.
void refuse_for_sessions(const Definition& definition, const TrendOptionInfo& info) {
  if (definition.window.kind != WindowKind::kSession || !info.fixed_for_sessions) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("%s of a trend with session windows cannot be changed", info.name),
                  errhint("Drop the trend with trending.drop_trend() and create it again.")));
}

// As a label is stored.
NullableDatum resolved_label(const NullableDatum& label, const Definition* definition) {
  if (label.isnull) return label;
  LabelSource source = label_resolve(TextDatumGetCString(label.value), definition);
  label_check_rights(source);
  return {CStringGetTextDatum(label_text(source)), false};
}

// The options that the arguments name. True in `changed` for each.
void take_arguments(FunctionCallInfo fcinfo, const Definition* definition, OptionValues* options,
                    bool (&changed)[kTrendOptionCount]) {
  int position = 2;  // behind the trend and the query
  for (int i = 0; i < kTrendOptionCount; i++) {
    const TrendOptionInfo& info = option_table[i];
    if (info.stays == nullptr) continue;
    const NullableDatum& argument = fcinfo->args[position++];
    changed[i] = !info.stays(argument);
    if (!changed[i]) continue;
    options->list[i] = info.option == TrendOption::kLabel ? resolved_label(argument, definition) : argument;
  }
}

void alter_trend(Oid relation, FunctionCallInfo fcinfo) {
  (void)own_trend(relation);
  LockRelationOid(relation, ShareUpdateExclusiveLock);
  if (!fcinfo->args[1].isnull) refuse_query();
  OptionValues options;
  Oid history = InvalidOid;
  Oid late = InvalidOid;
  if (!stored_option_values(relation, &options, &history, &late))
    elog(ERROR, "the trend was dropped meanwhile");
  const Definition* definition = definition_load_relation(relation);

  bool changed[kTrendOptionCount] = {};
  take_arguments(fcinfo, definition, &options, changed);
  check_options(options);
  Assignments assignments = assignments_for(relation);
  for (int i = 0; i < kTrendOptionCount; i++) {
    if (!changed[i]) continue;
    refuse_for_sessions(*definition, option_table[i]);
    assignments.add(option_table[i].name,
                    SpiValue{option_table[i].type, options.list[i].value, options.list[i].isnull});
  }
  if (assignments.count == 1) return;

  const DefinitionOptions wanted = definition_options(options);
  SPI_connect();
  with_pinned_path([&] {
    if (definition->has_window && wanted.history_limit != 0) {
      Oid table = table_for(history, relation, create_history);
      if (table != history) assignments.add("history", spi_relation(table));
    }
    if (wanted.keep_late_events) {
      Oid table = table_for(late, relation, late_table_create);
      if (table != late) assignments.add("late", spi_relation(table));
    }
    update_row(assignments);
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
  alter_trend(PG_GETARG_OID(0), fcinfo);
  PG_RETURN_VOID();
}
