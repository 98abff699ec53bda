// SPDX-License-Identifier: PostgreSQL
#include "definition/definition.h"

#include "definition/clauses/analysis.h"
#include "definition/clauses/source_check.h"

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

Expr* all_of(List* conditions) {
  return conditions == NIL ? nullptr : make_ands_explicit(conditions);
}

// What reads the source only is looked at before functions are called with what is in the row, as the server
// does.
void analyze_where(Analysis* analysis) {
  Node* where = analysis->query->jointree->quals;
  if (where == nullptr) return;
  expression_check(where, analysis->scope, "WHERE");
  List* of_row = NIL;
  List* of_element = NIL;
  List* of_dimensions = NIL;
  ListCell* cell = nullptr;
  foreach (cell, make_ands_implicit(prepare_expression(*analysis, where))) {
    auto* condition = static_cast<Expr*>(lfirst(cell));
    List** conditions = reads_element(condition)                            ? &of_element
                        : reads_dimension(*analysis->definition, condition) ? &of_dimensions
                                                                            : &of_row;
    *conditions = lappend(*conditions, condition);
  }
  analysis->definition->joined_where = all_of(of_dimensions);
  analysis->definition->where = all_of(of_row);
  if (of_element != NIL) analysis->unnesting->where = all_of(of_element);
}

// All expressions but those of event time and WHERE on the source alone.
List* other_expressions(const Definition& definition) {
  List* all = list_make1(definition.joined_where);
  if (definition.unnesting != nullptr) {
    all = lappend(list_concat(all, definition.unnesting->functions), definition.unnesting->where);
  }
  for (int d = 0; d < definition.dimension_count; d++) {
    const KeyCodec& key = definition.dimensions[d].key;
    for (int i = 0; i < key.count; i++) all = lappend(all, key.columns[i].expr);
  }
  for (int i = 0; i < definition.keys.count; i++) all = lappend(all, definition.keys.columns[i].expr);
  for (int i = 0; i < definition.aggregate_count; i++) {
    const DefinitionAggregate& aggregate = definition.aggregates[i];
    all = list_concat(all, list_make3(aggregate.argument, aggregate.at, aggregate.filter));
    for (int a = 0; aggregate.combined != nullptr && a < aggregate.combined->argument_count; a++) {
      all = lappend(all, aggregate.combined->arguments[a]);
    }
  }
  return all;
}

// The columns of the source that expressions read, in the order of their numbers.
List* columns_of(const Definition& definition, List* expressions) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(expressions), 1, &attributes);
  List* columns = NIL;
  for (int member = -1; (member = bms_next_member(attributes, member)) >= 0;) {
    const int attnum = member + FirstLowInvalidHeapAttributeNumber;
    if (definition.dimension_count == 0 || attnum <= definition.wide_base)
      columns = lappend_int(columns, attnum);
  }
  return columns;
}

// The columns that any expression reads.
void collect_source_columns(Definition* definition) {
  // The commit time is not in the row.
  Expr* event_time = definition->by_commit_time ? nullptr : definition->event_time;
  List* others = other_expressions(*definition);
  List* tuple = columns_of(*definition, others);
  definition->tuple_columns =
      static_cast<AttrNumber*>(palloc0(sizeof(AttrNumber) * static_cast<Size>(list_length(tuple) + 1)));
  ListCell* cell = nullptr;
  foreach (cell, tuple) {
    definition->tuple_columns[definition->tuple_column_count++] = static_cast<AttrNumber>(lfirst_int(cell));
  }
  List* all = columns_of(*definition, list_concat(list_make2(event_time, definition->where), others));
  definition->source_columns =
      static_cast<SourceColumn*>(palloc0(sizeof(SourceColumn) * static_cast<Size>(list_length(all) + 1)));
  foreach (cell, all) {
    SourceColumn* column = &definition->source_columns[definition->source_column_count++];
    column->attnum = static_cast<AttrNumber>(lfirst_int(cell));
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
  for (int d = 0; d < analysis.definition->dimension_count; d++) {
    source_check_row_security(analysis.definition->dimensions[d].relation, analysis.text, -1);
  }
}

}  // namespace

