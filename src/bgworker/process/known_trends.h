// SPDX-License-Identifier: PostgreSQL
// Which of the trends in the catalog exist at the worker's position.
//
// The catalog is today's, the position may be further back: after a crash, or where much is yet to be
// decoded. A trend that was created in between does not exist yet: rows from before its creation are neither
// its own nor late. So a trend is followed from where its creation is decoded. One whose creation lies before
// the position is known from the checkpoint (trend_start.is_followed). Where neither is so, for it was created
// before the slot was, say, it is followed from where the WAL ended when it was first seen.
#pragma once

#include <map>
#include <vector>

#include "postgres/server.h"

namespace trending {

struct KnownTrends {
  std::vector<int32> created;          // by transactions decoded since the last look
  std::vector<int32> stored;           // followed at the stored position
  std::vector<int32> unstored;         // followed, which no checkpoint says yet
  std::map<int32, XLogRecPtr> unborn;  // not followed yet; from there on at the latest
};

// At the worker's start. Runs a transaction.
void known_trends_load();

// A decoded transaction created a trend.
void known_trends_note_created(int32 id);

// Whether a trend that is in the catalog exists at the position. If not, known_trends_due() will tell.
bool trend_is_known(int32 id);

// Whether the transaction that was decoded last created it.
bool trend_was_created(int32 id);

// A look at all trends in the catalog has ended.
void known_trends_looked();

// Whether one exists by now whose creation was not met.
bool known_trends_due();

// With a checkpoint: notes what is followed; and that the checkpoint was committed.
void known_trends_write();
void known_trends_written();

}  // namespace trending
