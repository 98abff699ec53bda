// SPDX-License-Identifier: PostgreSQL
// A trend's definition, checked and ready to be carried out.
//
// definition_analyze checks the SELECT a user wrote by PostgreSQL's own parser and analyser (clauses/ walks
// the Query tree); create_trend then keeps it as a view (catalog/definition_view.h), and whoever loads it
// (catalog/definition_catalog.h) has that view's Query walked. A Definition is plain data, all of it in one
// memory context.
//
// Nothing in a Definition runs user code: expressions hold immutable built-in functions only, because the
// worker evaluates them inside the decoding callback, under a historic snapshot.
#pragma once

#include <cstdint>

#include "engine/time/window.h"
#include "postgres/fingerprint.h"
#include "postgres/server.h"
#include "values/definition_aggregate.h"
#include "values/key_codec.h"
#include "values/unnesting.h"

namespace trending {

// What a column of the trend's foreign table shows.
enum class ColumnRole : uint8_t {
  kWindowStart,
  kWindowEnd,
  kKey,         // Definition::keys.columns[index]
  kAggregate,   // Definition::aggregates[index]
  kExpression,  // Definition::expressions[index]
  kRank,        // always the last column
};

// A column of the foreign table, in order: the select list, then rank.
struct DefinitionColumn {
  const char* name;
  Oid type;
  int32 typmod;
  Oid collation;
  ColumnRole role;
  int index;
};

// Over the row of a group (group_row.h).
struct GroupExpression {
  Expr* expr;  // planned
  Oid type;
};

// How a value is compared with others (rank_key.h).
enum class RankForm : uint8_t {
  kNarrow,   // as a word, which is never the least or the greatest one
  kWide,     // as a word
  kNumeric,  // as a word, then by the type
  kBytes,    // by the type
};

// A term of ORDER BY, before the keys that break ties.
struct OrderTerm {
  ColumnRole role;  // kAggregate, kKey or kExpression
  int index;        // as in a column of that role
  bool descending;
  bool nulls_first;
  // With ranks_by_keys:
  Expr* expr;  // over the row of a group
  Oid type;    // below any domain
  RankForm form;
  BytesType bytes;
};

// A column of the source that some expression reads. Vars refer to attnum in the row type of
// Definition::source; partitions may number their columns otherwise, so the decoder resolves by name.
struct SourceColumn {
  AttrNumber attnum;
  const char* name;
  Oid type;
  int32 typmod;
  Oid collation;
};

// What becomes of the rows that were in the source when the trend was created.
enum class Backfill : uint8_t {
  kNone,
  kOpen,  // those of windows that are not final count
  kAll,   // history of the others is filled back, too
};

// Dimensions of one trend.
constexpr int kMaxDimensions = 4;

// A column of a dimension that the definition reads. In the wide row (clauses/dimensions.cpp) it is a column
// like those of the source.
struct DimensionColumn {
  SourceColumn column;
  AttrNumber place;  // in the wide row
};

// A joined table: a row of the source meets at most one row of it.
struct Dimension {
  Oid relation;
  Index entry;      // in the range table of Definition::query
  bool keeps_rows;  // LEFT JOIN: without a partner its columns are NULL
  // What it is joined by: all columns of one of its unique keys. The expressions are over the wide row and read
  // the source and earlier dimensions; integers are all bigint.
  KeyCodec key;
  SourceColumn* key_columns;  // [key.count]
  int column_count;
  DimensionColumn* columns;
};

// The options of create_trend. Times in microseconds.
struct DefinitionOptions {
  int64 watermark_delay;
  int64 allowed_lateness;
  int64 idle_timeout;
  int64 max_ahead;
  int64 retention;      // -1: none
  int64 history_limit;  // -1: all
  int32 max_groups;
  bool keep_late_events;
  Backfill backfill;
  char notify_channel[NAMEDATALEN];  // alerts are announced there; empty: nowhere
};

// The time of every row of a definition that is over all rows.
constexpr TimestampTz kTimelessEvent = 0;

struct Definition {
  // Identity; zero or NULL after definition_analyze.
  int32 id;
  Oid relation;  // the foreign table
  Oid owner;     // its owner
  Oid history;   // the table of closed windows; InvalidOid: none is kept
  Oid late;      // the table of refused rows; InvalidOid: there is none. See keeps_late_rows()
  Oid alerts;    // the table of groups whose condition came true; InvalidOid: there is no HAVING
  const char* label;

