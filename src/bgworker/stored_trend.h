// What the checkpoint tables hold of one trend. Reading it back: checkpoint_restore (worker.h).
#pragma once

#include <string>  // before the server's headers, whoever includes what next

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// A statement of a checkpoint; needs SPI.
void execute_stored(const char* sql, int count, const Oid* types, const Datum* values,
                    const char* nulls = nullptr);

// Stores everything but the panes.
void write_trend_row(FollowedTrend* trend);

}  // namespace trending
