// Closed windows, late rows and alerts whose tables cannot be written for now: a lock held by others, or
// something of the owner's attached to them (postgres/owned_table.h). One trend's trouble must not keep the
// database from its checkpoints, so they are put by in tables of ours, in the same transaction as the state,
// and written when their tables let us: a portion with each checkpoint, in the order in which they came, so
// what comes meanwhile is put by, too. Of each trend and kind no more than kMaxWaitingBytes wait; the rest is
// lost, and the status says so. What filling a trend anew has to undo in its history is noted there likewise.
//
// Rows that cannot be read are deleted, and the trend's status and the log say that they are lost.
//
// Everything here needs a transaction and SPI, and runs as the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>  // before the server's headers, whoever includes what next

#include "engine/time/time.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"
#include "shmem/directory.h"

namespace trending {

struct FollowedTrend;

// When to try again: after a second at first, then in ever longer intervals up to a minute.
struct Retry {
  TimestampTz at = 0;
  int64 pause = 0;

  bool is_put_off() const { return at != 0 && GetCurrentTimestamp() < at; }
  void put_off();
  void go_on() { *this = Retry{GetCurrentTimestamp(), 0}; }  // with the next checkpoint
  void reset() { *this = Retry{}; }
};

// How a trend's status begins to say that something waits, or that it is lost.
struct WaitingWords {
  const char* waits;
  const char* lost;
};
void waiting_report(FollowedTrend* trend, const char* words, const char* message);
void waiting_clear_report(FollowedTrend* trend, const WaitingWords& words);

// What waits of one kind, in bytes.
constexpr int64 kMaxWaitingBytes = INT64CONST(64) * 1024 * 1024;

// How much waits; asked of the table when it is not known.
struct WaitingRoom {
  int64 bytes = -1;
  int64 since = 0;          // bytes that came since it was asked
  bool overflowed = false;  // since it was last empty
};

// Whether the portion of a checkpoint is written that began then.
inline bool waiting_is_over(TimestampTz started) {
  return GetCurrentTimestamp() - started > 250 * 1000;
}

// Calls write(message) unless that is put off, and keep() if it has to be put off.
template <typename Write, typename Keep>
OwnerResult write_or_wait(FollowedTrend* trend, Retry* retry, WaitingRoom* room, const WaitingWords& words,
                          Write&& write, Keep&& keep) {
  char message[kMessageSize] = "";
  const bool tried = !retry->is_put_off();
  const OwnerResult result = tried ? write(message) : OwnerResult::kPassing;
  if (result == OwnerResult::kPassing || result == OwnerResult::kMore) {
    if (result == OwnerResult::kMore) {
      retry->go_on();
    } else if (tried) {
      retry->put_off();
      waiting_report(trend, room->overflowed ? words.lost : words.waits, message);
    }
    const bool overflowed = room->overflowed;
    keep();
    if (room->overflowed && !overflowed) {
      waiting_report(trend, words.lost, "more waits to be written than is kept");
    }
    return result;
  }
  if (result == OwnerResult::kFailed) {
    waiting_report(trend, words.lost, message);
  } else if (retry->at != 0) {
    waiting_clear_report(trend, words);
  }
  retry->reset();
  room->overflowed = false;
  return result;
}

// Puts by the windows that a trend has taken, its late rows, its alerts.
void waiting_keep_windows(FollowedTrend* trend);
void waiting_keep_late(FollowedTrend* trend);
void waiting_keep_alerts(FollowedTrend* trend);

// Loads some of the windows, those that closed first, into trend->retried; the late rows into
// trend->retried_late, the alerts into trend->retried_alerts. False: none wait.
bool waiting_load_windows(FollowedTrend* trend);
bool waiting_load_late(FollowedTrend* trend);
bool waiting_load_alerts(FollowedTrend* trend);

// What was loaded has been written: forgets it.
void waiting_drop_windows(FollowedTrend* trend);
void waiting_drop_late(FollowedTrend* trend);
void waiting_drop_alerts(FollowedTrend* trend);

// Forgets all that waits for a trend's history.
void waiting_discard_windows(FollowedTrend* trend);
// Forgets what waits for tables that the trend does not have.
void waiting_discard_strays(FollowedTrend* trend);

// The end of the last window, or of the last final one, that waits; kNoTime: none.
Time waiting_last_end(FollowedTrend* trend, bool only_final);

// Forgets windows that history_redo() has written again.
void waiting_delete_redone(FollowedTrend* trend, Time after, Time final_after);

// Keeps what trend->redo_history has left to do, loads it, forgets it.
void waiting_keep_redo(const FollowedTrend* trend);
void waiting_load_redo(FollowedTrend* trend);
void waiting_drop_redo(const FollowedTrend* trend);
// Whether there is none, or one that can be read.
bool waiting_redo_is_good(const FollowedTrend* trend);

// At the worker's start, once the trends are there: says what has been lost of what waited. Has a transaction
// of its own.
void waiting_check();

}  // namespace trending
