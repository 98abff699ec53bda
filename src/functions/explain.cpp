// SPDX-License-Identifier: PostgreSQL
// trending.explain: how a trend is kept, in words and bytes.
//
// It reads the definition, so it works while the trend is stopped or filled. What the worker alone knows (what
// there is now, which trends it reads the source for together) is added where shared memory has it.
#include <algorithm>

#include "bgworker/trend/engine_state.h"
#include "catalog/definition_catalog.h"
#include "definition/aggregate_functions.h"
#include "definition/partition_by.h"
#include "definition/replica_identity.h"
#include "engine/stores/group_table.h"
#include "engine/stores/pane_store.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

// Beyond, panes are not counted one by one.
constexpr int64 kPanesLookedAt = 100'000;
// What a group costs beside its row: its slots in the hash table, and its place in the ranking.
constexpr double kGroupOverhead = 17;
// What is assumed of a key that has no fixed length.
constexpr int kAssumedKeyBytes = 32;
// Below, the memory that a trend begins with would be taken for that of its groups.
constexpr uint64_t kGroupsToGoBy = 1000;

struct Explanation {
  const Definition& definition;
  TrendOptions options;
  StateLayout layout;
  TrendGlance glance;
  bool is_known;  // to the worker: glance has been read
  ReturnSetInfo* result;

  void add(const char* topic, const char* detail) const {
    Datum values[] = {CStringGetTextDatum(topic), CStringGetTextDatum(detail)};
    bool isnull[] = {false, false};
    tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
  }
};

const char* span_text(int64 micros) {
  Interval interval = {};
  interval.time = micros;
  Datum justified = DirectFunctionCall1(interval_justify_hours, IntervalPGetDatum(&interval));
  return DatumGetCString(DirectFunctionCall1(interval_out, justified));
}

const char* length_text(int64 micros, int32 months) {
  if (months == 0) return span_text(micros);
  Interval interval = {};
  interval.month = months;
  return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&interval)));
}

const char* bytes_text(double bytes) {
  Datum size = Int64GetDatum(static_cast<int64>(bytes));
  return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, size));
}

// --- windows and panes ---

struct PaneNumbers {
  int64 length;     // of the first one, where those of a calendar differ; with parts of windows the average
  int64 in_window;  // of the longest window around a time; 0: too many to count
  int64 kept;       // beside these, for stragglers and for late rows
};

PaneNumbers pane_numbers(const Explanation& trend) {
  const Windows windows(trend.definition.window, trend.definition.calendar);
  const Time now =
      trend.glance.clock != kNoTime && trend.is_known ? trend.glance.clock : GetCurrentTimestamp();
  const Window window = windows.last_window(now);
  PaneNumbers numbers = {};
  Time at = window.start;
  while (at < window.end && numbers.in_window < kPanesLookedAt) {
    CHECK_FOR_INTERRUPTS();
    const Pane pane = windows.pane_of(at);
    if (numbers.in_window++ == 0) numbers.length = pane.end - pane.start;
    at = pane.end;
  }
  if (trend.definition.window.cut_count > 0) {
    numbers.length = std::max<int64>(1, (at - window.start) / numbers.in_window);
  }
  if (at < window.end) numbers.in_window = 0;
  const int64 delay = trend.options.watermark_delay + trend.options.allowed_lateness;
  numbers.kept = (delay + numbers.length - 1) / numbers.length;
  return numbers;
}

const char* window_text(const WindowSpec& spec) {
  const char* size = length_text(spec.size, spec.size_months);
  const char* slide = length_text(spec.slide, spec.slide_months);
  switch (spec.kind) {
    case WindowKind::kTumble:
      return psprintf("tumbling, one every %s", size);
    case WindowKind::kHop:
      return psprintf("hopping, one of %s every %s", size, slide);
    case WindowKind::kCumulate:
      return psprintf("cumulating, from the beginning of each %s, growing by %s", size, slide);
    case WindowKind::kSession:
      return psprintf("sessions: a group's rows until none comes for %s", size);
    case WindowKind::kDecayed:
      return psprintf("none: rows fade, by half in %s, and are forgotten after %s", slide, size);
    case WindowKind::kUnbounded:
      break;
  }
  return "none: all rows of the source count";
}

