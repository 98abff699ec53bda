// SPDX-License-Identifier: PostgreSQL
#include "definition/clauses/expression_check.h"

#include "definition/clauses/commit_time.h"
#include "values/key_type.h"
#include "values/parse_timestamptz.h"

namespace trending {

namespace {

struct Walk {
  const ExpressionScope* scope;
  const char* place;
};

// A function that may not be used, found in some node.
struct BadFunction {
  Oid function = InvalidOid;
  bool user_defined = false;
};

bool find_bad_function(Oid function, void* context) {
  auto* found = static_cast<BadFunction*>(context);
  found->user_defined = function >= FirstNormalObjectId && !is_parse_timestamptz(function);
  if (!found->user_defined && func_volatile(function) == PROVOLATILE_IMMUTABLE) return false;
  found->function = function;
  return true;
}

bool is_operator_node(Node* node) {
  return IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr) ||
         IsA(node, ScalarArrayOpExpr);
}

constexpr const char* kNoHint = "Only what gives the same result at any time can be counted.";
constexpr const char* kClockHint =
    "Which rows are recent is what a window function says, such as trending.hop(time_column, slide => '1 "
    "minute', "
    "size => '1 day'): rows leave its windows as time passes.";

// What the functions give that ask for the time, and for nothing else.
bool asks_for_time(Oid function) {
  Oid* types = nullptr;
  int count = 0;
  get_func_signature(function, &types, &count);
  const char* name = get_func_name(function);
  for (const char* known :
       {"now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday"}) {
    if (count == 0 && strcmp(name, known) == 0) return true;
  }
  // age(x) is from x to today.
  return count == 1 && strcmp(name, "age") == 0;
}

Oid local_type(Oid type) {
  return type == TIMESTAMPTZOID ? TIMESTAMPOID : type;
}

List* built_in_name(const char* name) {
  return list_make2(makeString(pstrdup("pg_catalog")), makeString(pstrdup(name)));
}

// The function that does with timestamp what this node's does with timestamptz; InvalidOid: there is none.
Oid local_function(Node* node, Oid function) {
  if (IsA(node, OpExpr)) {
    const OpExpr* call = reinterpret_cast<OpExpr*>(node);
    Oid left = InvalidOid;
    Oid right = InvalidOid;
    op_input_types(call->opno, &left, &right);
    Oid same = OpernameGetOprid(built_in_name(get_opname(call->opno)), local_type(left), local_type(right));
    return OidIsValid(same) ? get_opcode(same) : InvalidOid;
  }
  if (!IsA(node, FuncExpr)) return InvalidOid;
  Oid* types = nullptr;
  int count = 0;
  get_func_signature(function, &types, &count);
  for (int i = 0; i < count; i++) types[i] = local_type(types[i]);
  const char* name = get_func_name(function);
  if (count == 1 && get_func_rettype(function) == TIMESTAMPTZOID) return InvalidOid;
  return LookupFuncName(built_in_name(name), count, types, true);
}

// Whether naming the zone helps: conversions between timestamptz and local time depend on the setting
// TimeZone, and most have a counterpart over local time that is immutable. Output as text has none.
bool depends_on_zone(Node* node, Oid function) {
  Oid* types = nullptr;
  int count = 0;
  const bool gives_timestamptz = get_func_signature(function, &types, &count) == TIMESTAMPTZOID;
  bool takes_timestamptz = false;
  for (int i = 0; i < count; i++) {
    takes_timestamptz |= types[i] == TIMESTAMPTZOID;
    // A cast of local time: (x AT TIME ZONE ...) is what it stands for.
    if (gives_timestamptz && (types[i] == TIMESTAMPOID || types[i] == DATEOID)) return true;
  }
  if (!takes_timestamptz) return false;
  Oid local = local_function(node, function);
  return OidIsValid(local) && func_volatile(local) == PROVOLATILE_IMMUTABLE;
}

// What to do instead of calling this function.
const char* instead_of(Node* node, Oid function) {
  if (asks_for_time(function)) return kClockHint;
  if (func_volatile(function) == PROVOLATILE_VOLATILE) return kNoHint;
  if (depends_on_zone(node, function)) {
    return "It depends on the setting TimeZone. Name the zone: (column AT TIME ZONE 'Europe/Berlin') is "
           "immutable.";
  }
  const bool formats = IsA(node, CoerceViaIO) || strcmp(get_func_name(function), "to_char") == 0;
  if (formats) return "Use the value as it is, and make text of it when you read the trend.";
  return kNoHint;
}

void report_function(Node* node, const BadFunction& bad, const Walk& walk) {
  const char* name = format_procedure(bad.function);
  int location = exprLocation(node);
  if (is_commit_time(bad.function)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("trending.commit_time is not allowed in %s of a trend", walk.place),
                    errhint("It may only be the time argument of the window function, by itself."),
                    query_position(*walk.scope->text, location)));
  }
  if (bad.user_defined) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             is_operator_node(node)
                 ? errmsg("user-defined operators are not allowed in %s of a trend", walk.place)
                 : errmsg("user-defined functions are not allowed in %s of a trend", walk.place),
             errdetail("Function %s is not built in.", name),
             errhint("Trends are computed while WAL is decoded, where only built-in functions may run. A "
                     "column GENERATED ALWAYS AS (...) STORED can hold the result."),
             query_position(*walk.scope->text, location)));
  }
  bool is_volatile = func_volatile(bad.function) == PROVOLATILE_VOLATILE;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
           errmsg("functions in %s of a trend must be immutable", walk.place),
           errdetail("Function %s is %s.", name, is_volatile ? "volatile" : "stable"),
           errhint("%s", instead_of(node, bad.function)), query_position(*walk.scope->text, location)));
}