  Oid source;
  Oid view;            // that holds the definition
  Fingerprint rule;    // of the view's rule
  Fingerprint state;   // of the rule and of the functions of its aggregates: what the bytes of a state mean
  Query* query;        // as the view has it; see definition_text.h
  Index source_entry;  // in the range table of that
  Index unnesting_entry;  // likewise; 0: there is none
  Index window_entry;     // likewise

  // Window. `calendar` belongs to this process (see calendar.h); its function is null without a zone.
  // Without a window function the aggregates are over everything there is (kUnbounded, no event time), or
  // they are decayed: then the window is ours, the last kHalfLivesKept half-lives before the event clock, and
  // is not shown.
  bool has_window;  // the query has a window function
  WindowSpec window;
  Calendar calendar;
  int64 half_life;      // of the decayed aggregates in microseconds; 0: there are none
  Expr* event_time;     // NULL without window and decay
  bool by_commit_time;  // it is trending.commit_time(xmin), which only a query can evaluate (commit_time.h)
  Oid event_time_type;  // timestamptz, timestamp or date; see event_time_value

  Expr* where;  // boolean, or NULL; what of WHERE reads the source only

  const Unnesting* unnesting;  // NULL: a row is one event

  // Joined tables. The wide row has the columns of the source, `wide_base` of them, then those of dimensions.
  // All expressions but `event_time` and `where` may read all of it.
  int dimension_count;
  Dimension* dimensions;
  int wide_base;
  Expr* joined_where;  // what of WHERE, and of ON of inner joins, reads dimensions; or NULL
  // The columns of the source that a row of it is remembered by: those that anything but `event_time` and
  // `where` reads.
  int tuple_column_count;
  AttrNumber* tuple_columns;  // ascending

  KeyCodec keys;  // count 0: one row per window

  Expr* having;  // boolean, or NULL; over the row of a group (group_row.h)

  int aggregate_count;
  DefinitionAggregate* aggregates;
  int expression_count;
  GroupExpression* expressions;  // of the select list and of ORDER BY

  // What ranks, before the keys (KeyCodec::order): at least one. The first is the value that top() shows.
  int order_count;
  OrderTerm* order;
  bool
      ranks_by_keys;  // by rank keys (rank_key.h); otherwise all terms are aggregates that the engine compares

  int column_count;  // rank included
  DefinitionColumn* columns;

  int source_column_count;
  SourceColumn* source_columns;  // ascending by attnum

  DefinitionOptions options;  // not set by definition_analyze
  // partition_by, likewise (partition_by.h): some of the keys, by themselves. Count 0: all groups are ranked
  // together.
  KeyCodec partition;
  int* partition_keys;  // [partition.count], indexes into keys.columns
};

// Parses, analyses and checks `query` under the caller's search_path. Errors carry the position within
// `query`. Everything is allocated in CurrentMemoryContext. Locks the source ACCESS SHARE until the end of
// the transaction. The current user must be allowed to run the query and to see every row of the source.
Definition* definition_analyze(const char* query);

// The same of the query that a view has, whose rule this is the digest of. Without check_rights it is that of
// a registered trend, whose name is then the context of errors.
Definition* definition_of_query(Query* query, const Fingerprint& rule, const char* trend, bool check_rights);

// An event time as the engine's microseconds since 2000-01-01 UTC. timestamp and date are read as if UTC;
// infinities become DT_NOBEGIN and DT_NOEND.
TimestampTz event_time_value(Oid type, Datum value);

// The type of the window bounds.
inline Oid window_bound_type(const Definition& definition) {
  return definition.event_time_type == TIMESTAMPTZOID ? TIMESTAMPTZOID : TIMESTAMPOID;
}

// The engine's time as a Datum of a window column's type (timestamptz or timestamp).
Datum window_bound_datum(Oid type, TimestampTz bound);

// Whether refused rows go to their table, which stays when they do no longer.
inline bool keeps_late_rows(const Definition& definition) {
  return definition.options.keep_late_events && OidIsValid(definition.late);
}

}  // namespace trending
