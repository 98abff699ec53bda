#include "definition/definition.h"

#include "definition/analysis.h"
#include "definition/source_check.h"

namespace trending {

namespace {

// A SQL function that the planner did not inline would be planned and run while decoding.
bool has_sql_function(Oid function, void*) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", function);
  bool is_sql = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prolang == SQLlanguageId;
  ReleaseSysCache(tuple);
  return is_sql;
}

bool find_sql_function(Node* node, void* context) {
  if (node == nullptr) return false;
  if (check_functions_in_node(node, has_sql_function, nullptr)) {
    *static_cast<Node**>(context) = node;
    return true;
  }
  return compat::walk_expression(node, find_sql_function, context);
}

bool is_constant_true(const Expr* expression) {
  if (!IsA(expression, Const)) return false;
  auto* constant = reinterpret_cast<const Const*>(expression);
  return !constant->constisnull && DatumGetBool(constant->constvalue);
}

void analyze_where(Analysis* analysis) {
  Node* where = analysis->query->jointree->quals;
  if (where == nullptr) return;
  expression_check(where, analysis->scope, "WHERE");
  Expr* prepared = prepare_expression(*analysis, where);
  if (!is_constant_true(prepared)) analysis->definition->where = prepared;
}

// The columns that any expression reads.
void collect_source_columns(Definition* definition) {
  // The commit time is not in the row.
  Expr* event_time = definition->by_commit_time ? nullptr : definition->event_time;
  List* all = list_make2(event_time, definition->where);
  for (int i = 0; i < definition->keys.count; i++) all = lappend(all, definition->keys.columns[i].expr);
  for (int i = 0; i < definition->aggregate_count; i++) {
    const DefinitionAggregate& aggregate = definition->aggregates[i];
    all = list_concat(all, list_make3(aggregate.argument, aggregate.at, aggregate.filter));
    for (int a = 0; aggregate.combined != nullptr && a < aggregate.combined->argument_count; a++) {
      all = lappend(all, aggregate.combined->arguments[a]);
    }
  }
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(all), 1, &attributes);
  definition->source_columns =
      static_cast<SourceColumn*>(palloc0(sizeof(SourceColumn) * (bms_num_members(attributes) + 1)));
  for (int member = -1; (member = bms_next_member(attributes, member)) >= 0;) {
    SourceColumn* column = &definition->source_columns[definition->source_column_count++];
    column->attnum = static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber);
    column->name = get_attname(definition->source, column->attnum, false);
    get_atttypetypmodcoll(definition->source, column->attnum, &column->type, &column->typmod,
                          &column->collation);
  }
}

// What the executor checks of an aggregate whose functions the worker will call.
void check_aggregate_rights(const Analysis& analysis) {
  ListCell* cell = nullptr;
  foreach (cell, analysis.aggregates) {
    const auto* aggregate = lfirst_node(Aggref, cell);
    AclResult rights = compat::function_aclcheck(aggregate->aggfnoid, GetUserId(), ACL_EXECUTE);
    if (rights != ACLCHECK_OK) {
      aclcheck_error(rights, OBJECT_AGGREGATE, get_func_name(aggregate->aggfnoid));
    }
  }
}

void check_rights(const Analysis& analysis) {
  compat::check_query_rights(analysis.query);
  source_check_row_security(analysis.definition->source, analysis.text, analysis.source_location);
}

}  // namespace

// Deparsing wants the query as the analyser left it.
const char* canonical_text(Query* query) {
  int nest_level = canonical_settings_begin();
  const char* text = pg_get_querydef(static_cast<Query*>(copyObjectImpl(query)), false);
  canonical_settings_end(nest_level);
  while (*text == ' ') text++;
  return text;
}

void rename_source(Node* item, Oid source) {
  if (IsA(item, JoinExpr)) {
    rename_source(reinterpret_cast<JoinExpr*>(item)->larg, source);
    return;
  }
  const char* name = get_rel_name(source);
  if (!IsA(item, RangeVar) || name == nullptr) return;
  auto* range = reinterpret_cast<RangeVar*>(item);
  if (range->alias == nullptr) range->alias = makeAlias(range->relname, NIL);
  range->catalogname = nullptr;
  range->schemaname = get_namespace_name(get_rel_namespace(source));
  range->relname = pstrdup(name);
}

Query* stored_query(const char* text, Oid source) {
  int nest_level = canonical_settings_begin();
  QueryText place = {text, nullptr, -1, {}};
  RawStmt* statement = nullptr;
  SelectStmt* select = parse_select(place, &statement);
  ListCell* cell = nullptr;
  foreach (cell, select->fromClause) rename_source(static_cast<Node*>(lfirst(cell)), source);
  Query* query = parse_analyze_fixedparams(statement, text, nullptr, 0, nullptr);
  canonical_settings_end(nest_level);
  return query;
}

Expr* prepare_expression(const Analysis& analysis, Node* expression) {
  if (expression == nullptr) return nullptr;
  auto* copy = static_cast<Node*>(copyObjectImpl(expression));
  ChangeVarNodes(copy, static_cast<int>(analysis.scope.source), 1, 0);
  auto* planned = reinterpret_cast<Node*>(expression_planner(reinterpret_cast<Expr*>(copy)));
  Node* offender = nullptr;
  if (find_sql_function(planned, &offender)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("functions written in SQL are not allowed in the definition of a trend"),
                    query_position(analysis.text, exprLocation(expression))));
  }
  return reinterpret_cast<Expr*>(planned);
}

Definition* analyze(const AnalysisRequest& request) {
  auto* analysis = static_cast<Analysis*>(palloc0(sizeof(Analysis)));
  auto* definition = static_cast<Definition*>(palloc0(sizeof(Definition)));
  analysis->definition = definition;
  analysis->text.text = request.query;
  analysis->text.trend = request.trend;
  analysis->text.location = -1;
  query_text_begin(&analysis->text);

  RawStmt* statement = nullptr;
  analysis->select = parse_select(analysis->text, &statement);
  check_clauses(analysis->select, analysis->text);
  check_from_shape(analysis);
  if (OidIsValid(request.source)) {
    ListCell* cell = nullptr;
    foreach (cell, analysis->select->fromClause)
      rename_source(static_cast<Node*>(lfirst(cell)), request.source);
  }
  analysis->query = parse_analyze_fixedparams(statement, request.query, nullptr, 0, nullptr);
  definition->text = canonical_text(analysis->query);
  compat::inline_group_expressions(analysis->query);

  analyze_from(analysis);
  if (request.check_rights) check_rights(*analysis);
  analyze_where(analysis);
  analyze_group_by(analysis);
  analyze_select_list(analysis);
  analyze_order_by(analysis);
  analyze_decay(analysis);
  analyze_having(analysis);
  if (request.check_rights) check_aggregate_rights(*analysis);
  collect_source_columns(definition);
  query_text_end(&analysis->text);
  return definition;
}

Definition* definition_analyze(const char* query, bool check_rights) {
  return analyze(AnalysisRequest{query, nullptr, InvalidOid, check_rights});
}

}  // namespace trending
