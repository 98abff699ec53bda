// SPDX-License-Identifier: PostgreSQL
#include "definition/text/caught_text.h"

#include "postgres/guard.h"
#include "values/evaluation.h"

namespace trending {

namespace {

// An expression over the arguments of a call.
struct CaughtExpression {
  ExprState* state;
  ExprContext* context;
  TupleTableSlot* slot;  // the arguments
  Oid type;
};

struct CaughtExpressions {
  MemoryContext memory;
  MemoryContextCallback end;
  List* expressions;  // CaughtExpression*, by number
};

CaughtExpressions* caught = nullptr;

CaughtExpressions* caught_expressions() {
  if (caught != nullptr) return caught;
  MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending caught expressions", ALLOCSET_DEFAULT_SIZES);
  auto* made = static_cast<CaughtExpressions*>(MemoryContextAllocZero(memory, sizeof(CaughtExpressions)));
  made->memory = memory;
  made->end.func = [](void*) { caught = nullptr; };
  MemoryContextRegisterResetCallback(memory, &made->end);
  return caught = made;
}

// -- making calls

struct Replacing {
  const Query* query;
  List* arguments;  // of the call
};

bool is_grouped(const Query* query, Node* node) {
  ListCell* cell = nullptr;
  foreach (cell, query->groupClause) {
    const TargetEntry* entry = get_sortgroupclause_tle(lfirst_node(SortGroupClause, cell), query->targetList);
    if (equal(entry->expr, node)) return true;
  }
  return false;
}

bool is_argument(const Query* query, Node* node) {
  return IsA(node, Aggref) || IsA(node, Var) || (!IsA(node, Const) && is_grouped(query, node));
}

// Puts columns of the call's arguments in the place of aggregates and of what is grouped by.
Node* replace(Node* node, void* context) {
  if (node == nullptr) return nullptr;
  auto* replacing = static_cast<Replacing*>(context);
  if (!is_argument(replacing->query, node)) return compat::mutate_expression(node, replace, context);
  int index = 0;
  while (index < list_length(replacing->arguments) && !equal(list_nth(replacing->arguments, index), node))
    index++;
  if (index == list_length(replacing->arguments)) replacing->arguments = lappend(replacing->arguments, node);
  return reinterpret_cast<Node*>(makeVar(1, static_cast<AttrNumber>(index + 1), exprType(node),
                                         exprTypmod(node), exprCollation(node), 0));
}

TupleTableSlot* slot_of(List* arguments) {
  TupleDesc row = CreateTemplateTupleDesc(list_length(arguments));
  ListCell* cell = nullptr;
  foreach (cell, arguments) {
    auto* argument = static_cast<Node*>(lfirst(cell));
    const auto number = static_cast<AttrNumber>(foreach_current_index(cell) + 1);
    TupleDescInitEntry(row, number, "argument", exprType(argument), exprTypmod(argument), 0);
    TupleDescInitEntryCollation(row, number, exprCollation(argument));
  }
  return MakeSingleTupleTableSlot(compat::complete(row), &TTSOpsVirtual);
}

// Returns its number.
int add_expression(Expr* expression, List* arguments) {
  CaughtExpressions* all = caught_expressions();
  MemoryContext caller = MemoryContextSwitchTo(all->memory);
  auto* made = static_cast<CaughtExpression*>(palloc0(sizeof(CaughtExpression)));
  made->type = exprType(reinterpret_cast<Node*>(expression));
  made->slot = slot_of(arguments);
  made->context = CreateStandaloneExprContext();
  made->context->ecxt_scantuple = made->slot;
  made->state = ExecInitExpr(expression_planner(expression), nullptr);
  all->expressions = lappend(all->expressions, made);
  MemoryContextSwitchTo(caller);
  return list_length(all->expressions) - 1;
}

Oid caught_function() {
  const Oid types[] = {ANYELEMENTOID, INT4OID, ANYOID};
  List* name = list_make2(makeString(pstrdup("trending_internal")), makeString(pstrdup("caught")));
  return LookupFuncName(name, 3, types, false);
}

Expr* call_of(const Query* query, Node* expression) {
  Replacing replacing{query, NIL};
  auto* over_arguments = reinterpret_cast<Expr*>(replace(expression, &replacing));
  // A call has one argument at least.
  if (replacing.arguments == NIL) replacing.arguments = list_make1(makeBoolConst(true, false));
  const int number = add_expression(over_arguments, replacing.arguments);
  const Oid type = exprType(expression);
  const Oid collation = exprCollation(expression);
  Const* like = makeNullConst(type, -1, collation);
  Const* which = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(number), false, true);
  Expr* call = reinterpret_cast<Expr*>(makeFuncExpr(caught_function(), type,
                                                    list_concat(list_make2(like, which), replacing.arguments),
                                                    collation, collation, COERCE_EXPLICIT_CALL));
  if (!OidIsValid(collation)) return call;
  auto* collate = makeNode(CollateExpr);
  collate->arg = call;
  collate->collOid = collation;
  collate->location = -1;
  return reinterpret_cast<Expr*>(collate);
}

bool is_group_reference(const Query* query, const TargetEntry* entry) {
  return entry->ressortgroupref != 0 &&
         get_sortgroupref_clause_noerr(entry->ressortgroupref, query->groupClause) != nullptr;
}

}  // namespace

