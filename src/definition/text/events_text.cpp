// SPDX-License-Identifier: PostgreSQL
#include "definition/text/events_text.h"

#include "definition/text/definition_text.h"

namespace trending {

namespace {

// Deparsing looks at the names of Vars only.
constexpr Oid kAnyType = INT4OID;

Var* column_of(Index entry, int column) {
  return makeVar(static_cast<int>(entry), static_cast<AttrNumber>(column), kAnyType, -1, InvalidOid, 0);
}

// An expression of the definition as the query has it.
Expr* in_query(const Definition& definition, const Expr* expression) {
  auto* copy = static_cast<Node*>(copyObjectImpl(expression));
  ChangeVarNodes(copy, 1, static_cast<int>(definition.source_entry), 0);
  if (definition.unnesting_entry != 0) {
    ChangeVarNodes(copy, INNER_VAR, static_cast<int>(definition.unnesting_entry), 0);
  }
  return reinterpret_cast<Expr*>(copy);
}

// One row in the window function's place, so that joins stay as they are.
void remove_window(const Definition& definition, Query* query) {
  if (definition.window_entry == 0) return;
  RangeTblEntry* entry = rt_fetch(definition.window_entry, query->rtable);
  auto* one_row = makeNode(Query);
  one_row->commandType = CMD_SELECT;
  one_row->canSetTag = true;
  one_row->jointree = makeFromExpr(NIL, nullptr);
  ListCell* cell = nullptr;
  foreach (cell, entry->eref->colnames) {
    const Oid type = window_bound_type(definition);
    auto* bound = reinterpret_cast<Expr*>(makeNullConst(type, -1, InvalidOid));
    const auto number = static_cast<AttrNumber>(foreach_current_index(cell) + 1);
    one_row->targetList =
        lappend(one_row->targetList, makeTargetEntry(bound, number, strVal(lfirst(cell)), false));
  }
  entry->rtekind = RTE_SUBQUERY;
  entry->functions = NIL;
  entry->subquery = one_row;
}

// The definition's FROM and WHERE, with nothing selected.
Query* events_query(const Definition& definition) {
  auto* query = static_cast<Query*>(copyObjectImpl(definition.query));
  compat::drop_group_entry(query);
  query->targetList = query->groupClause = query->sortClause = NIL;
  query->havingQual = nullptr;
  query->hasAggs = false;
  remove_window(definition, query);
  List* conditions = NIL;
  const Expr* of_element = definition.unnesting == nullptr ? nullptr : definition.unnesting->where;
  for (const Expr* condition : {static_cast<const Expr*>(definition.where), of_element}) {
    if (condition != nullptr) conditions = lappend(conditions, in_query(definition, condition));
  }
  query->jointree->quals =
      conditions == NIL ? nullptr : reinterpret_cast<Node*>(make_ands_explicit(conditions));
  return query;
}

void select(Query* query, Expr* expression, const char* name) {
  const auto number = static_cast<AttrNumber>(list_length(query->targetList) + 1);
  query->targetList =
      lappend(query->targetList, makeTargetEntry(expression, number, const_cast<char*>(name), false));
}

void select_keys(const Definition& definition, Query* query, const char* prefix) {
  for (int i = 0; i < definition.keys.count; i++) {
    select(query, in_query(definition, definition.keys.columns[i].expr),
           psprintf("%s key %d", prefix, i + 1));
  }
}

// The names of the source's columns by number; "" for those that were dropped.
List* source_columns(const Definition& definition) {
  Relation relation = table_open(definition.source, AccessShareLock);
  const TupleDesc descriptor = RelationGetDescr(relation);
  List* names = NIL;
  for (int i = 0; i < descriptor->natts; i++) {
    const Form_pg_attribute column = TupleDescAttr(descriptor, i);
    names = lappend(names, makeString(pstrdup(column->attisdropped ? "" : NameStr(column->attname))));
  }
  table_close(relation, NoLock);
  return names;
}

}  // namespace

const char* events_text(const Definition& definition, const char* prefix) {
  Query* query = events_query(definition);
  ListCell* cell = nullptr;
  foreach (cell, source_columns(definition)) {
    const char* name = strVal(lfirst(cell));
    Var* column = column_of(definition.source_entry, foreach_current_index(cell) + 1);
    if (name[0] != '\0') select(query, reinterpret_cast<Expr*>(column), name);
  }
  if (definition.unnesting_entry != 0) {
    const RangeTblEntry* entry = rt_fetch(definition.unnesting_entry, query->rtable);
    for (int i = 1; i <= list_length(entry->eref->colnames); i++) {
      select(query, reinterpret_cast<Expr*>(column_of(definition.unnesting_entry, i)),
             psprintf("%s element %d", prefix, i));
    }
  }
  Expr* time = in_query(definition, definition.event_time);
  if (definition.event_time_type == DATEOID) {
    time = reinterpret_cast<Expr*>(makeFuncExpr(F_TIMESTAMP_DATE, TIMESTAMPOID, list_make1(time), InvalidOid,
                                                InvalidOid, COERCE_EXPLICIT_CAST));
  }
  select(query, time, psprintf("%s time", prefix));
  select_keys(definition, query, prefix);
  return definition_text(query);
}

const char* keys_text(const Definition& definition, const char* prefix, const char* rows) {
  Query* query = events_query(definition);
  RangeTblEntry* entry = rt_fetch(definition.source_entry, query->rtable);
  List* names = source_columns(definition);
  const int count = list_length(names);
  char* place = psprintf("%s place", prefix);
  char* time = psprintf("%s time", prefix);
  entry->rtekind = RTE_CTE;
  entry->relid = InvalidOid;
  entry->ctename = pstrdup(rows);
  if (entry->alias != nullptr) entry->alias->colnames = NIL;
  entry->eref->colnames = list_concat(names, list_make2(makeString(place), makeString(time)));
  select(query, reinterpret_cast<Expr*>(column_of(definition.source_entry, count + 1)), place);
  select(query, reinterpret_cast<Expr*>(column_of(definition.source_entry, count + 2)), time);
  select_keys(definition, query, prefix);
  return definition_text(query);
}

Node* parsed_expression(const Definition& definition, const Expr* expression) {
  Query* query = events_query(definition);
  select(query, in_query(definition, expression), "expression");
  RawStmt* statement = nullptr;
  return linitial_node(ResTarget, parse_one(definition_text(query), &statement)->targetList)->val;
}

SelectStmt* parse_one(const char* text, RawStmt** statement) {
  *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT));
  return castNode(SelectStmt, (*statement)->stmt);
}

}  // namespace trending