void report_construct(Node* node, const char* construct, const char* hint, const Walk& walk) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("%s is not allowed in %s of a trend", construct, walk.place),
           hint == nullptr ? 0 : errhint("%s", hint), query_position(*walk.scope->text, exprLocation(node))));
}

// What is not immutable is looked for in the arguments first: it is the cause (x - interval '1 day' depends
// on the zone, but if x is now(), that is what has to go). Returns whether an error was found in them.
bool check_functions(Node* node, const Walk& walk, bool (*check_arguments)(Node*, void*)) {
  BadFunction bad;
  const bool found = check_functions_in_node(node, find_bad_function, &bad);
  if (found && bad.user_defined) report_function(node, bad, walk);
  if (compat::walk_expression(node, check_arguments, const_cast<Walk*>(&walk))) return true;
  if (found) report_function(node, bad, walk);
  bool returns_set = (IsA(node, FuncExpr) && reinterpret_cast<FuncExpr*>(node)->funcretset) ||
                     (IsA(node, OpExpr) && reinterpret_cast<OpExpr*>(node)->opretset);
  if (returns_set)
    report_construct(node, "a set-returning function", "Put it into FROM: FROM source, unnest(tags) AS tag.",
                     walk);
  if (IsA(node, FuncExpr) && is_parse_timestamptz(reinterpret_cast<FuncExpr*>(node)->funcid))
    check_parse_zone(reinterpret_cast<FuncExpr*>(node));
  return false;
}

void check_type(Node* node, const Walk& walk) {
  Oid type = exprType(node);
  if (type_is_safe(type) || walk.scope->any_type) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
       errmsg("user-defined types are not allowed in %s of a trend", walk.place),
       errdetail("Type %s is neither built in nor an enum, nor a domain over such a type.",
                 format_type_be(type)),
       errhint(
           "Add a column GENERATED ALWAYS AS (...) STORED of a built-in type to the table, and use that."),
       query_position(*walk.scope->text, exprLocation(node))));
}

void check_column(Var* column, const Walk& walk) {
  auto* node = reinterpret_cast<Node*>(column);
  const ExpressionScope& scope = *walk.scope;
  const bool is_element = scope.unnesting != 0 && column->varno == static_cast<int>(scope.unnesting);
  if (column->varno != static_cast<int>(scope.source) && !is_element) {
    ereport(
        ERROR,
        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
         errmsg("%s of a trend may only use columns of its source", walk.place),
         errhint(
             "Window bounds may stand in the select list, in GROUP BY and in ORDER BY; a FILTER may compare "
             "the event time with them."),
         query_position(*scope.text, column->location)));
  }
  if (column->varattno == 0) report_construct(node, "a whole row", "Name the columns.", walk);
  if (column->varattno < 0) report_construct(node, "a system column", nullptr, walk);
  if (!is_element && compat::is_virtual_column(scope.source_relation, column->varattno)) {
    report_construct(node, "a virtual generated column",
                     "Its value is not in the row. Repeat its expression, or make it STORED.", walk);
  }
}

