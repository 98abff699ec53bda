// SPDX-License-Identifier: PostgreSQL
// The window function in FROM: which one it is, its constant arguments, the event time.
#include "definition/clauses/analysis.h"
#include "definition/clauses/commit_time.h"
#include "values/window_args.h"

namespace trending {

namespace {

// All arguments in the order of declaration, defaults filled in.
List* complete_arguments(FuncExpr* call) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", call->funcid);
  auto* given = static_cast<List*>(copyObjectImpl(call->args));
  List* arguments = expand_function_arguments(given, false, call->funcresulttype, tuple);
  ReleaseSysCache(tuple);
  return arguments;
}

// The value of a constant argument; NULL for SQL's NULL and for an argument that this function does not have.
Const* constant_argument(Analysis* analysis, List* arguments, int position, const char* name) {
  if (position < 0 || position >= list_length(arguments)) return nullptr;
  auto* argument = static_cast<Node*>(list_nth(arguments, position));
  int location = exprLocation(argument);
  analysis->text.location = location >= 0 ? location : analysis->window_location;
  // Checked before it is evaluated: the worker does so, too, with rights of its own.
  bool is_constant = !contain_var_clause(argument);
  if (is_constant) expression_check(argument, analysis->scope, "a window argument");
  Node* folded = is_constant ? eval_const_expressions(nullptr, argument) : argument;
  if (!IsA(folded, Const)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("argument %s of a trend's window function must be a constant", name),
                    errhint("Only the event time may depend on the row."),
                    query_position(analysis->text, location)));
  }
  auto* constant = reinterpret_cast<Const*>(folded);
  return constant->constisnull ? nullptr : constant;
}

const Interval* interval_argument(Analysis* analysis, List* arguments, int position, const char* name) {
  Const* constant = constant_argument(analysis, arguments, position, name);
  return constant == nullptr ? nullptr : DatumGetIntervalP(constant->constvalue);
}

}  // namespace

void analyze_window_call(Analysis* analysis, RangeTblEntry* entry) {
  WindowArguments window = {};
  auto* call = castNode(FuncExpr, linitial_node(RangeTblFunction, entry->functions)->funcexpr);
  (void)window_function_kind(call->funcid, &window.kind);  // it is one: from_clause.cpp
  List* arguments = complete_arguments(call);
  WindowArgumentPositions at = window_argument_positions(window.kind);
  auto* event_time = static_cast<Node*>(linitial(arguments));
  window.time_type = exprType(event_time);

  window.size = interval_argument(analysis, arguments, at.size, window_size_name(window.kind));
  window.slide = interval_argument(analysis, arguments, at.slide, window_slide_name(window.kind));
  Const* origin = constant_argument(analysis, arguments, at.origin, "origin");
  window.has_origin = origin != nullptr;
  if (origin != nullptr) window.origin = DatumGetTimestamp(origin->constvalue);
  Const* zone = constant_argument(analysis, arguments, at.zone, "zone");
  if (zone != nullptr) window.zone = TextDatumGetCString(zone->constvalue);

  analysis->text.location = analysis->window_location;
  WindowSetup setup = window_setup(window);
  analysis->text.location = -1;
  analysis->definition->window = setup.spec;
  analysis->definition->calendar = setup.calendar;

  analysis->definition->by_commit_time = is_commit_time_of_row(*analysis, event_time);
  if (!analysis->definition->by_commit_time) expression_check(event_time, analysis->scope, "the event time");
  analysis->event_time = event_time;
  analysis->definition->event_time = prepare_expression(*analysis, event_time);
  analysis->definition->event_time_type = window.time_type;
}

}  // namespace trending
