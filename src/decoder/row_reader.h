// SPDX-License-Identifier: PostgreSQL
// From a decoded tuple to an event: reads just the attributes a trend needs and evaluates its expressions.
//
// A plain column costs one attribute fetch; anything else runs through the executor's expression machine.
// Definitions hold built-in immutable functions only, so evaluating them under the decoding transaction's
// historic snapshot is safe (as publications' row filters do).
#pragma once

#include <cstdint>

#include "definition/definition.h"
#include "engine/aggregates/aggregate.h"
#include "postgres/server.h"
#include "values/evaluation.h"

namespace trending {

enum class RowOutcome : uint8_t {
  kEvent,     // the row is an event of the trend
  kFiltered,  // WHERE says no
  kNullTime,  // no event time, or an infinite one
  kAhead,     // further ahead of its commit than max_ahead
  kFailed,    // an expression raised an error, the key is too long, or a value too large for an aggregate
};

// The event of one row for one trend. Key and arguments lie in the reader's buffers until the next row.
struct RowEvent {
  TimestampTz time;
  KeyBytes key;
  uint32_t valid;  // bit i: aggregate i takes this row
  ArgumentView arguments;
};

// One trend's expressions made ready. Plain data in its own memory context; freed with it.
struct RowReader {
  const Definition* definition;
  MemoryContext row_memory;  // reset after every row
  ExprContext* expressions;
  TupleTableSlot* slot;  // virtual, the source's row type
  StringInfoData key;
  int64_t* words;       // of all arguments
  uint16_t word_count;  // how many these are
  uint16_t* word_of;    // per aggregate: where its words begin
  int16_t* same_as;     // per aggregate: an earlier one that has taken its argument, or -1
  StringInfoData tail;  // of all arguments: those that are bytes
  EvaluationAccount* account;
  bool may_fail;   // there is an expression, which goes through the door of evaluation.h
  bool allocates;  // reading a row may take memory: an expression, a value of variable length
  bool is_plain;   // reading a row and comparing keys and values takes neither a transaction nor a catalog
  Datum* key_values;
  bool* key_nulls;

  // For each expression either the attribute that it is, or its compiled form.
  struct Step {
    AttrNumber attribute;  // 0: evaluate `state`
    ExprState* state;      // null with attribute 0: absent
  };
  Step time;
  Step where;
  Step* keys;
  Step* arguments;                          // per aggregate: x
  Step* times;                              // per aggregate: at
  Step* filters;                            // per aggregate
  Step (*combined)[kMaxCombinedArguments];  // per aggregate: all arguments of AggregateFunction::kCombined
};

// How one relation (the source or a partition of it) holds a trend's columns.
struct RowMapping {
  AttrNumber* attributes;  // per Definition::source_columns: the attribute in this relation
  bool retractable;        // old row versions carry all that the trend reads (replica identity)
  bool identity_full;
};

// Compiles a definition. Needs a transaction; everything goes into CurrentMemoryContext.
RowReader* row_reader_create(const Definition* definition);

// Finds a trend's columns in `relation` by name and type. Null when one is gone or has another type: `reason`
// (of `size` bytes) then says so. Allocates in CurrentMemoryContext.
RowMapping* row_mapping_create(const Definition* definition, Relation relation, char* reason, size_t size);

// Whether an update left alone all that the trend reads. `new_row` lacks toasted values that did not change.
// True is certain; false may be said of a value that is the same but stored otherwise.
bool row_reads_same(const RowReader* reader, const RowMapping* mapping, TupleDesc descriptor,
                    HeapTuple old_row, HeapTuple new_row);

// Reads one row. Whatever its expressions raise is kFailed (evaluation.h); so is a row for which memory is
// short. `complete`, the old version of an updated row or null, holds toasted values that the update left
// alone and that `tuple` therefore lacks. `commit_time` bounds event times (max_ahead), or is the event time.
RowOutcome row_read(RowReader* reader, const RowMapping* mapping, TupleDesc descriptor, HeapTuple tuple,
                    HeapTuple complete, TimestampTz commit_time, RowEvent* event);

// The same for a row that is already in the reader's slot (backfill).
RowOutcome row_read_slot(RowReader* reader, TimestampTz commit_time, RowEvent* event);

}  // namespace trending
