// SPDX-License-Identifier: PostgreSQL
#include "values/window_args.h"

#include "values/calendar.h"
#include "values/own_function.h"

namespace trending {

namespace {

constexpr WindowKind kKinds[] = {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate,
                                 WindowKind::kSession};

void report_infinite(const char* argument) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be finite", argument)));
}

void check_positive(int64 span, const char* argument) {
  if (span > 0) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be greater than zero", argument)));
}

// A length of windows: months or microseconds. Mixed ones are refused.
struct Length {
  int32 months;
  int64 micros;
};

Length interval_to_length(const Interval* interval, const char* argument) {
  if (interval == nullptr || interval->month == 0) {
    const int64 span = interval_to_span(interval, argument);
    check_positive(span, argument);
    return {0, span};
  }
  if (!compat::interval_is_finite(interval)) report_infinite(argument);
  if (interval->day != 0 || interval->time != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must not be months together with days or time", argument),
                    errdetail("Months differ in length."),
                    errhint("Write months alone, such as '3 months', or days, such as '90 days'.")));
  }
  check_positive(interval->month, argument);
  return {interval->month, 0};
}

// In a zone windows begin with its days, weeks and months.
void check_whole_days(const Interval* interval, const char* argument) {
  if (interval->time == 0) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("%s must be whole days when a zone is given", argument),
                  errdetail("Windows in a zone follow its local days, of 23, 24 or 25 hours."),
                  errhint("Write days, such as '1 day', or leave out the zone.")));
}

// The step of cumulate in a zone is either of local days or elapsed time.
bool is_elapsed(const Interval* step, const char* argument) {
  if (step->time == 0) return false;
  if (step->day == 0) return true;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("%s must not be days together with time when a zone is given", argument),
                  errdetail("Local days have 23, 24 or 25 hours, hours have always the same length."),
                  errhint("Write days alone, such as '1 day', or hours, such as '6 hours'.")));
  pg_unreachable();
}

// Weeks begin on Monday; everything else is aligned to 1970-01-01, a Thursday.
Time default_origin(const WindowSpec& spec) {
  const bool hops = spec.kind == WindowKind::kHop;
  const int64 pitch = hops ? spec.slide : spec.size;
  const bool by_months = (hops ? spec.slide_months : spec.size_months) > 0;
  return !by_months && pitch % (7 * USECS_PER_DAY) == 0 ? kMonday * USECS_PER_DAY : kUnixEpoch;
}

WindowSpec window_spec(const WindowArguments& arguments, pg_tz* zone) {
  WindowSpec spec;
  spec.kind = arguments.kind;
  spec.zoned = zone != nullptr;
  const char* size_name = window_size_name(arguments.kind);
  if (arguments.kind == WindowKind::kSession) {
    spec.size = interval_to_span(arguments.size, size_name);
    check_positive(spec.size, size_name);
    return spec;
  }
  const Length size = interval_to_length(arguments.size, size_name);
  spec.size = size.micros;
  spec.size_months = size.months;
  if (spec.zoned) check_whole_days(arguments.size, size_name);
  if (arguments.kind != WindowKind::kTumble) {
    const char* slide_name = window_slide_name(arguments.kind);
    const Length slide = interval_to_length(arguments.slide, slide_name);
    spec.slide = slide.micros;
    spec.slide_months = slide.months;
    if (spec.zoned && arguments.kind == WindowKind::kHop) check_whole_days(arguments.slide, slide_name);
    if (spec.zoned && arguments.kind == WindowKind::kCumulate)
      spec.elapsed_step = is_elapsed(arguments.slide, slide_name);
  }
  if (!arguments.has_origin) {
    spec.origin = default_origin(spec);
  } else {
    spec.origin = spec.zoned ? zone_local_time(zone, arguments.origin) : arguments.origin;
  }
  return spec;
}

// The smallest slide that a size allows, as an interval.
const char* least_slide(const WindowSpec& spec) {
  Interval least = {};
  const int64 micros = (longest_window(spec) - 1) / kMaxPanesPerWindow + 1;
  least.day = static_cast<int32>(micros / USECS_PER_DAY);
  least.time = micros % USECS_PER_DAY;
  return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(&least)));
}

