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
  LabelSource source = label_resolve(TextDatumGetCString(label.value), definition);
  label_check_rights(source);
  return {CStringGetTextDatum(label_text(source)), false};
}

// What is to become of the options.
struct Changes {
  OptionValues* values;
  bool changed[kTrendOptionCount];

  void set(int option, const NullableDatum& value) {
    if (changed[option]) {
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("option \"%s\" is named twice", option_table[option].name)));
    }
    changed[option] = true;
    values->list[option] = value;
  }
};

const char* alterable_options() {
  StringInfoData names;
  initStringInfo(&names);
  for (const TrendOptionInfo& info : option_table) {
    if (info.can_be_altered) appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", info.name);
  }
  return names.data;
}

int option_named(const char* name) {
  for (int i = 0; i < kTrendOptionCount; i++) {
    if (strcmp(option_table[i].name, name) != 0) continue;
    if (option_table[i].can_be_altered) return i;
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s of a trend cannot be changed", name),
                    errhint("Drop the trend with trending.drop_trend() and create it again.")));
  }
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("trends have no option \"%s\"", name),
                  errhint("Options that can be altered: %s.", alterable_options())));
  pg_unreachable();
}

// unset: to none, which not all options can be. reset: to the default of create_trend.
void take_names(const NullableDatum& argument, const char* what, bool to_default, Changes* changes) {
  if (argument.isnull) return;
  Datum* names = nullptr;
  bool* isnull = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(argument.value), TEXTOID, -1, false, TYPALIGN_INT, &names, &isnull,
                    &count);
  for (int i = 0; i < count; i++) {
    if (isnull[i]) {
      ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not contain nulls", what)));
    }
    const int option = option_named(TextDatumGetCString(names[i]));
    changes->set(option, to_default ? default_option(option_table[option]) : NullableDatum{Datum{0}, true});
  }
}

// The arguments are the trend, the query, the options that can be altered, unset and reset.
void take_arguments(FunctionCallInfo fcinfo, const Definition* definition, Changes* changes) {
  int position = 2;
  for (int i = 0; i < kTrendOptionCount; i++) {
    if (!option_table[i].can_be_altered) continue;
    const NullableDatum& argument = fcinfo->args[position++];
    if (argument.isnull) continue;
    const bool is_label = option_table[i].option == TrendOption::kLabel;
    changes->set(i, is_label ? resolved_label(argument, definition) : argument);
  }
  take_names(fcinfo->args[position], "unset", false, changes);
  take_names(fcinfo->args[position + 1], "reset", true, changes);
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

  Changes changes = {&options, {}};
  take_arguments(fcinfo, definition, &changes);
  check_options(options);
  Assignments assignments = assignments_for(relation);
  for (int i = 0; i < kTrendOptionCount; i++) {
    if (!changes.changed[i]) continue;
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
