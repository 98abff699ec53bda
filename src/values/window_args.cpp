// SPDX-License-Identifier: PostgreSQL
#include "values/window_args.h"

#include "values/calendar.h"
#include "values/own_function.h"

namespace trending {

namespace {

constexpr WindowKind kKinds[] = {WindowKind::kTumble, WindowKind::kHop, WindowKind::kCumulate,
                                 WindowKind::kSession};

void check_positive(int64 span, const char* argument) {
  if (span > 0) return;
  ereport(ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be greater than zero", argument)));
}

// Whole days, for windows that follow a zone's calendar.
int64 interval_to_days(const Interval* interval, const char* argument) {
  check_positive(interval_to_span(interval, argument), argument);
  if (interval->time != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must be whole days when a zone is given", argument),
                    errdetail("Windows in a zone follow its local days, of 23, 24 or 25 hours."),
                    errhint("Write days, such as '1 day', or leave out the zone.")));
  }
  return interval->day;
}

// The step of cumulate in a zone: elapsed time.
int64 interval_to_step(const Interval* interval, const char* argument) {
  int64 span = interval_to_span(interval, argument);
  check_positive(span, argument);
  if (interval->day != 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("%s must not contain days when a zone is given", argument),
                    errdetail("Local days have 23, 24 or 25 hours, a step has always the same length."),
                    errhint("Write hours, such as '6 hours'.")));
  }
  return span;
}

WindowSpec zoned_spec(const WindowArguments& arguments, pg_tz* zone) {
  WindowSpec spec;
  spec.kind = arguments.kind;
  spec.zoned = true;
  spec.origin = kUnixEpochDay;
  spec.size = interval_to_days(arguments.size, "size");
  if (arguments.kind == WindowKind::kHop) spec.slide = interval_to_days(arguments.slide, "slide");
  if (arguments.kind == WindowKind::kCumulate) spec.slide = interval_to_step(arguments.slide, "step");
  int64 day = 0;
  if (arguments.has_origin) {
    if (!local_midnight(zone, arguments.origin, &day)) {
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("origin must be the beginning of a day in time zone \"%s\"",
                             pg_get_timezone_name(zone))));
    }
    spec.origin = day;
  }
  return spec;
}

WindowSpec plain_spec(const WindowArguments& arguments) {
  WindowSpec spec;
  spec.kind = arguments.kind;
  const char* size = window_size_name(arguments.kind);
  spec.size = interval_to_span(arguments.size, size);
  check_positive(spec.size, size);
  if (arguments.kind == WindowKind::kHop || arguments.kind == WindowKind::kCumulate) {
    const char* name = window_slide_name(arguments.kind);
    spec.slide = interval_to_span(arguments.slide, name);
    check_positive(spec.slide, name);
  }
  if (arguments.has_origin) spec.origin = arguments.origin;
  return spec;
}

void report(WindowError error, WindowKind kind) {
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
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("%s is too large", window_size_name(kind)), errdetail("At most 36600 days.")));
      return;
    case WindowError::kTooManyPanes:
      ereport(ERROR,
              (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
               errmsg("%s is too small for this size", window_slide_name(kind)),
               errdetail("A window may be cut into at most %lld slices.", (long long)kMaxPanesPerWindow)));
      return;
    case WindowError::kSizeNotPositive:
    case WindowError::kSlideNotPositive:
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
  if (arguments.zone != nullptr) {
    pg_tz* zone = zone_lookup(arguments.zone);
    setup.spec = zoned_spec(arguments, zone);
    setup.calendar = zone_calendar(zone);
  } else {
    setup.spec = plain_spec(arguments);
  }
  report(check_window(setup.spec), arguments.kind);
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
  if (!compat::interval_is_finite(interval)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be finite", argument)));
  }
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
