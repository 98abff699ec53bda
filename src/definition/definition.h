// A trend's definition, checked and ready to be carried out.
//
// definition_analyze checks the SELECT a user wrote by PostgreSQL's own parser and analyser (clauses/ walks
// the Query tree); create_trend then keeps it as a view (catalog/definition_view.h), and the definition_load
// functions walk that view's Query. A Definition is plain data, all of it in one memory context.
//
// Nothing in a Definition runs user code: expressions hold immutable built-in functions only, because the
// worker evaluates them inside the decoding callback, under a historic snapshot.
#pragma once

#include <cstdint>

#include "engine/time/window.h"
#include "postgres/fingerprint.h"
#include "postgres/server.h"
#include "values/bytes_value.h"
#include "values/combined_aggregate.h"
#include "values/distinct_value.h"
#include "values/key_codec.h"

namespace trending {

// What an aggregate of the select list computes. The functions: aggregate_functions.cpp.
enum class AggregateFunction : uint8_t {
  kCountStar,  // count(*)
  kCount,      // count(x): the rows whose x is not NULL
  kSum,
  kAvg,
  kMin,
  kMax,
  kFirst,                // trending.first(x, at)
  kLast,                 // trending.last(x, at)
  kCountDistinct,        // count(DISTINCT x)
  kApproxCountDistinct,  // trending.approx_count_distinct(x)
  kDecayedCount,         // trending.decayed_count(at, half_life)
  kDecayedSum,           // trending.decayed_sum(x, at, half_life)
  kCombined,             // any other whose states PostgreSQL can combine
};

// How a value becomes words of the engine and back.
enum class ValueForm : uint8_t {
  kNone,  // the aggregate takes no such value
  kBool,
  kInt2,
  kInt4,  // date as well
  kInt8,  // time, timestamp and timestamptz as well
  kOid,
  kFloat4,
  kFloat8,
  kNumeric,
  kBytes,  // any other type, see bytes_value.h
};

// One aggregate of the definition. Equal aggregates are kept once.
struct DefinitionAggregate {
  AggregateFunction function;
  Oid result_type;
  Expr* argument;               // x; NULL for count(*) and decayed_count; planned, Vars as in KeyColumn
  ValueForm value;              // of x, where its value matters
  BytesType bytes;              // of x, where that is kBytes
  Expr* at;                     // of first and last, else NULL
  Oid at_type;                  // of its values, below any domain
  CombinedAggregate* combined;  // kCombined, whose arguments are there; else NULL
  DistinctType distinct;        // of the two that count distinct values
  Expr* filter;                 // boolean, NULL without FILTER
};

// What a column of the trend's foreign table shows.
enum class ColumnRole : uint8_t {
  kWindowStart,
  kWindowEnd,
  kKey,        // Definition::keys.columns[index]
  kAggregate,  // Definition::aggregates[index]
  kRank,       // always the last column
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
};

// The time of every row of a definition that is over all rows.
constexpr TimestampTz kTimelessEvent = 0;

struct Definition {
  // Identity; zero or NULL after definition_analyze.
  int32 id;
  Oid relation;  // the foreign table
  Oid owner;     // its owner
  Oid history;   // the table of closed windows; InvalidOid: none is kept
  Oid late;      // the table of refused rows; InvalidOid: they are only counted
  Oid alerts;    // the table of groups whose condition came true; InvalidOid: there is no HAVING
  const char* notify_channel;  // they are announced there; NULL: nowhere
  const char* label;

  Oid source;
  Oid view;           // that holds the definition
  Fingerprint rule;   // of the view's rule
  Fingerprint state;  // of the rule and of the functions of its aggregates: what the bytes of a state mean
  Query* query;       // as the view has it; see definition_text

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

  Expr* where;  // boolean, or NULL

  KeyCodec keys;  // count 0: one row per window

  // HAVING: boolean, or NULL. Vars have varno 1 over the keys, then the aggregates: attribute 1 is the first
  // key, keys.count + 1 the first aggregate.
  Expr* having;

  int aggregate_count;
  DefinitionAggregate* aggregates;
  int rank_by;       // index into aggregates
  bool descending;   // of rank_by
  bool nulls_first;  // of rank_by

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

// The same of a view that the current user has made of such a query, or, without check_rights, of a
// registered trend's, whose name is then the context of errors.
Definition* definition_of_view(Oid view, const char* trend, bool check_rights);

// Loads a registered trend into CurrentMemoryContext; NULL if there is no such row in trending.trend. Raises
// an error, with the trend's name as context, if its definition is not the one that was checked, or no longer
// fits the source. Runs no code that a user wrote. Needs a transaction.
Definition* definition_load(int32 trend_id);
Definition* definition_load_relation(Oid relation);

// A definition in words, as it is now: every name qualified, independent of settings. Locks the source ACCESS
// SHARE.
const char* definition_text(const Definition& definition);

// The same from a per-backend cache, for readers: valid until the end of the current transaction, refreshed
// when the foreign table or the source changes. NULL if `relation` is not a registered trend.
const Definition* definition_cached(Oid relation);

// Ids of all registered trends, ascending (a List of integers).
List* definition_ids();

// The definition of a decayed trend, over only the rows that the trend has not forgotten: those whose time is
// not before the value of the SQL expression `since`. (restricted_text.cpp)
const char* definition_text_since(const Definition& definition, const char* since);

// An event time as the engine's microseconds since 2000-01-01 UTC. timestamp and date are read as if UTC;
// infinities become DT_NOBEGIN and DT_NOEND.
TimestampTz event_time_value(Oid type, Datum value);

// The type of the window bounds.
inline Oid window_bound_type(const Definition& definition) {
  return definition.event_time_type == TIMESTAMPTZOID ? TIMESTAMPTZOID : TIMESTAMPOID;
}

// The engine's time as a Datum of a window column's type (timestamptz or timestamp).
Datum window_bound_datum(Oid type, TimestampTz bound);

}  // namespace trending
