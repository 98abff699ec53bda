// SPDX-License-Identifier: PostgreSQL
#include "values/calendar.h"

#include <algorithm>

namespace trending {

namespace {

constexpr pg_time_t kEpochOffset = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * INT64CONST(86400);
constexpr int64 kReach = 2 * USECS_PER_DAY;

Time from_unix(pg_time_t seconds) {
  return (seconds - kEpochOffset) * USECS_PER_SEC;
}

// The first instant whose local time is `local` or later. Within one stretch of constant offset local time
// rises with the clock, so each stretch has at most one candidate; the first stretch that has one decides. A
// time that happens twice is meant when it happens first; one that is skipped is where the clock jumps.
Time instant_of(void* context, Time local) {
  auto* zone = static_cast<const pg_tz*>(context);
  // As if local time were UTC, of the stretch that is looked at; before any candidate.
  pg_time_t begin = floor_div(local - kReach, USECS_PER_SEC) + kEpochOffset;
  for (;;) {
    long offset = 0;
    long next_offset = 0;
    int is_dst = 0;
    int next_is_dst = 0;
    pg_time_t end = 0;
    int more = pg_next_dst_boundary(&begin, &offset, &is_dst, &end, &next_offset, &next_is_dst, zone);
    Time candidate = std::max(from_unix(begin), local - offset * USECS_PER_SEC);
    // Without a further boundary, or past where any could matter, the offset stays as it is.
    if (more <= 0 || candidate < from_unix(end) || from_unix(end) > local + kReach) return candidate;
    begin = end;
  }
}

}  // namespace

Calendar zone_calendar(pg_tz* zone) {
  return Calendar{zone, instant_of};
}

pg_tz* zone_lookup(const char* name) {
  // Longer names than this would be cut short by the server's own look-up.
  pg_tz* zone = strlen(name) <= TZ_STRLEN_MAX ? pg_tzset(name) : nullptr;
  if (zone == nullptr || !pg_tz_acceptable(zone)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("time zone \"%s\" not recognized", name),
                    errhint("pg_timezone_names lists the time zones.")));
  }
  return zone;
}

Time zone_local_time(pg_tz* zone, TimestampTz instant) {
  int offset = 0;  // seconds west of UTC
  pg_tm fields = {};
  fsec_t fraction = 0;
  if (timestamp2tm(instant, &offset, &fields, &fraction, nullptr, zone) != 0) {
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
  }
  const Time local = instant - offset * USECS_PER_SEC;
  const Time midnight = local - floor_mod(local, USECS_PER_DAY);
  return instant_of(zone, midnight) == instant ? midnight : local;
}

}  // namespace trending
