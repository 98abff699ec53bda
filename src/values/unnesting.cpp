// SPDX-License-Identifier: PostgreSQL
#include "values/unnesting.h"

namespace trending {

namespace {

// One of the functions.
struct Source {
  SetExprState* state;
  TupleDesc composite;  // of what it returns; NULL: a single value
  int columns;          // that it has in an element
  bool has_ended;
};

}  // namespace

struct Unnester {
  const Unnesting* unnesting;
  TupleTableSlot* row;
  TupleTableSlot* element;
  int function_count;
  Source* functions;
  MemoryContext memory;     // of the functions' state
  MemoryContext arguments;  // of the row at hand
  ExprContext* context;     // NULL: the functions are to be made
  int64 count;              // elements of the row at hand
  bool is_open;             // it has not come to its end, or it failed
};

namespace {

Expr* function_at(const Unnesting* unnesting, int i) {
  return static_cast<Expr*>(list_nth(unnesting->functions, i));
}

// Columns of a function's result.
void describe(const Unnesting* unnesting, int i, Source* source) {
  Oid type = InvalidOid;
  TupleDesc columns = nullptr;
  auto* call = reinterpret_cast<Node*>(function_at(unnesting, i));
  const TypeFuncClass form = get_expr_result_type(call, &type, &columns);
  if (form != TYPEFUNC_SCALAR && form != TYPEFUNC_COMPOSITE) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("type %s cannot be an element of a row", format_type_be(type))));
  }
  source->composite = form == TYPEFUNC_SCALAR ? nullptr : CreateTupleDescCopy(columns);
  source->columns = form == TYPEFUNC_SCALAR ? 1 : columns->natts;
}

TupleDesc element_type(const Unnester* unnester) {
  int count = unnester->unnesting->has_ordinality ? 1 : 0;
  for (int i = 0; i < unnester->function_count; i++) count += unnester->functions[i].columns;
  TupleDesc type = CreateTemplateTupleDesc(count);
  AttrNumber at = 0;
  for (int i = 0; i < unnester->function_count; i++) {
    const Source& source = unnester->functions[i];
    auto* call = reinterpret_cast<Node*>(function_at(unnester->unnesting, i));
    if (source.composite == nullptr) TupleDescInitEntry(type, ++at, nullptr, exprType(call), -1, 0);
    for (int c = 1; source.composite != nullptr && c <= source.columns; c++) {
      TupleDescCopyEntry(type, ++at, source.composite, static_cast<AttrNumber>(c));
    }
  }
  if (unnester->unnesting->has_ordinality) TupleDescInitEntry(type, ++at, nullptr, INT8OID, -1, 0);
  return compat::complete(type);
}

// As at the server's abort: what failed is not asked to tidy up.
void forget_functions(Unnester* unnester) {
  if (unnester->context != nullptr) FreeExprContext(unnester->context, false);
  unnester->context = nullptr;
  MemoryContextReset(unnester->memory);
}

void make_functions(Unnester* unnester) {
  MemoryContext caller = MemoryContextSwitchTo(unnester->memory);
  ExprContext* context = CreateStandaloneExprContext();
  context->ecxt_scantuple = unnester->row;
  for (int i = 0; i < unnester->function_count; i++) {
    unnester->functions[i].state =
        ExecInitFunctionResultSet(function_at(unnester->unnesting, i), context, nullptr);
  }
  unnester->context = context;
  MemoryContextSwitchTo(caller);
}

void set_null(TupleTableSlot* element, int from, int count) {
  for (int i = from; i < from + count; i++) {
    element->tts_values[i] = 0;
    element->tts_isnull[i] = true;
  }
}

// One function's part of the next element. False: it has ended.
bool fetch(Unnester* unnester, Source* source, int at) {
  TupleTableSlot* element = unnester->element;
  bool isnull = true;
  ExprDoneCond done = ExprEndResult;
  Datum value = 0;
  if (!source->has_ended) {
    value = ExecMakeFunctionResultSet(source->state, unnester->context, unnester->arguments, &isnull, &done);
  }
  source->has_ended = done != ExprMultipleResult;
  // What is no set after all gives one row.
  const bool is_there = done != ExprEndResult;
  if (!is_there || (source->composite != nullptr && isnull)) {
    set_null(element, at, source->columns);
  } else if (source->composite == nullptr) {
    element->tts_values[at] = value;
    element->tts_isnull[at] = isnull;
  } else {
    HeapTupleData tuple = {};
    tuple.t_data = DatumGetHeapTupleHeader(value);
    tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
    heap_deform_tuple(&tuple, source->composite, element->tts_values + at, element->tts_isnull + at);
  }
  return is_there;
}

bool fetch_all(Unnester* unnester) {
  bool any = false;
  int at = 0;
  for (int i = 0; i < unnester->function_count; i++) {
    any |= fetch(unnester, &unnester->functions[i], at);
    at += unnester->functions[i].columns;
  }
  return any;
}

}  // namespace

bool reads_element(const Expr* expression) {
  Bitmapset* attributes = nullptr;
  pull_varattnos(reinterpret_cast<Node*>(const_cast<Expr*>(expression)), static_cast<Index>(INNER_VAR),
                 &attributes);
  return !bms_is_empty(attributes);
}

Unnester* unnester_create(const Unnesting* unnesting, TupleTableSlot* row) {
  auto* unnester = static_cast<Unnester*>(palloc0(sizeof(Unnester)));
  unnester->unnesting = unnesting;
  unnester->row = row;
  unnester->function_count = list_length(unnesting->functions);
  unnester->functions =
      static_cast<Source*>(palloc0(sizeof(Source) * static_cast<Size>(unnester->function_count)));
  for (int i = 0; i < unnester->function_count; i++) describe(unnesting, i, &unnester->functions[i]);
  unnester->element = MakeSingleTupleTableSlot(element_type(unnester), &TTSOpsVirtual);
  ExecStoreAllNullTuple(unnester->element);
  unnester->memory = AllocSetContextCreate(CurrentMemoryContext, "trending unnesting", ALLOCSET_SMALL_SIZES);
  unnester->arguments =
      AllocSetContextCreate(CurrentMemoryContext, "trending unnesting arguments", ALLOCSET_SMALL_SIZES);
  return unnester;
}

TupleTableSlot* unnester_slot(const Unnester* unnester) {
  return unnester->element;
}

void unnester_begin(Unnester* unnester) {
  if (unnester->is_open) forget_functions(unnester);
  if (unnester->context == nullptr) make_functions(unnester);
  unnester->is_open = true;
  unnester->count = 0;
  for (int i = 0; i < unnester->function_count; i++) unnester->functions[i].has_ended = false;
}

bool unnester_next(Unnester* unnester) {
  TupleTableSlot* element = unnester->element;
  const int width = element->tts_tupleDescriptor->natts;
  if (!unnester->is_open) return false;
  if (!fetch_all(unnester)) {
    unnester_end(unnester);
    if (unnester->count > 0 || !unnester->unnesting->keeps_rows) return false;
    set_null(element, 0, width);
    return true;
  }
  if (++unnester->count > kMaxElements) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("a row of the source has more than %d elements", static_cast<int>(kMaxElements))));
  }
  if (unnester->unnesting->has_ordinality) {
    element->tts_values[width - 1] = Int64GetDatum(unnester->count);
    element->tts_isnull[width - 1] = false;
  }
  return true;
}

void unnester_end(Unnester* unnester) {
  if (!unnester->is_open) return;
  ReScanExprContext(unnester->context);
  MemoryContextReset(unnester->arguments);
  unnester->is_open = false;
}

}  // namespace trending