void catch_failures(Query* query) {
  query->sortClause = NIL;
  List* targets = NIL;
  ListCell* cell = nullptr;
  foreach (cell, query->targetList) {
    auto* entry = lfirst_node(TargetEntry, cell);
    const bool is_group = is_group_reference(query, entry);
    if (entry->resjunk && !is_group) continue;
    auto* expression = reinterpret_cast<Node*>(entry->expr);
    auto* kept = flatCopyTargetEntry(entry);
    if (!is_group && !IsA(expression, Const) && !is_argument(query, expression)) {
      kept->expr = call_of(query, expression);
    }
    targets = lappend(targets, kept);
  }
  if (query->havingQual != nullptr) {
    query->havingQual = reinterpret_cast<Node*>(call_of(query, query->havingQual));
  }
  query->targetList = targets;
}

}  // namespace trending

// The value of an expression over the arguments from the third on; NULL where it fails.
TRENDING_FUNCTION(caught) {
  using namespace trending;
  const int number = PG_ARGISNULL(1) ? -1 : PG_GETARG_INT32(1);
  const bool exists = caught != nullptr && number >= 0 && number < list_length(caught->expressions);
  auto* found = exists ? static_cast<CaughtExpression*>(list_nth(caught->expressions, number)) : nullptr;
  bool fits = exists && PG_NARGS() == found->slot->tts_tupleDescriptor->natts + 2 &&
              get_fn_expr_argtype(fcinfo->flinfo, 0) == found->type;
  for (int i = 2; i < PG_NARGS() && fits; i++) {
    fits = get_fn_expr_argtype(fcinfo->flinfo, i) ==
           TupleDescAttr(found->slot->tts_tupleDescriptor, i - 2)->atttypid;
  }
  if (!fits) {
    ereport(
        ERROR,
        (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
         errmsg("trending_internal.caught is for the queries of trending.verify and trending.recompute")));
  }
  ExecClearTuple(found->slot);
  for (int i = 2; i < PG_NARGS(); i++) {
    found->slot->tts_values[i - 2] = PG_GETARG_DATUM(i);
    found->slot->tts_isnull[i - 2] = PG_ARGISNULL(i);
  }
  ExecStoreVirtualTuple(found->slot);
  ResetExprContext(found->context);
  Datum value = 0;
  bool isnull = true;
  MemoryContext caller = MemoryContextSwitchTo(found->context->ecxt_per_tuple_memory);
  const bool good =
      evaluate(nullptr, nullptr, [&] { value = ExecEvalExpr(found->state, found->context, &isnull); });
  MemoryContextSwitchTo(caller);
  if (!good || isnull) PG_RETURN_NULL();
  int16 length = 0;
  bool by_value = false;
  get_typlenbyval(found->type, &length, &by_value);
  PG_RETURN_DATUM(datumCopy(value, by_value, length));
}
