// SPDX-License-Identifier: PostgreSQL
#include "catalog/trend_options.h"

#include "values/window_args.h"

namespace trending {

namespace {

constexpr int32 kMaxGroupsLimit = 1'000'000'000;

// --- checking ---

void check_given(const NullableDatum& value, const char* name) {
  if (!value.isnull) return;
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

const Interval* interval_of(const NullableDatum& value) {
  return value.isnull ? nullptr : DatumGetIntervalP(value.value);
}

void check_not_negative(const NullableDatum& value, const char* name) {
  if (interval_to_span(interval_of(value), name) >= 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", name)));
}

void check_positive(const NullableDatum& value, const char* name) {
  if (interval_to_span(interval_of(value), name) > 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be greater than zero", name)));
}

void check_positive_or_null(const NullableDatum& value, const char* name) {
  if (!value.isnull) check_positive(value, name);
}

void check_late_events(const NullableDatum& value, const char* name) {
  check_given(value, name);
  const char* late_events = TextDatumGetCString(value.value);
  if (strcmp(late_events, "drop") == 0 || strcmp(late_events, "keep") == 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid value for %s: \"%s\"", name, late_events),
                  errhint("Valid values are 'drop' and 'keep'.")));
}

void check_history_limit(const NullableDatum& value, const char* name) {
  if (value.isnull || DatumGetInt64(value.value) >= 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", name),
                  errhint("NULL keeps all groups, 0 none.")));
}

void check_max_groups(const NullableDatum& value, const char* name) {
  check_given(value, name);
  const int32 groups = DatumGetInt32(value.value);
  if (groups >= 1 && groups <= kMaxGroupsLimit) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("%s must be between 1 and %d", name, kMaxGroupsLimit)));
}

void check_channel(const NullableDatum& value, const char* name) {
  if (value.isnull) return;
  const char* channel = TextDatumGetCString(value.value);
  if (channel[0] != '\0' && strlen(channel) < NAMEDATALEN) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("%s must have between 1 and %d bytes", name, NAMEDATALEN - 1),
                  errhint("NULL: alerts are not announced.")));
}

// --- reading ---

template <int64 DefinitionOptions::*Member>
void read_span(const NullableDatum& value, DefinitionOptions* options) {
  options->*Member = value.isnull ? -1 : interval_to_span(interval_of(value), "interval");
}

void read_late_events(const NullableDatum& value, DefinitionOptions* options) {
  options->keep_late_events = strcmp(TextDatumGetCString(value.value), "keep") == 0;
}

void read_history_limit(const NullableDatum& value, DefinitionOptions* options) {
  options->history_limit = value.isnull ? -1 : DatumGetInt64(value.value);
}

void read_backfill(const NullableDatum& value, DefinitionOptions* options) {
  const char* mode = TextDatumGetCString(value.value);
  options->backfill = strcmp(mode, "true") == 0   ? Backfill::kAll
                      : strcmp(mode, "open") == 0 ? Backfill::kOpen
                                                  : Backfill::kNone;
}

void read_max_groups(const NullableDatum& value, DefinitionOptions* options) {
  options->max_groups = DatumGetInt32(value.value);
}

void read_channel(const NullableDatum& value, DefinitionOptions* options) {
  options->notify_channel[0] = '\0';
  if (!value.isnull) strlcpy(options->notify_channel, TextDatumGetCString(value.value), NAMEDATALEN);
}

}  // namespace

using enum TrendOption;
using Options = DefinitionOptions;

// clang-format off
const TrendOptionInfo option_table[kTrendOptionCount] = {
    {kLabel, "label", kTrendLabel, TEXTOID, nullptr, nullptr, nullptr, true, false},
    {kWatermarkDelay, "watermark_delay", kTrendWatermarkDelay, INTERVALOID, "0",
     check_not_negative, read_span<&Options::watermark_delay>, true, true},
    {kAllowedLateness, "allowed_lateness", kTrendAllowedLateness, INTERVALOID, "1 minute",
     check_not_negative, read_span<&Options::allowed_lateness>, true, true},
    {kLateEvents, "late_events", kTrendLateEvents, TEXTOID, "drop",
     check_late_events, read_late_events, true, false},
    {kIdleTimeout, "idle_timeout", kTrendIdleTimeout, INTERVALOID, "10 seconds",
     check_positive, read_span<&Options::idle_timeout>, true, false},
    {kMaxAhead, "max_ahead", kTrendMaxAhead, INTERVALOID, "1 minute",
     check_not_negative, read_span<&Options::max_ahead>, true, false},
    {kHistoryLimit, "history_limit", kTrendHistoryLimit, INT8OID, "100",
     check_history_limit, read_history_limit, true, true},
    {kRetention, "retention", kTrendRetention, INTERVALOID, nullptr,
     check_positive_or_null, read_span<&Options::retention>, true, false},
    {kBackfill, "backfill", kTrendBackfill, TEXTOID, "true", check_given, read_backfill, false, false},
    {kPartitionBy, "partition_by", kTrendPartitionBy, NAMEARRAYOID, nullptr, nullptr, nullptr, false, false},
    {kMaxGroups, "max_groups", kTrendMaxGroups, INT4OID, "1000000",
     check_max_groups, read_max_groups, true, false},
    {kNotifyChannel, "notify_channel", kTrendNotifyChannel, TEXTOID, "trending_alerts",
     check_channel, read_channel, true, false},
};
// clang-format on

const char* OptionValues::string(TrendOption option) const {
  const NullableDatum& value = (*this)[option];
  return value.isnull ? nullptr : TextDatumGetCString(value.value);
}

NullableDatum default_option(const TrendOptionInfo& info) {
  if (info.default_value == nullptr) return {Datum{0}, true};
  Oid input = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(info.type, &input, &parameter);
  return {OidInputFunctionCall(input, pstrdup(info.default_value), parameter, -1), false};
}

OptionValues default_options() {
  OptionValues values;
  for (const TrendOptionInfo& info : option_table) values[info.option] = default_option(info);
  return values;
}

OptionValues option_arguments(FunctionCallInfo fcinfo, int first) {
  OptionValues values;
  for (int i = 0; i < kTrendOptionCount; i++) values.list[i] = fcinfo->args[first + i];
  // An enum, which is kept as its label.
  NullableDatum& backfill = values[kBackfill];
  if (!backfill.isnull) {
    backfill.value = CStringGetTextDatum(DatumGetCString(OidFunctionCall1(F_ENUM_OUT, backfill.value)));
  }
  return values;
}

void check_options(const OptionValues& values) {
  for (const TrendOptionInfo& info : option_table) {
    if (info.check != nullptr) info.check(values[info.option], info.name);
  }
}

DefinitionOptions definition_options(const OptionValues& values) {
  DefinitionOptions options = {};
  for (const TrendOptionInfo& info : option_table) {
    if (info.read != nullptr) info.read(values[info.option], &options);
  }
  return options;
}

}  // namespace trending
