// SPDX-License-Identifier: PostgreSQL
// Local days of a time zone, by the server's own zone rules.
#pragma once

#include "engine/time/window.h"
#include "postgres/server.h"

namespace trending {

// The calendar of a zone. Its context is the server's own record of the zone, which lives as long as the
// process.
Calendar zone_calendar(pg_tz* zone);

// The zone of that name, as SET timezone takes it; an error if there is none.
pg_tz* zone_lookup(const char* name);

// The local day number (days since 2000-01-01) on whose first instant `instant` lies. False if it lies on
// none.
bool local_midnight(pg_tz* zone, TimestampTz instant, int64* day);

}  // namespace trending
