// What the checkpoint tables hold of one trend. Reading it back: checkpoint_restore (worker.h).
#pragma once

#include <string>  // before the server's headers, whoever includes what next

#include "engine/time/time.h"
#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// The checksum of a row of pane_state.
int64 segment_checksum(int32 trend_id, Time pane_start, int32 segment, const void* cells, size_t size);

// Stores everything but the panes; needs SPI.
void write_trend_row(FollowedTrend* trend);

// Deletes what is stored of a trend; needs SPI.
void delete_stored_trend(FollowedTrend* trend);

// What the tables have of it is not to be relied upon: it is written whole next time.
void forget_stored_trend(FollowedTrend* trend);

}  // namespace trending
