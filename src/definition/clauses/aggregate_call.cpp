// SPDX-License-Identifier: PostgreSQL
// One aggregate of the definition: which it is, its arguments, its FILTER. And what a definition without a
// window function is over.
#include "definition/aggregate_functions.h"
#include "definition/clauses/analysis.h"
#include "engine/aggregates/aggregate.h"
#include "values/window_args.h"

namespace trending {

namespace {

// Argument `position` of an aggregate, NULL if there is none.
Node* argument_at(const Aggref* aggregate, int position) {
  if (position >= list_length(aggregate->args)) return nullptr;
  return reinterpret_cast<Node*>(list_nth_node(TargetEntry, aggregate->args, position)->expr);
}

void check_form(const Analysis& analysis, const Aggref* aggregate, AggregateFunction function) {
  const char* construct = nullptr;
  bool counts_distinct = function == AggregateFunction::kCount && aggregate->aggdistinct != NIL;
  if (aggregate->aggdistinct != NIL && !counts_distinct)
    construct = "DISTINCT in an aggregate other than count";
  if (aggregate->aggorder != NIL) construct = "ORDER BY in an aggregate";
  if (construct == nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s is not supported by trends", construct),
                  errhint("Supported are %s.", supported_aggregates()),
                  query_position(analysis.text, aggregate->location)));
}

[[noreturn]] void report_type(const Analysis& analysis, const Aggref* aggregate, Node* argument,
                              const char* hint) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("%s of type %s is not supported by trends", get_func_name(aggregate->aggfnoid),
                         format_type_be(exprType(argument))),
                  errhint("%s", hint), query_position(analysis.text, exprLocation(argument))));
  pg_unreachable();
}

AggregateFunction function_of(const Analysis& analysis, const Aggref* aggregate,
                              CombinedAggregate** combined) {
  AggregateFunction function;
  if (aggregate->aggkind == AGGKIND_NORMAL && aggregate_function_of(aggregate->aggfnoid, &function)) {
    check_form(analysis, aggregate, function);
    return aggregate->aggdistinct != NIL ? AggregateFunction::kCountDistinct : function;
  }
  if (aggregate->aggkind == AGGKIND_NORMAL) check_form(analysis, aggregate, AggregateFunction::kCombined);
  const char* problem = nullptr;
  *combined = combined_aggregate(aggregate, &problem);
  if (*combined != nullptr) return AggregateFunction::kCombined;
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("aggregate function %s is not supported by trends", format_procedure(aggregate->aggfnoid)),
           errdetail("%s", problem), errhint("Supported are %s.", supported_aggregates()),
           query_position(analysis.text, aggregate->location)));
  pg_unreachable();
}

void refuse_in_session(const Analysis& analysis, const Aggref* aggregate, const char* what) {
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s is not supported in session windows", what),
           errhint("Use another window function, or another aggregate."),
           query_position(analysis.text, aggregate->location)));
}

void set_value(const Analysis& analysis, const Aggref* aggregate, Node* argument,
               DefinitionAggregate* added) {
  added->value = value_form_of(exprType(argument));
  if (added->value != ValueForm::kBytes) return;
  if (!bytes_type(exprType(argument), aggregate->inputcollid, &added->bytes)) {
    report_type(analysis, aggregate, argument, "Cast it to text.");
  }
  if (analysis.definition->window.kind != WindowKind::kSession) return;
  refuse_in_session(
      analysis, aggregate,
      psprintf("%s of type %s", get_func_name(aggregate->aggfnoid), format_type_be(exprType(argument))));
}

void set_distinct(const Analysis& analysis, const Aggref* aggregate, Node* argument,
                  DefinitionAggregate* added) {
  added->distinct = distinct_type(exprType(argument), exprCollation(argument));
  if (added->distinct.form != DistinctForm::kNone) return;
  report_type(analysis, aggregate, argument,
              "Equal values of this type or collation can look different. Count a cast to text.");
}

// The trend's half-life, from a constant argument.
int64 half_life_of(Analysis* analysis, const Aggref* aggregate, int position) {
  Node* argument = argument_at(aggregate, position);
  int location = exprLocation(argument);
  analysis->text.location = location >= 0 ? location : aggregate->location;
  bool is_constant = !contain_var_clause(argument);
  if (is_constant) expression_check(argument, analysis->scope, "half_life");
  Node* folded = is_constant ? eval_const_expressions(nullptr, argument) : argument;
  if (!IsA(folded, Const)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("half_life of a trend must be a constant"),
                    query_position(analysis->text, location)));
  }
  auto* constant = reinterpret_cast<Const*>(folded);
  int64 span = interval_to_span(constant->constisnull ? nullptr : DatumGetIntervalP(constant->constvalue),
                                "half_life");
  if (span <= 0 || span > kMaxWindowSize / kHalfLivesKept) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             span <= 0 ? errmsg("half_life must be greater than zero") : errmsg("half_life is too large"),
             query_position(analysis->text, location)));
  }
  analysis->text.location = -1;
  return span;
}

// `at` and half_life: the same in all decayed aggregates of a trend.
void set_decay(Analysis* analysis, const Aggref* aggregate, int time_position, DefinitionAggregate* added) {
  Definition* definition = analysis->definition;
  Node* at = argument_at(aggregate, time_position);
  if (definition->has_window) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a decayed aggregate cannot be combined with a window function"),
                    errhint("Leave out the window function: old rows fade by themselves."),
                    query_position(analysis->text, aggregate->location)));
  }
  int64 half_life = half_life_of(analysis, aggregate, time_position + 1);
  expression_check(at, analysis->scope, "the event time");
  if (definition->half_life != 0 &&
      (definition->half_life != half_life || !equal(analysis->decay_time, at))) {
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("all decayed aggregates of a trend must have the same time and half_life"),
             errhint("Create one trend for each."), query_position(analysis->text, aggregate->location)));
  }
  definition->half_life = added->half_life = half_life;
  analysis->decay_time = at;
}

