#include "catalog/trend_options.h"

#include "values/window_args.h"

namespace trending {

namespace {

constexpr int32 kMaxGroupsLimit = 1'000'000'000;

void check_span(const Interval* interval, const char* option, bool zero_allowed) {
  int64 span = interval_to_span(interval, option);
  if (span > 0 || (zero_allowed && span == 0)) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  zero_allowed ? errmsg("%s must not be negative", option)
                               : errmsg("%s must be greater than zero", option)));
}

void check_given(const void* value, const char* option) {
  if (value != nullptr) return;
  ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", option)));
}

void check_late_events(const char* late_events) {
  check_given(late_events, "late_events");
  if (strcmp(late_events, "drop") == 0 || strcmp(late_events, "keep") == 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid value for late_events: \"%s\"", late_events),
                  errhint("Valid values are 'drop' and 'keep'.")));
}

void check_history_limit(const int64* history_limit) {
  if (history_limit == nullptr || *history_limit >= 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("history_limit must not be negative"),
                  errhint("NULL keeps all groups, 0 none.")));
}

void check_max_groups(const int32* max_groups) {
  check_given(max_groups, "max_groups");
  if (*max_groups >= 1 && *max_groups <= kMaxGroupsLimit) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("max_groups must be between 1 and %d", kMaxGroupsLimit)));
}

void check_notify_channel(const char* channel) {
  if (channel == nullptr || (channel[0] != '\0' && strlen(channel) < NAMEDATALEN)) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("notify_channel must have between 1 and %d bytes", NAMEDATALEN - 1),
                  errhint("NULL: alerts are not announced.")));
}

}  // namespace

TrendOptionArguments default_options() {
  static const Interval kZero = {0, 0, 0};
  static const Interval kTenSeconds = {10 * USECS_PER_SEC, 0, 0};
  static const Interval kMinute = {USECS_PER_MINUTE, 0, 0};
  static const int64 kHistoryLimit = 100;
  static const int32 kMaxGroups = 1'000'000;
  return {nullptr,        &kZero,  &kMinute, "drop",  &kTenSeconds, &kMinute,
          &kHistoryLimit, nullptr, "true",   nullptr, &kMaxGroups,  "trending_alerts"};
}

Backfill backfill_of(const char* text) {
  if (strcmp(text, "true") == 0) return Backfill::kAll;
  return strcmp(text, "open") == 0 ? Backfill::kOpen : Backfill::kNone;
}

void check_options(const TrendOptionArguments& options) {
  check_span(options.watermark_delay, "watermark_delay", true);
  check_span(options.allowed_lateness, "allowed_lateness", true);
  check_late_events(options.late_events);
  check_span(options.idle_timeout, "idle_timeout", false);
  check_span(options.max_ahead, "max_ahead", true);
  check_history_limit(options.history_limit);
  if (options.retention != nullptr) check_span(options.retention, "retention", false);
  check_given(options.backfill, "backfill");
  check_max_groups(options.max_groups);
  check_notify_channel(options.notify_channel);
}

}  // namespace trending
