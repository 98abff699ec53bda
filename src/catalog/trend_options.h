// The options of create_trend, read from its arguments and checked.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// As given to SQL. Values that are NULL in SQL and may be: label, history_limit, retention, partition_by,
// notify_channel.
struct TrendOptionArguments {
  const char* label;
  const Interval* watermark_delay;
  const Interval* allowed_lateness;
  const char* late_events;
  const Interval* idle_timeout;
  const Interval* max_ahead;
  const int64* history_limit;
  const Interval* retention;
  const char* backfill;
  ArrayType* partition_by;
  const int32* max_groups;
  const char* notify_channel;
};

// The defaults, as in the install script.
TrendOptionArguments default_options();

// As the option is written: "true", "open" or "false".
Backfill backfill_of(const char* text);

// Raises an error that names the first option out of range. partition_by: partition_by.h.
void check_options(const TrendOptionArguments& options);

}  // namespace trending