// What text search does with such a name can be changed by whoever owns it, and nobody would tell us. Those that
// are built in are the superuser's.
void check_constant(const Const* constant, const Walk& walk) {
  const Oid type = constant->consttype;
  if (constant->constisnull || (type != REGCONFIGOID && type != REGDICTIONARYOID)) return;
  if (DatumGetObjectId(constant->constvalue) < FirstNormalObjectId) return;
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("user-defined text search configurations are not allowed in %s of a trend", walk.place),
           errdetail("What they do with a text can change at any time."),
           errhint("Use one that is built in, such as 'english'. A column GENERATED ALWAYS AS (...) STORED "
                   "can hold the result of another."),
           query_position(*walk.scope->text, constant->location)));
}

// NULL for the kinds of node that are allowed.
const char* forbidden_construct(Node* node) {
  switch (nodeTag(node)) {
    case T_Var:
    case T_Const:
    case T_FuncExpr:
    case T_NamedArgExpr:
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
    case T_ScalarArrayOpExpr:
    case T_BoolExpr:
    case T_RelabelType:
    case T_CoerceViaIO:
    case T_ArrayCoerceExpr:
    case T_CollateExpr:
    case T_CaseExpr:
    case T_CaseWhen:
    case T_CaseTestExpr:
    case T_ArrayExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_NullTest:
    case T_BooleanTest:
    case T_SubscriptingRef:
    case T_List:
      return nullptr;
    case T_SubLink:
      return "a subquery";
    case T_Param:
      return "a parameter";
    case T_Aggref:
    case T_GroupingFunc:
      return "an aggregate";
    case T_WindowFunc:
      return "a window function";
    case T_CoerceToDomain:
    case T_CoerceToDomainValue:
      return "a cast to a domain";
    case T_RowExpr:
    case T_RowCompareExpr:
    case T_FieldSelect:
    case T_ConvertRowtypeExpr:
      return "a row value";
    case T_XmlExpr:
      return "an XML expression";
    default:
      return "an expression of this kind";
  }
}

bool check_node(Node* node, void* context) {
  if (node == nullptr) return false;
  const Walk& walk = *static_cast<Walk*>(context);
  if (IsA(node, SQLValueFunction)) {
    const Oid type = reinterpret_cast<SQLValueFunction*>(node)->type;
    const bool is_time = type != NAMEOID;
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                    errmsg("functions in %s of a trend must be immutable", walk.place),
                    errdetail("CURRENT_TIMESTAMP, CURRENT_USER and their kind change with time and session."),
                    errhint("%s", is_time ? kClockHint : kNoHint),
                    query_position(*walk.scope->text, exprLocation(node))));
  }
  const char* construct = forbidden_construct(node);
  if (construct != nullptr) report_construct(node, construct, nullptr, walk);
  if (IsA(node, Const)) check_constant(reinterpret_cast<Const*>(node), walk);
  if (check_functions(node, walk, check_node)) return true;
  if (IsA(node, Var) && !walk.scope->of_groups) check_column(reinterpret_cast<Var*>(node), walk);
  if (!IsA(node, List) && !IsA(node, CaseWhen)) check_type(node, walk);
  return false;
}

}  // namespace

void expression_check(Node* expression, const ExpressionScope& scope, const char* place) {
  Walk walk{&scope, place};
  check_node(expression, &walk);
}

void set_call_check(FuncExpr* call, const ExpressionScope& scope, const char* place) {
  Walk walk{&scope, place};
  auto* node = reinterpret_cast<Node*>(call);
  BadFunction bad;
  const bool found = check_functions_in_node(node, find_bad_function, &bad);
  if (found && bad.user_defined) report_function(node, bad, walk);
  check_node(reinterpret_cast<Node*>(call->args), &walk);
  if (found) report_function(node, bad, walk);
}

}  // namespace trending