Expr* plan_expression(const Analysis& analysis, Node* expression) {
  auto* planned = reinterpret_cast<Node*>(expression_planner(reinterpret_cast<Expr*>(expression)));
  Node* offender = nullptr;
  if (find_sql_function(planned, &offender)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("functions written in SQL are not allowed in the definition of a trend"),
                    query_position(analysis.text, exprLocation(expression))));
  }
  return reinterpret_cast<Expr*>(planned);
}

Expr* prepare_expression(const Analysis& analysis, Node* expression) {
  if (expression == nullptr) return nullptr;
  auto* copy = static_cast<Node*>(copyObjectImpl(expression));
  // First those of elements: in FROM their number may be 1.
  if (analysis.scope.unnesting != 0) {
    ChangeVarNodes(copy, static_cast<int>(analysis.scope.unnesting), INNER_VAR, 0);
  }
  ChangeVarNodes(copy, static_cast<int>(analysis.scope.source), 1, 0);
  return plan_expression(analysis, copy);
}

namespace {

Analysis* new_analysis(const char* text, const char* trend) {
  auto* analysis = static_cast<Analysis*>(palloc0(sizeof(Analysis)));
  analysis->definition = static_cast<Definition*>(palloc0(sizeof(Definition)));
  analysis->text.text = text;
  analysis->text.trend = trend;
  analysis->text.location = -1;
  analysis->source_location = analysis->window_location = -1;
  return analysis;
}

// The digest of the rule, and of what would change the meaning of a state without changing the rule.
void set_fingerprints(Definition* definition, const Fingerprint& rule) {
  StringInfoData all;
  initStringInfo(&all);
  appendBinaryStringInfo(&all, reinterpret_cast<const char*>(rule.bytes), sizeof(rule.bytes));
  for (int i = 0; i < definition->aggregate_count; i++) {
    const CombinedAggregate* combined = definition->aggregates[i].combined;
    if (combined == nullptr) continue;
    appendBinaryStringInfo(&all, reinterpret_cast<const char*>(combined->functions.bytes),
                           sizeof(combined->functions.bytes));
  }
  definition->rule = rule;
  definition->state = fingerprint_of(all.data, static_cast<size_t>(all.len));
  pfree(all.data);
}

// From the query as the analyser left it.
void analyze_query(Analysis* analysis, bool rights) {
  analysis->definition->query = static_cast<Query*>(copyObjectImpl(analysis->query));
  compat::inline_group_expressions(analysis->query);
  analyze_from(analysis);
  if (rights) check_rights(*analysis);
  analyze_where(analysis);
  analyze_group_by(analysis);
  analyze_select_list(analysis);
  analyze_order_by(analysis);
  analyze_decay(analysis);
  analyze_having(analysis);
  check_dimensions(*analysis);
  if (rights) check_aggregate_rights(*analysis);
  collect_source_columns(analysis->definition);
}

}  // namespace

Definition* definition_analyze(const char* query) {
  Analysis* analysis = new_analysis(query, nullptr);
  query_text_begin(&analysis->text);
  RawStmt* statement = nullptr;
  analysis->select = parse_select(analysis->text, &statement);
  check_clauses(analysis->select, analysis->text);
  check_from_shape(analysis);
  analysis->query = parse_analyze_fixedparams(statement, query, nullptr, 0, nullptr);
  analyze_query(analysis, true);
  query_text_end(&analysis->text);
  return analysis->definition;
}

Definition* definition_of_query(Query* query, const Fingerprint& rule, const char* trend, bool check_rights) {
  Analysis* analysis = new_analysis(nullptr, trend);
  query_text_begin(&analysis->text);
  analysis->query = query;
  analysis->select = makeNode(SelectStmt);
  check_query(analysis->query);
  analyze_query(analysis, check_rights);
  set_fingerprints(analysis->definition, rule);
  query_text_end(&analysis->text);
  return analysis->definition;
}

}  // namespace trending
