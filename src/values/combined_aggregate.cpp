// SPDX-License-Identifier: PostgreSQL
#include "values/combined_aggregate.h"

#include "engine/aggregates/aggregate.h"
#include "values/key_type.h"

namespace trending {

namespace {

// -- analysis

// Their values depend on the order of rows, which a trend does not know.
bool depends_on_order(Oid function) {
  const char* name = get_func_name(function);
  if (name == nullptr || function >= FirstNormalObjectId) return false;
  for (const char* known : {"string_agg", "array_agg", "any_value"}) {
    if (strcmp(name, known) == 0) return true;
  }
  return false;
}

Form_pg_proc function_form(HeapTuple tuple) {
  return reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
}

// Whether a function may run in the worker: by itself, with no identity and no settings of its own.
bool is_safe(Oid function) {
  if (!OidIsValid(function)) return true;
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  Form_pg_proc form = function_form(tuple);
  bool safe = function_is_native(function) && form->provolatile == PROVOLATILE_IMMUTABLE &&
              !form->prosecdef && heap_attisnull(tuple, Anum_pg_proc_proconfig, nullptr);
  ReleaseSysCache(tuple);
  return safe;
}

// A domain over a native type is that type once a value of it is there: none of the functions makes one.
bool arguments_are_native(const Aggref* aggregate) {
  ListCell* cell = nullptr;
  foreach (cell, aggregate->aggargtypes) {
    if (!type_is_native(getBaseType(lfirst_oid(cell)))) return false;
  }
  return true;
}

void append_function(StringInfo out, Oid function) {
  appendStringInfo(out, "%u ", function);
  HeapTuple tuple = OidIsValid(function) ? SearchSysCache1(PROCOID, ObjectIdGetDatum(function)) : nullptr;
  if (!HeapTupleIsValid(tuple)) return;
  Form_pg_proc form = function_form(tuple);
  appendStringInfo(out, "%u %d %u ", form->prolang, form->proisstrict, form->prorettype);
  for (int attribute : {Anum_pg_proc_prosrc, Anum_pg_proc_probin}) {
    bool isnull = false;
    Datum value = SysCacheGetAttr(PROCOID, tuple, static_cast<AttrNumber>(attribute), &isnull);
    appendStringInfo(out, "%s\n", isnull ? "" : TextDatumGetCString(value));
  }
  ReleaseSysCache(tuple);
}

// Of all that makes a state what it is.
Fingerprint functions_of(HeapTuple tuple, Oid state_type) {
  auto* form = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(tuple));
  StringInfoData all;
  initStringInfo(&all);
  appendStringInfo(&all, "%u %u %d ", form->aggfnoid, state_type, form->aggfinalextra);
  for (Oid function :
       {form->aggtransfn, form->aggcombinefn, form->aggserialfn, form->aggdeserialfn, form->aggfinalfn}) {
    append_function(&all, function);
  }
  bool isnull = false;
  Datum initial = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &isnull);
  appendStringInfo(&all, "%d %s", isnull, isnull ? "" : TextDatumGetCString(initial));
  return fingerprint_of(all.data, static_cast<size_t>(all.len));
}

const char* problem_of(const Aggref* aggregate, Form_pg_aggregate form) {
  bool is_internal = form->aggtranstype == INTERNALOID;
  if (aggregate->aggkind != AGGKIND_NORMAL) return "It is not an ordinary aggregate.";
  if (depends_on_order(aggregate->aggfnoid)) return "Its value depends on the order of rows.";
  if (!OidIsValid(form->aggcombinefn) ||
      (is_internal && !(OidIsValid(form->aggserialfn) && OidIsValid(form->aggdeserialfn)))) {
    return "It has no combine function, or none to serialize its states.";
  }
  bool safe = is_safe(form->aggtransfn) && is_safe(form->aggcombinefn) && is_safe(form->aggserialfn) &&
              is_safe(form->aggdeserialfn) && is_safe(form->aggfinalfn);
  if (!safe) {
    return "Its functions are not all immutable, built in or written in C, and without SECURITY DEFINER and "
           "SET.";
  }
  if (!arguments_are_native(aggregate)) return "It takes values of a type that is made of a user's types.";
  if (func_parallel(aggregate->aggfnoid) != PROPARALLEL_SAFE) return "It is not marked parallel safe.";
  if (list_length(aggregate->args) > kMaxCombinedArguments) return "It has too many arguments.";
  return nullptr;
}

