// SPDX-License-Identifier: PostgreSQL
// Local time of a time zone, by the server's own zone rules.
#pragma once

#include "engine/time/window.h"
#include "postgres/server.h"

namespace trending {

// The calendar of a zone. Its context is the server's own record of the zone, which lives as long as the
// process.
Calendar zone_calendar(pg_tz* zone);

// The zone of that name, as SET timezone takes it; an error if there is none.
pg_tz* zone_lookup(const char* name);

// The local time at an instant. Where a day begins late, because the zone skipped its midnight, its first
// instant counts as midnight.
Time zone_local_time(pg_tz* zone, TimestampTz instant);

}  // namespace trending
