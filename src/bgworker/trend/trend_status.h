// SPDX-License-Identifier: PostgreSQL
// What becomes of a trend as a whole, and what its status says.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"
#include "shmem/area.h"

namespace trending {

struct FollowedTrend;

// Why a stopped trend is stopped, where it may go on by itself or has to be asked to. A trend's part:
// FollowedTrend::trouble.
struct TrendTrouble {
  bool unfit = false;            // its definition does not fit the source
  bool rights_lost = false;      // its owner may not read the source
  bool lacks_memory = false;     // there is none for its state: tried again at TrendFill::not_before
  bool set_aside = false;        // until it is resumed (blame.h)
  TimestampTz failure_told = 0;  // when the log was last told of a row that failed
};

void trend_stop(FollowedTrend* trend, const char* reason);
void trend_set_phase(FollowedTrend* trend, TrendPhase phase);
// The trend is to be refilled when the transaction at hand has been decoded. `reason`, a sentence that
// stays where it is, goes to the log and, meanwhile, to the status; null: as before.
void trend_ask_to_fill(FollowedTrend* trend, const char* reason);
// It is refilled at a time that has come, and not followed until then. What is there is known to be wrong.
void trend_fill_later(FollowedTrend* trend, TimestampTz due);
// What a trend that is being filled shows in its status, and tells its readers.
void trend_tell(FollowedTrend* trend, const char* message);
// A row was not counted, for the reason in evaluation_failure: tells the log, not too often.
void trend_note_failure(FollowedTrend* trend);
// Shows a trouble of a running trend in its status, and once in the log; an empty text clears it.
void trend_report(FollowedTrend* trend, const char* message);
// Shows in the status whether updates and deletes reach the trend. Needs a transaction.
void trend_note_retractable(FollowedTrend* trend, const Definition& definition);

}  // namespace trending