void set_function(FmgrInfo* info, Oid function, Expr* call) {
  fmgr_info_cxt(function, info, CurrentMemoryContext);
  fmgr_info_set_expr(reinterpret_cast<Node*>(call), info);
}

// As the executor prepares them.
void set_functions(CombinedAggregate* made, const Aggref* aggregate, Form_pg_aggregate form, Oid state_type) {
  Oid types[FUNC_MAX_ARGS];
  int count = get_aggregate_argtypes(const_cast<Aggref*>(aggregate), types);
  Expr* call = nullptr;
  build_aggregate_transfn_expr(types, count, 0, aggregate->aggvariadic, state_type, aggregate->inputcollid,
                               form->aggtransfn, InvalidOid, &call, nullptr);
  set_function(&made->transition, form->aggtransfn, call);
  build_aggregate_transfn_expr(&state_type, 1, 0, false, state_type, aggregate->inputcollid,
                               form->aggcombinefn, InvalidOid, &call, nullptr);
  set_function(&made->combine, form->aggcombinefn, call);
  if (made->is_internal) {
    build_aggregate_serialfn_expr(form->aggserialfn, &call);
    set_function(&made->serialize, form->aggserialfn, call);
    build_aggregate_deserialfn_expr(form->aggdeserialfn, &call);
    set_function(&made->deserialize, form->aggdeserialfn, call);
  }
  if (!OidIsValid(form->aggfinalfn)) return;
  made->final_arguments = form->aggfinalextra ? count + 1 : 1;
  build_aggregate_finalfn_expr(types, made->final_arguments, state_type, aggregate->aggtype,
                               aggregate->inputcollid, form->aggfinalfn, &call);
  set_function(&made->final, form->aggfinalfn, call);
}

void set_initial(CombinedAggregate* made, HeapTuple tuple, Oid state_type) {
  bool isnull = false;
  Datum written = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &isnull);
  if (isnull) return;
  Oid input = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(state_type, &input, &parameter);
  made->has_initial = true;
  made->initial = OidInputFunctionCall(input, TextDatumGetCString(written), parameter, -1);
}

// -- calls

// Aggregates' functions ask the executor's state of their aggregate where their own states live: this one
// stands for it. What they allocate is gone after every step.
AggState* stand_in() {
  static AggState* state = nullptr;
  if (state == nullptr) {
    MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    auto* made = makeNode(AggState);
    made->curaggcontext = CreateStandaloneExprContext();
    state = made;
    MemoryContextSwitchTo(caller);
  }
  return state;
}

MemoryContext enter() {
  return MemoryContextSwitchTo(stand_in()->curaggcontext->ecxt_per_tuple_memory);
}

void leave(MemoryContext caller) {
  MemoryContextSwitchTo(caller);
  ReScanExprContext(stand_in()->curaggcontext);
}

struct Value {
  Datum value;
  bool isnull;
};

Value call(const CombinedAggregate& aggregate, const FmgrInfo& function, const Value* arguments, int count) {
  LOCAL_FCINFO(info, FUNC_MAX_ARGS);
  InitFunctionCallInfoData(*info, const_cast<FmgrInfo*>(&function), static_cast<int16>(count),
                           aggregate.collation, reinterpret_cast<Node*>(stand_in()), nullptr);
  for (int i = 0; i < count; i++) {
    info->args[i].value = arguments[i].value;
    info->args[i].isnull = arguments[i].isnull;
    if (function.fn_strict && arguments[i].isnull) return {0, true};
  }
  Datum result = FunctionCallInvoke(info);
  return {result, info->isnull};
}

Value load(const CombinedAggregate& aggregate, KeyBytes state) {
  if (state.data == nullptr) {
    const BytesType& type = aggregate.state;
    if (!aggregate.has_initial) return {0, true};
    return {datumCopy(aggregate.initial, type.column.by_value, type.column.length), false};
  }
  Value stored = {bytes_datum(aggregate.state, state), false};
  if (!aggregate.is_internal) return stored;
  Value arguments[] = {stored, {0, true}};
  arguments[1].isnull = false;  // of type internal, never looked at
  return call(aggregate, aggregate.deserialize, arguments, 2);
}

// False if it is too long.
bool append(const CombinedAggregate& aggregate, Value state, StringInfo buffer) {
  if (aggregate.is_internal) state = call(aggregate, aggregate.serialize, &state, 1);
  if (state.isnull) return false;
  int before = buffer->len;
  if (!key_append_value(aggregate.state.column, state.value, buffer)) return false;
  if (static_cast<uint32>(buffer->len - before) <= kMaxCombinedBytes) return true;
  buffer->len = before;
  buffer->data[before] = '\0';
  return false;
}

