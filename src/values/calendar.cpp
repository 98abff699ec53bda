// SPDX-License-Identifier: PostgreSQL
#include "values/calendar.h"

namespace trending {

namespace {

constexpr pg_time_t kSecondsPerDay = 86400;
constexpr int64 kEpochOffset = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * kSecondsPerDay;

// The first instant whose local date is `day` or later. Within one stretch of constant offset local time
// rises with the clock, so each stretch has at most one candidate; the first stretch that has one decides. A
// midnight that happens twice begins the day when it happens first; one that is skipped begins it at the
// jump.
Time day_start(void* context, int64_t day) {
  auto* zone = static_cast<const pg_tz*>(context);
  const pg_time_t midnight = day * kSecondsPerDay + kEpochOffset;  // as if local time were UTC
  pg_time_t begin = midnight - 2 * kSecondsPerDay;                 // of the stretch; before any candidate
  for (;;) {
    long offset = 0;
    long next_offset = 0;
    int is_dst = 0;
    int next_is_dst = 0;
    pg_time_t end = 0;
    int more = pg_next_dst_boundary(&begin, &offset, &is_dst, &end, &next_offset, &next_is_dst, zone);
    pg_time_t candidate = Max(begin, midnight - offset);
    // Without a further boundary, or past where any could matter, the offset stays as it is.
    if (more <= 0 || candidate < end || end > midnight + 2 * kSecondsPerDay)
      return (candidate - kEpochOffset) * USECS_PER_SEC;
    begin = end;
  }
}

}  // namespace

Calendar zone_calendar(pg_tz* zone) {
  return Calendar{zone, day_start};
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

bool local_midnight(pg_tz* zone, TimestampTz instant, int64* day) {
  int64 guess = floor_div(instant, USECS_PER_DAY);
  for (int64 candidate = guess - 1; candidate <= guess + 1; candidate++) {
    if (day_start(zone, candidate) == instant) {
      *day = candidate;
      return true;
    }
  }
  return false;
}

}  // namespace trending
