// SPDX-License-Identifier: PostgreSQL
// From a decoded tuple to an event: reads just the attributes a trend needs and evaluates its expressions.
//
// A plain column costs one attribute fetch; anything else runs through the executor's expression machine.
// Definitions hold built-in immutable functions only, so evaluating them under the decoding transaction's
// historic snapshot is safe (as publications' row filters do).
#pragma once

#include <cstdint>

#include "decoder/row_event.h"
#include "engine/memory/function_ref.h"
#include "definition/definition.h"
#include "postgres/server.h"
#include "values/evaluation.h"
#include "values/unnesting.h"

namespace trending {

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

  // Of a definition that makes elements of rows.
  Unnester* unnester;            // NULL: a row is one event
  MemoryContext element_memory;  // reset after every element
  StringInfoData events;         // of the row, packed

  // Of a definition with joined tables, whose rows are read in two steps: see row_join().
  TupleDesc tuple_type;        // of what a row is remembered by; NULL: no table is joined
  TupleDesc* dimension_types;  // per dimension: of its columns that are read
  StringInfoData tuple;
  StringInfoData joined_key;  // of a dimension
  Datum* tuple_values;        // of what is packed or unpacked
  bool* tuple_nulls;

  // For each expression either the column that it is, or its compiled form.
  struct Step {
    const Datum* value;  // null: evaluate `state`
    const bool* isnull;
    ExprState* state;  // null without a value: absent
  };
  Step time;
  bool time_is_of_element;
  Step where;
  Step element_where;
  Step joined_where;
  Step (*dimension_keys)[kMaxKeyColumns];  // per dimension
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

// A definition with joined tables reads a row in two steps. When it is decoded, or met in the source, the event that
// row_read() gives has the time, and as its key the packed columns that the rest needs (KeyView of a MinimalTuple);
// WHERE has been looked at as far as it reads the source only. What event of which group that is depends on the
// joined tables, and is found out at the commit, by row_join().

// Finds the row of a dimension (its columns, packed as by pack_dimension) by its key, as the codec of
// Dimension::key packs it. `key` is null where one of its values is NULL. Null: there is no row.
using DimensionLookup = FunctionRef<MinimalTuple(int dimension, const KeyView* key)>;

// The second step. kFiltered: an inner join has no partner, or WHERE says no. Time is as in `event`.
RowOutcome row_join(RowReader* reader, KeyView tuple, DimensionLookup lookup, RowEvent* event);

// The columns of a dimension's row that are read, as a MinimalTuple in CurrentMemoryContext. Toasted values are replaced.
MinimalTuple pack_dimension(const RowReader* reader, int dimension, Datum* values, const bool* isnull);
// The reverse; the values point into the row.
void unpack_dimension(const RowReader* reader, int dimension, MinimalTuple row, Datum* values, bool* isnull);

// Reads one row; `event` is its first one (next_event). The outcome is that of this event, or of the row if it has none. Whatever its expressions raise is kFailed (evaluation.h); so is a row for which memory is
// short. `complete`, the old version of an updated row or null, holds toasted values that the update left
// alone and that `tuple` therefore lacks. `commit_time` bounds event times (max_ahead), or is the event time.
RowOutcome row_read(RowReader* reader, const RowMapping* mapping, TupleDesc descriptor, HeapTuple tuple,
                    HeapTuple complete, TimestampTz commit_time, RowEvent* event);

// The same for a row that is already in the reader's slot (backfill).
RowOutcome row_read_slot(RowReader* reader, TimestampTz commit_time, RowEvent* event);

}  // namespace trending