// Nothing is done with a column of an extension's type but to hand it to the aggregate.
void set_combined(Analysis* analysis, const Aggref* aggregate, CombinedAggregate* combined) {
  if (analysis->definition->window.kind == WindowKind::kSession) {
    refuse_in_session(*analysis, aggregate, get_func_name(aggregate->aggfnoid));
  }
  for (int i = 0; i < combined->argument_count; i++) {
    Node* argument = argument_at(aggregate, i);
    ExpressionScope scope = analysis->scope;
    scope.any_type = IsA(argument, Var);
    expression_check(argument, scope, "an aggregate's argument");
    combined->arguments[i] = prepare_expression(*analysis, argument);
  }
}

void set_arguments(Analysis* analysis, const Aggref* aggregate, DefinitionAggregate* added) {
  if (added->combined != nullptr) return set_combined(analysis, aggregate, added->combined);
  Node* argument = added->function == AggregateFunction::kDecayedCount ? nullptr : argument_at(aggregate, 0);
  if (argument != nullptr) expression_check(argument, analysis->scope, "an aggregate's argument");
  switch (added->function) {
    case AggregateFunction::kCountStar:
    case AggregateFunction::kCount:
      break;
    case AggregateFunction::kCountDistinct:
    case AggregateFunction::kApproxCountDistinct:
      set_distinct(*analysis, aggregate, argument, added);
      break;
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast: {
      Node* at = argument_at(aggregate, 1);
      expression_check(at, analysis->scope, "an aggregate's argument");
      added->at = prepare_expression(*analysis, at);
      added->at_type = getBaseType(exprType(at));
      set_value(*analysis, aggregate, argument, added);
      break;
    }
    case AggregateFunction::kDecayedCount:
      set_decay(analysis, aggregate, 0, added);
      break;
    case AggregateFunction::kDecayedSum:
      set_decay(analysis, aggregate, 1, added);
      set_value(*analysis, aggregate, argument, added);
      break;
    case AggregateFunction::kCombined:
      break;
    case AggregateFunction::kSum:
    case AggregateFunction::kAvg:
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
      set_value(*analysis, aggregate, argument, added);
      break;
  }
  added->argument = prepare_expression(*analysis, argument);
}

void set_filter(Analysis* analysis, const Aggref* aggregate, DefinitionAggregate* added) {
  auto* filter = reinterpret_cast<Node*>(aggregate->aggfilter);
  if (filter != nullptr) filter = take_window_part(analysis, filter, &added->part);
  if (filter == nullptr) return;
  expression_check(filter, analysis->scope, "FILTER");
  added->filter = prepare_expression(*analysis, filter);
}

void check_all_decayed(const Analysis& analysis) {
  const Definition& definition = *analysis.definition;
  for (int i = 0; i < definition.aggregate_count; i++) {
    if (is_decayed(definition.aggregates[i].function)) continue;
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("decayed aggregates cannot be combined with others in a trend"),
             errdetail("The others would be over all rows, however old, which a decaying trend forgets."),
             errhint("Create one trend for each."),
             query_position(analysis.text, list_nth_node(Aggref, analysis.aggregates, i)->location)));
  }
}

}  // namespace

int analyze_aggregate(Analysis* analysis, Aggref* aggregate) {
  ListCell* cell = nullptr;
  foreach (cell, analysis->aggregates) {
    if (equal(lfirst(cell), aggregate)) return foreach_current_index(cell);
  }
  Definition* definition = analysis->definition;
  CombinedAggregate* combined = nullptr;
  AggregateFunction function = function_of(*analysis, aggregate, &combined);
  if (definition->aggregate_count == kMaxAggregates) {
    ereport(ERROR,
            (errcode(ERRCODE_TOO_MANY_COLUMNS), errmsg("a trend has at most %d aggregates", kMaxAggregates),
             query_position(analysis->text, aggregate->location)));
  }
  DefinitionAggregate* added = &definition->aggregates[definition->aggregate_count];
  added->function = function;
  added->result_type = aggregate->aggtype;
  added->combined = combined;
  set_arguments(analysis, aggregate, added);
  set_filter(analysis, aggregate, added);
  analysis->aggregates = lappend(analysis->aggregates, aggregate);
  return definition->aggregate_count++;
}

void analyze_decay(Analysis* analysis) {
  Definition* definition = analysis->definition;
  if (definition->has_window) return;
  definition->window.kind = WindowKind::kUnbounded;
  if (definition->half_life == 0) return;
  check_all_decayed(*analysis);
  definition->window.kind = WindowKind::kDecayed;
  definition->window.slide = definition->half_life;
  definition->window.size = definition->half_life * kHalfLivesKept;
  definition->event_time = prepare_expression(*analysis, analysis->decay_time);
  definition->event_time_type = TIMESTAMPTZOID;
  // A count without rows is 0, not NULL, and ranks like it.
  for (int i = 0; i < definition->order_count; i++) {
    OrderTerm* term = &definition->order[i];
    if (definition->aggregates[term->index].function != AggregateFunction::kDecayedCount) continue;
    term->nulls_first = !term->descending;
  }
}

}  // namespace trending