void explain_panes(const Explanation& trend) {
  const WindowKind kind = trend.definition.window.kind;
  trend.add("windows", window_text(trend.definition.window));
  if (kind == WindowKind::kUnbounded || kind == WindowKind::kSession) {
    trend.add("panes", kind == WindowKind::kSession ? "none: each session has a state of its own"
                                                    : "one, which never ends");
    return;
  }
  const PaneNumbers numbers = pane_numbers(trend);
  const char* count = numbers.in_window == 0 ? psprintf("more than " INT64_FORMAT, kPanesLookedAt)
                                             : psprintf(INT64_FORMAT, numbers.in_window);
  const bool is_cut = trend.definition.window.cut_count > 0;
  trend.add("panes", psprintf("%s of %s%s in a window, shared by all windows that contain them; " INT64_FORMAT
                              " more for watermark_delay and allowed_lateness",
                              count, is_cut ? "about " : "", span_text(numbers.length), numbers.kept));
}

// --- states ---

double key_bytes(const Definition& definition) {
  double bytes = 1;  // which of them are NULL
  for (int i = 0; i < definition.keys.count; i++) {
    const int16 length = definition.keys.columns[i].length;
    bytes += length > 0 ? length : kAssumedKeyBytes;
  }
  return bytes;
}

uint32_t state_bytes(const Explanation& trend, uint32_t extra) {
  return (trend.layout.words + extra) * static_cast<uint32_t>(sizeof(int64_t));
}

double group_bytes(const Explanation& trend) {
  const uint32_t row = sizeof(Group) + state_bytes(trend, extra_words(trend.options));
  const double key = key_bytes(trend.definition);
  return padded_to_lines(row, 24) + kGroupOverhead + (key > Group::kInlineKey ? key + 16 : 0);
}

double cell_bytes(const Explanation& trend) {
  return static_cast<double>(sizeof(Cell) + state_bytes(trend, 0));
}

const char* function_text(const DefinitionAggregate& aggregate) {
  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
      return "count(*)";
    case AggregateFunction::kCount:
      return "count";
    case AggregateFunction::kSum:
      return "sum";
    case AggregateFunction::kAvg:
      return "avg";
    case AggregateFunction::kMin:
      return "min";
    case AggregateFunction::kMax:
      return "max";
    case AggregateFunction::kFirst:
      return "trending.first";
    case AggregateFunction::kLast:
      return "trending.last";
    case AggregateFunction::kCountDistinct:
      return "count(DISTINCT)";
    case AggregateFunction::kApproxCountDistinct:
      return "trending.approx_count_distinct";
    case AggregateFunction::kDecayedCount:
      return "trending.decayed_count";
    case AggregateFunction::kDecayedSum:
      return "trending.decayed_sum";
    case AggregateFunction::kCombined:
      break;
  }
  return aggregate.combined->name;
}

// As the trend shows it, where it does so by itself.
const char* aggregate_text(const Definition& definition, int index) {
  const char* function = function_text(definition.aggregates[index]);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == ColumnRole::kAggregate && column.index == index && strcmp(column.name, function) != 0)
      return psprintf("%s, %s", column.name, function);
  }
  return function;
}

bool is_extreme(const DefinitionAggregate& aggregate) {
  switch (aggregate.function) {
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
      return true;
    default:
      return false;
  }
}

// What of a total has to be made again from the panes that are left, when one leaves.
bool is_rebuilt(const Explanation& trend, int index) {
  const DefinitionAggregate& aggregate = trend.definition.aggregates[index];
  if (aggregate.function == AggregateFunction::kCountDistinct) return false;
  if (is_extreme(aggregate)) return !trend.options.keeps_values;
  return aggregate.function == AggregateFunction::kApproxCountDistinct ||
         aggregate.function == AggregateFunction::kCombined || is_decayed(aggregate.function);
}

