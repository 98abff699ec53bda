// SPDX-License-Identifier: PostgreSQL
#include "definition/text/batch_text.h"

#include <algorithm>

#include "definition/query_text.h"
#include "definition/text/caught_text.h"
#include "definition/text/definition_text.h"
#include "definition/text/float_size.h"
#include "definition/text/session_query.h"

namespace trending {

namespace {

void add_sizes(Query* query) {
  List* sizes = NIL;
  int column = 0;
  int last = 0;
  ListCell* cell = nullptr;
  foreach (cell, query->targetList) {
    auto* entry = lfirst_node(TargetEntry, cell);
    last = std::max(last, int{entry->resno});
    if (entry->resjunk) continue;
    if (IsA(entry->expr, Aggref)) {
      auto* aggregate = reinterpret_cast<Aggref*>(entry->expr);
      if (has_float_size(aggregate->aggfnoid)) {
        sizes = lappend(
            sizes, makeTargetEntry(float_size(aggregate), 0, const_cast<char*>(size_column(column)), false));
      }
    }
    column++;
  }
  foreach (cell, sizes) {
    lfirst_node(TargetEntry, cell)->resno = static_cast<AttrNumber>(++last);
  }
  query->targetList = list_concat(query->targetList, sizes);
}

// The event time as the window function of FROM has it; NULL without one.
Node* event_time_of(const Query* query) {
  ListCell* cell = nullptr;
  foreach (cell, query->rtable) {
    auto* entry = lfirst_node(RangeTblEntry, cell);
    if (entry->rtekind != RTE_FUNCTION) continue;
    auto* function = linitial_node(RangeTblFunction, entry->functions);
    if (!IsA(function->funcexpr, FuncExpr)) continue;
    auto* call = reinterpret_cast<FuncExpr*>(function->funcexpr);
    const char* schema = get_namespace_name(get_func_namespace(call->funcid));
    if (schema != nullptr && strcmp(schema, "trending") == 0) return static_cast<Node*>(linitial(call->args));
  }
  return nullptr;
}

void add_until(Query* query, const Definition& definition, Time until) {
  Node* time = event_time_of(query);
  if (time == nullptr) return;
  const Oid bound = window_bound_type(definition);
  const Oid type = getBaseType(exprType(time));
  const Oid less =
      OpernameGetOprid(list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup("<="))), type, bound);
  if (!OidIsValid(less)) elog(ERROR, "event times cannot be compared");
  Const* limit = makeConst(bound, -1, InvalidOid, sizeof(int64), window_bound_datum(bound, until), false,
                           FLOAT8PASSBYVAL);
  Expr* condition = make_opclause(less, BOOLOID, false, static_cast<Expr*>(copyObjectImpl(time)),
                                  reinterpret_cast<Expr*>(limit), InvalidOid, InvalidOid);
  set_opfuncid(reinterpret_cast<OpExpr*>(condition));
  query->jointree->quals = make_and_qual(query->jointree->quals, reinterpret_cast<Node*>(condition));
}

const char* base_text(const Definition& definition, const BatchText& how) {
  if (definition.window.kind == WindowKind::kSession) {
    return session_query_text(definition, how.only_latest, how.until);
  }
  if (definition.half_life == 0) return definition_text(definition);
  if (how.since != kEndTime) {
    Datum since = DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(how.since));
    return definition_text_since(definition,
                                 psprintf("'%s'::pg_catalog.timestamptz", DatumGetCString(since)));
  }
  return definition_text_since(
      definition,
      psprintf("(SELECT trending.counted_since('%u'::pg_catalog.regclass))", definition.relation));
}

}  // namespace

const char* definition_batch_text(const Definition& definition, const BatchText& how) {
  const char* text = base_text(definition, how);
  const bool has_until = how.until != kEndTime && definition.has_window && !definition.by_commit_time &&
                         definition.window.kind != WindowKind::kSession;
  if (!how.with_sizes && !has_until && !how.catches) return text;
  int nest_level = canonical_settings_begin();
  auto* statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT));
  Query* query = parse_analyze_fixedparams(statement, text, nullptr, 0, nullptr);
  if (how.catches) {
    compat::inline_group_expressions(query);
    catch_failures(query);
  }
  if (how.with_sizes) add_sizes(query);
  if (has_until) add_until(query, definition, how.until);
  text = pg_get_querydef(query, false);
  canonical_settings_end(nest_level);
  return text;
}

const char* size_column(int column) {
  return psprintf("trending size %d", column);
}

}  // namespace trending