CombinedOutcome append_row(const CombinedAggregate& aggregate, const Datum* values, const bool* isnull,
                           StringInfo buffer) {
  Value arguments[kMaxCombinedArguments + 1];
  arguments[0] = load(aggregate, {});
  for (int i = 0; i < aggregate.argument_count; i++) {
    arguments[i + 1] = {values[i], isnull[i]};
    if (aggregate.transition.fn_strict && isnull[i]) return CombinedOutcome::kNone;
  }
  // The first row of a strict function without an initial state is the state.
  Value state = arguments[1];
  if (!aggregate.transition.fn_strict || !arguments[0].isnull) {
    state = call(aggregate, aggregate.transition, arguments, aggregate.argument_count + 1);
  }
  if (state.isnull) return aggregate.has_initial ? CombinedOutcome::kFailed : CombinedOutcome::kNone;
  return append(aggregate, state, buffer) ? CombinedOutcome::kState : CombinedOutcome::kFailed;
}

}  // namespace

CombinedAggregate* combined_aggregate(const Aggref* aggregate, const char** problem) {
  HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate->aggfnoid));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for aggregate %u", aggregate->aggfnoid);
  auto* form = reinterpret_cast<Form_pg_aggregate>(GETSTRUCT(tuple));
  *problem = problem_of(aggregate, form);
  CombinedAggregate* made = nullptr;
  if (*problem == nullptr) {
    made = static_cast<CombinedAggregate*>(palloc0(sizeof(CombinedAggregate)));
    made->function = aggregate->aggfnoid;
    made->name = get_func_name(aggregate->aggfnoid);
    made->argument_count = list_length(aggregate->args);
    made->collation = aggregate->inputcollid;
    Oid types[FUNC_MAX_ARGS];
    int count = get_aggregate_argtypes(const_cast<Aggref*>(aggregate), types);
    Oid state_type = resolve_aggregate_transtype(aggregate->aggfnoid, form->aggtranstype, types, count);
    made->is_internal = state_type == INTERNALOID;
    made->functions = functions_of(tuple, state_type);
    bool kept = (made->is_internal || type_is_native(state_type)) && type_is_native(aggregate->aggtype) &&
                bytes_type(made->is_internal ? BYTEAOID : state_type, InvalidOid, &made->state) &&
                bytes_type(aggregate->aggtype, InvalidOid, &made->result);
    if (kept) {
      set_functions(made, aggregate, form, state_type);
      set_initial(made, tuple, state_type);
    } else {
      *problem = "Its states cannot be kept.";
      made = nullptr;
    }
  }
  ReleaseSysCache(tuple);
  return made;
}

CombinedOutcome combined_append(const CombinedAggregate& aggregate, const Datum* values, const bool* isnull,
                                StringInfo buffer) {
  MemoryContext caller = enter();
  CombinedOutcome outcome = append_row(aggregate, values, isnull, buffer);
  leave(caller);
  return outcome;
}

bool combined_combine(const CombinedAggregate& aggregate, EvaluationAccount* account, LWLock* held,
                      KeyBytes left, KeyBytes right, StringInfo buffer, char* message, size_t message_size) {
  resetStringInfo(buffer);
  bool fits = false;
  MemoryContext caller = enter();
  bool good = evaluate(account, held, [&] {
    Value states[] = {load(aggregate, left), load(aggregate, right)};
    fits = append(aggregate, call(aggregate, aggregate.combine, states, 2), buffer);
  });
  leave(caller);
  if (good && fits) return true;
  strlcpy(message, good ? "the state is too long" : evaluation_failure.message, message_size);
  return false;
}

Datum combined_value(const CombinedAggregate& aggregate, KeyBytes state, bool* isnull) {
  MemoryContext caller = enter();
  Value value = load(aggregate, state);
  if (OidIsValid(aggregate.final.fn_oid)) {
    Value arguments[FUNC_MAX_ARGS];
    arguments[0] = value;
    for (int i = 1; i < aggregate.final_arguments; i++) arguments[i] = {0, true};
    value = call(aggregate, aggregate.final, arguments, aggregate.final_arguments);
  }
  MemoryContextSwitchTo(caller);
  *isnull = value.isnull;
  const KeyColumn& type = aggregate.result.column;
  Datum copy = value.isnull ? Datum{0} : datumCopy(value.value, type.by_value, type.length);
  leave(caller);
  return copy;
}

}  // namespace trending
