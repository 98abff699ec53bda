// SPDX-License-Identifier: PostgreSQL
// trending.tumble, trending.hop and trending.cumulate as set-returning functions, by the engine's own
// arithmetic; trending.session, which is none.
//
// A NULL, infinite or barely representable time has no windows: such rows are in no window of a trend either.
#include <new>
#include <type_traits>

#include "definition/definition.h"
#include "engine/time/window.h"
#include "postgres/guard.h"
#include "values/window_args.h"

namespace trending {

namespace {

// A caller's windows, kept between calls in fn_extra and rebuilt when an argument changes.
struct CallCache {
  Windows windows;
  Interval size;
  Interval slide;
  bool has_origin;
  Timestamp origin;
  char zone[TZ_STRLEN_MAX + 1];  // empty: none
};
static_assert(std::is_trivially_destructible_v<CallCache>);

bool same_interval(const Interval& a, const Interval* b) {
  return b != nullptr && a.month == b->month && a.day == b->day && a.time == b->time;
}

bool is_current(const CallCache& cache, const WindowArguments& arguments) {
  const char* zone = arguments.zone == nullptr ? "" : arguments.zone;
  return same_interval(cache.size, arguments.size) &&
         (arguments.kind == WindowKind::kTumble || same_interval(cache.slide, arguments.slide)) &&
         cache.has_origin == arguments.has_origin &&
         (!arguments.has_origin || cache.origin == arguments.origin) && strcmp(cache.zone, zone) == 0;
}

const Interval* interval_argument(FunctionCallInfo fcinfo, int position) {
  return position < 0 || PG_ARGISNULL(position) ? nullptr : PG_GETARG_INTERVAL_P(position);
}

WindowArguments read_arguments(FunctionCallInfo fcinfo, WindowKind kind, Oid time_type) {
  WindowArgumentPositions at = window_argument_positions(kind);
  WindowArguments arguments = {};
  arguments.kind = kind;
  arguments.time_type = time_type;
  arguments.size = interval_argument(fcinfo, at.size);
  arguments.slide = interval_argument(fcinfo, at.slide);
  arguments.has_origin = !PG_ARGISNULL(at.origin);
  if (arguments.has_origin) arguments.origin = PG_GETARG_TIMESTAMP(at.origin);
  if (PG_NARGS() > at.zone && !PG_ARGISNULL(at.zone))
    arguments.zone = text_to_cstring(PG_GETARG_TEXT_PP(at.zone));
  return arguments;
}

const Windows& windows_of_call(FunctionCallInfo fcinfo, WindowKind kind, Oid time_type) {
  WindowArguments arguments = read_arguments(fcinfo, kind, time_type);
  auto* cache = static_cast<CallCache*>(fcinfo->flinfo->fn_extra);
  if (cache != nullptr && is_current(*cache, arguments)) return cache->windows;
  WindowSetup setup = window_setup(arguments);
  if (cache == nullptr) {
    cache = new (MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CallCache))) CallCache;
    fcinfo->flinfo->fn_extra = cache;
  }
  cache->windows = Windows(setup.spec, setup.calendar);
  cache->size = *arguments.size;
  if (arguments.slide != nullptr) cache->slide = *arguments.slide;
  cache->has_origin = arguments.has_origin;
  cache->origin = arguments.origin;
  strlcpy(cache->zone, arguments.zone == nullptr ? "" : arguments.zone, sizeof(cache->zone));
  return cache->windows;
}

// An empty result set in the caller's row type.
ReturnSetInfo* begin_result(FunctionCallInfo fcinfo) {
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  if (result == nullptr || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0 ||
      result->expectedDesc == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("set-valued function called in context that cannot accept a set")));
  }
  MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
  result->returnMode = SFRM_Materialize;
  result->setDesc = CreateTupleDescCopy(result->expectedDesc);
  result->setResult =
      tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
  MemoryContextSwitchTo(caller);
  return result;
}

// Both timestamp types are microseconds since 2000-01-01, so a window's bounds need no conversion.
Datum window_rows(FunctionCallInfo fcinfo, WindowKind kind, Oid time_type) {
  const Windows& windows = windows_of_call(fcinfo, kind, time_type);
  ReturnSetInfo* result = begin_result(fcinfo);
  if (PG_ARGISNULL(0)) return Datum{0};
  Time time = event_time_value(time_type, PG_GETARG_DATUM(0));
  if (TIMESTAMP_NOT_FINITE(time) || !windows.in_range(time)) return Datum{0};
  windows.for_each_window_of(time, [result](const Window& window) {
    CHECK_FOR_INTERRUPTS();
    Datum values[2] = {TimestampTzGetDatum(window.start), TimestampTzGetDatum(window.end)};
    bool isnull[2] = {false, false};
    tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
  });
  return Datum{0};
}

}  // namespace

TimestampTz event_time_value(Oid type, Datum value) {
  if (type != DATEOID) return DatumGetTimestampTz(value);
  DateADT date = DatumGetDateADT(value);
  if (DATE_IS_NOBEGIN(date)) return DT_NOBEGIN;
  // Dates reach further than timestamps.
  if (DATE_IS_NOEND(date) || date >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE) return DT_NOEND;
  return static_cast<TimestampTz>(date) * USECS_PER_DAY;
}

Datum window_bound_datum(Oid, TimestampTz bound) {
  return TimestampTzGetDatum(bound);
}

}  // namespace trending

using trending::window_rows;
using trending::WindowKind;

// Which session a row belongs to depends on other rows, which a function of one row does not see.
TRENDING_PURE_FUNCTION(session) {
  ereport(
      ERROR,
      (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("trending.session can be computed only by a trend"),
       errdetail("A session depends on other rows than the one that the function is called for."),
       errhint(
           "Create a trend with this query. trending.batch_query(trend) then gives a query that can be run "
           "as it stands.")));
  pg_unreachable();
}

TRENDING_PURE_FUNCTION(tumble_timestamptz) {
  return window_rows(fcinfo, WindowKind::kTumble, TIMESTAMPTZOID);
}
TRENDING_PURE_FUNCTION(tumble_timestamp) {
  return window_rows(fcinfo, WindowKind::kTumble, TIMESTAMPOID);
}
TRENDING_PURE_FUNCTION(tumble_date) {
  return window_rows(fcinfo, WindowKind::kTumble, DATEOID);
}
TRENDING_PURE_FUNCTION(hop_timestamptz) {
  return window_rows(fcinfo, WindowKind::kHop, TIMESTAMPTZOID);
}
TRENDING_PURE_FUNCTION(hop_timestamp) {
  return window_rows(fcinfo, WindowKind::kHop, TIMESTAMPOID);
}
TRENDING_PURE_FUNCTION(hop_date) {
  return window_rows(fcinfo, WindowKind::kHop, DATEOID);
}
TRENDING_PURE_FUNCTION(cumulate_timestamptz) {
  return window_rows(fcinfo, WindowKind::kCumulate, TIMESTAMPTZOID);
}
TRENDING_PURE_FUNCTION(cumulate_timestamp) {
  return window_rows(fcinfo, WindowKind::kCumulate, TIMESTAMPOID);
}
TRENDING_PURE_FUNCTION(cumulate_date) {
  return window_rows(fcinfo, WindowKind::kCumulate, DATEOID);
}