const char* state_text(const Explanation& trend, int index) {
  const DefinitionAggregate& aggregate = trend.definition.aggregates[index];
  if (trend.layout.owner_of[index] != index) return "read from the state of another aggregate";
  if (aggregate.function == AggregateFunction::kCountDistinct ||
      (is_extreme(aggregate) && trend.options.keeps_values))
    return "every different value is kept, 76 bytes each and 16 for each pane, so that rows can be taken back";
  if (is_extreme(aggregate)) return "the one value that counts";
  if (aggregate.function == AggregateFunction::kApproxCountDistinct)
    return "a sketch of at most 64 kB, which rows that are taken back stay in";
  if (aggregate.function == AggregateFunction::kCombined)
    return "a state of PostgreSQL's own functions, of at most 256 kB; each row costs microseconds";
  if (is_decayed(aggregate.function)) return "a sum that fades";
  return "rows are added and subtracted";
}

void explain_states(const Explanation& trend) {
  const Definition& definition = trend.definition;
  trend.add("group",
            psprintf("about %.0f bytes, and %.0f in each %s in which it has rows", group_bytes(trend),
                     cell_bytes(trend), definition.window.kind == WindowKind::kSession ? "session" : "pane"));
  for (int i = 0; i < definition.aggregate_count; i++) {
    trend.add("aggregate", psprintf("%s: %s", aggregate_text(definition, i), state_text(trend, i)));
  }
}

const char* rebuilt_text(const Explanation& trend) {
  if (trend.definition.window.kind == WindowKind::kUnbounded)
    return "never: nothing leaves but what is deleted";
  if (trend.definition.window.kind == WindowKind::kSession) return "never: sessions end as they are";
  StringInfoData names;
  initStringInfo(&names);
  for (int i = 0; i < trend.definition.aggregate_count; i++) {
    if (is_rebuilt(trend, i))
      appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", aggregate_text(trend.definition, i));
  }
  if (names.len == 0) return "never: when a pane leaves the window it is subtracted";
  return psprintf("when a pane leaves the window, in the groups that it decided: %s", names.data);
}

// --- ranks, source ---

const char* ranking_text(const Explanation& trend) {
  const char* how = trend.definition.ranks_by_keys ? "by keys made of the expressions of ORDER BY"
                                                   : "by the aggregates of ORDER BY";
  const char* where = is_partitioned(trend.definition) ? " within each partition" : "";
  const char* which = trend.definition.having != nullptr ? "; HAVING is judged for groups that changed" : "";
  return psprintf("kept as rows come%s, %s; the best are read without a look at the others%s", where, how,
                  which);
}

// The other trends that the worker reads the source's rows for at the same time.
const char* companions(const Explanation& trend) {
  if (!trend.is_known || trend.glance.reader == 0) return "not known before the worker follows it";
  StringInfoData names;
  initStringInfo(&names);
  ListCell* cell;
  foreach (cell, definition_ids()) {
    CHECK_FOR_INTERRUPTS();
    const int32 id = lfirst_int(cell);
    TrendGlance other;
    if (id == trend.definition.id || !trend_glance(id, &other) || other.reader != trend.glance.reader)
      continue;
    const char* name = get_rel_name(definition_relation(id));
    if (name != nullptr) appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", name);
  }
  if (names.len == 0) return "nothing: no other trend makes the same event of a row";
  return psprintf("reading rows of the source, with %s", names.data);
}