void report(WindowError error, const WindowSpec& spec) {
  const WindowKind kind = spec.kind;
  switch (error) {
    case WindowError::kNone:
      return;
    case WindowError::kSlideAboveSize:
      ereport(ERROR,
              (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
               errmsg("%s must not be greater than size", window_slide_name(kind)),
               kind == WindowKind::kHop ? errdetail("Rows between two windows would belong to none.")
                                        : errdetail("The window grows by step until it reaches size.")));
      return;
    case WindowError::kSizeTooLarge:
      ereport(ERROR,
              (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is too large", window_size_name(kind)),
               kind == WindowKind::kSession ? errdetail("At most 36600 days.")
                                            : errdetail("At most 36600 days, or 1200 months.")));
      return;
    case WindowError::kSlideNotDays:
      ereport(
          ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("slide must be whole days when size is in months"),
           errdetail("Some months are too short for all windows to end in the order in which they begin."),
           errhint("Write days, such as '1 day', or a size in days, such as '30 days'.")));
      return;
    case WindowError::kTooManyPanes:
      ereport(
          ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("%s is too small for this size", window_slide_name(kind)),
           errdetail("A window may be cut into at most %lld slices.", (long long)kMaxPanesPerWindow),
           errhint("The smallest %s for this size is '%s'.", window_slide_name(kind), least_slide(spec))));
      return;
    case WindowError::kSizeNotPositive:
    case WindowError::kSlideNotPositive:
    case WindowError::kBadCut:
      break;
  }
  elog(ERROR, "unexpected window error %d", static_cast<int>(error));
}

}  // namespace

WindowSetup window_setup(const WindowArguments& arguments) {
  if (arguments.has_origin && TIMESTAMP_NOT_FINITE(arguments.origin)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("origin must be finite")));
  }
  WindowSetup setup;
  pg_tz* zone = arguments.zone == nullptr ? nullptr : zone_lookup(arguments.zone);
  setup.spec = window_spec(arguments, zone);
  if (zone != nullptr) setup.calendar = zone_calendar(zone);
  report(check_window(setup.spec), setup.spec);
  return setup;
}

WindowArgumentPositions window_argument_positions(WindowKind kind) {
  if (kind == WindowKind::kTumble) return {-1, 1, 2, 3};
  if (kind == WindowKind::kSession) return {-1, 1, -1, -1};
  return {1, 2, 3, 4};
}

const char* window_function_name(WindowKind kind) {
  switch (kind) {
    case WindowKind::kTumble:
      return "tumble";
    case WindowKind::kHop:
      return "hop";
    case WindowKind::kCumulate:
      return "cumulate";
    case WindowKind::kSession:
      return "session";
    case WindowKind::kUnbounded:
    case WindowKind::kDecayed:
      break;  // no function
  }
  return "";
}

const char* window_size_name(WindowKind kind) {
  return kind == WindowKind::kSession ? "gap" : "size";
}

const char* window_slide_name(WindowKind kind) {
  return kind == WindowKind::kCumulate ? "step" : "slide";
}

bool window_function_kind(Oid function, WindowKind* kind) {
  const char* name = own_function_name(function);
  for (WindowKind candidate : kKinds) {
    if (name != nullptr && strcmp(name, window_function_name(candidate)) == 0) {
      *kind = candidate;
      return true;
    }
  }
  return false;
}

int64 interval_to_span(const Interval* interval, const char* argument) {
  if (interval == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", argument)));
  }
  if (!compat::interval_is_finite(interval)) report_infinite(argument);
  if (interval->month != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must not contain months or years", argument),
                    errdetail("Months differ in length."), errhint("Write days, such as '30 days'.")));
  }
  int64 span = 0;
  if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &span) ||
      pg_add_s64_overflow(span, interval->time, &span)) {
    ereport(ERROR, (errcode(ERRCODE_INTERVAL_FIELD_OVERFLOW), errmsg("%s is out of range", argument)));
  }
  return span;
}

}  // namespace trending