void explain_joined(const Explanation& trend) {
  const Definition& definition = trend.definition;
  if (definition.dimension_count == 0) return;
  StringInfoData names;
  initStringInfo(&names);
  for (int i = 0; i < definition.dimension_count; i++) {
    const char* name = get_rel_name(definition.dimensions[i].relation);
    appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", name != nullptr ? name : "a table that is gone");
  }
  trend.add("joined tables",
            psprintf("%s: their rows that are met, and each different row of the source with its "
                     "counts, are kept beside the groups",
                     names.data));
}

// What else makes the worker count the source again.
const char* refilled_text(const Definition& definition) {
  constexpr const char* kAlways =
      "after TRUNCATE, partitions that come or go with rows of open windows, a rewritten table, "
      "trending.resume(), a lost slot";
  return definition.dimension_count == 0 ? kAlways : psprintf("%s, a restart of the worker", kAlways);
}

const char* changes_text(const Definition& definition) {
  if (!identity_covers(definition))
    return "cannot be followed: the replica identity of the source lacks what the trend reads";
  if (!can_retract(definition)) return "refill the trend, if the row is in a window that may still change";
  return "are followed: the old row is taken off";
}

// --- memory ---

void explain_memory(const Explanation& trend, int64 groups) {
  if (trend.is_known && trend.glance.is_read) {
    trend.add("memory", psprintf("%s now; groups: " UINT64_FORMAT ", panes: " UINT64_FORMAT,
                                 bytes_text(static_cast<double>(trend.glance.memory_bytes)),
                                 trend.glance.kept_groups, trend.glance.kept_panes));
  }
  const auto count = static_cast<double>(groups);
  const char* expected = "";
  if (trend.is_known && trend.glance.kept_groups >= kGroupsToGoBy) {
    const double each =
        static_cast<double>(trend.glance.memory_bytes) / static_cast<double>(trend.glance.kept_groups);
    expected = psprintf("%s as groups are now; ", bytes_text(each * count));
  }
  const char* least = bytes_text(count * (group_bytes(trend) + cell_bytes(trend)));
  const WindowKind kind = trend.definition.window.kind;
  const bool has_panes = kind != WindowKind::kUnbounded && kind != WindowKind::kSession;
  const PaneNumbers numbers = has_panes ? pane_numbers(trend) : PaneNumbers{};
  const int64 panes = numbers.in_window + numbers.kept;
  const char* most = "";
  if (has_panes && panes > 1) {
    const double all = group_bytes(trend) + cell_bytes(trend) * static_cast<double>(panes);
    most = psprintf(" with rows in one pane each, %s with rows in all " INT64_FORMAT, bytes_text(count * all),
                    panes);
  }
  trend.add(psprintf("memory for " INT64_FORMAT " groups", groups),
            psprintf("%s%s%s", expected, least, most));
}

void explain(const Explanation& trend, int64 groups) {
  explain_panes(trend);
  explain_states(trend);
  explain_joined(trend);
  trend.add("ranking", ranking_text(trend));
  trend.add("shared", companions(trend));
  trend.add("updates and deletes", changes_text(trend.definition));
  trend.add("totals are rebuilt", rebuilt_text(trend));
  trend.add("refilled from its source", refilled_text(trend.definition));
  explain_memory(trend, groups);
}

int64 groups_argument(FunctionCallInfo fcinfo, const Definition& definition) {
  if (PG_ARGISNULL(1)) return definition.options.max_groups;
  const int64 groups = PG_GETARG_INT64(1);
  if (groups < 1) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("groups must be greater than zero")));
  }
  return groups;
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(explain) {
  using namespace trending;
  if (PG_ARGISNULL(0)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("trend must not be null")));
  }
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  const int64 groups = groups_argument(fcinfo, *definition);
  InitMaterializedSRF(fcinfo, 0);
  const bool keeps_values = needs_values(*definition) && identity_covers_some(*definition);
  const TrendOptions options = engine_options(*definition, keeps_values);
  Explanation trend = {*definition, options, make_layout(options),
                       {},          false,   reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo)};
  trend.is_known = trend_glance(definition->id, &trend.glance);
  explain(trend, groups);
  return Datum{0};
}
