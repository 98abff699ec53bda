// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/blame.h"

#include "bgworker/process/worker.h"
#include "bgworker/process/worker_end.h"
#include "bgworker/process/working.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"

namespace trending {

namespace {

// So many deaths set a trend aside, within this time.
constexpr int32 kMost = 5;
constexpr int64 kMemoryUs = 600 * INT64CONST(1000000);
constexpr int64 kBanUs = 600 * INT64CONST(1000000);

uint32 resumed_before = 0;  // calls of trending.resume() that have been followed

const char* work_name(Work work) {
  switch (work) {
    case Work::kLoading:
      return "loaded its definition";
    case Work::kReading:
      return "read a row for it";
    case Work::kApplying:
      return "applied changes to it";
    case Work::kFilling:
      return "filled it from its source";
    case Work::kWriting:
      return "wrote its tables";
    case Work::kStoring:
      return "stored its state";
    case Work::kNone:
      break;
  }
  return "worked for it";
}

// One that was told to end, or in whose way somebody was.
bool is_nobodys(int sqlstate) {
  return ProcDiePending || ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_OPERATOR_INTERVENTION;
}

void note_death(BlamedTrend* blamed, int sqlstate) {
  const TimestampTz now = GetCurrentTimestamp();
  const XLogRecPtr position = worker->loop.decoding != nullptr ? worker->loop.position() : InvalidXLogRecPtr;
  const bool again = blamed->deaths > 0 && now - blamed->died_at < kMemoryUs;
  const bool same_place = again && (position == blamed->position || working.work == Work::kLoading ||
                                    working.work == Work::kFilling);
  blamed->deaths = again ? blamed->deaths + 1 : 1;
  blamed->died_at = now;
  blamed->position = position;
  if (!same_place && blamed->deaths < kMost) return;
  blamed->set_aside = true;
  snprintf(blamed->reason, sizeof(blamed->reason),
           "set aside: the worker ended %d times with an error (SQLSTATE %s at last) while it %s",
           blamed->deaths, unpack_sql_state(sqlstate), work_name(working.work));
}

OverrunOwner* find_overrun(Oid owner) {
  for (OverrunOwner& overrun : worker->entry->overruns) {
    if (overrun.owner == owner) return &overrun;
  }
  return nullptr;
}

void note_overrun(Oid owner) {
  const TimestampTz now = GetCurrentTimestamp();
  OverrunOwner* known = find_overrun(owner);
  if (known != nullptr) {
    *known = {owner, now - known->at < kBanUs, now};
    return;
  }
  OverrunOwner* oldest = &worker->entry->overruns[0];
  for (OverrunOwner& overrun : worker->entry->overruns) {
    if (overrun.at < oldest->at) oldest = &overrun;
  }
  *oldest = {owner, false, now};
}

void note_set_aside(int32 trend_id, const char* reason) {
  BlamedTrend* blamed = blamed_trend(worker->entry, trend_id);
  blamed->set_aside = true;
  blamed->died_at = GetCurrentTimestamp();
  strlcpy(blamed->reason, reason, sizeof(blamed->reason));
}

}  // namespace

void blame_overrun(Oid owner) {
  const int32 trend = working.trend;
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  if (trend != 0) {
    note_set_aside(
        trend, "set aside: an expression of it or of its source took too long and could not be cancelled");
  }
  note_overrun(owner);
  LWLockRelease(&directory->lock);
  leave_overrun(trend);
}

void blame_overload(Oid owner) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  note_overrun(owner);
  LWLockRelease(&directory->lock);
}

bool blame_bans(Oid owner, char (&reason)[kMessageSize]) {
  LWLockAcquire(&directory->lock, LW_SHARED);
  const OverrunOwner* overrun = find_overrun(owner);
  const TimestampTz until = overrun != nullptr && overrun->again ? overrun->at + kBanUs : 0;
  LWLockRelease(&directory->lock);
  if (until <= GetCurrentTimestamp()) return false;
  snprintf(
      reason, sizeof(reason),
      "trends of its owner have kept the worker too long several times, by expressions that could not be cancelled "
      "or by more work than it can do. It can be resumed from %s on",
      timestamptz_to_str(until));
  return true;
}

void blame_death(int sqlstate) {
  if (worker == nullptr || worker->entry == nullptr || working.trend == 0 || is_nobodys(sqlstate)) return;
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  note_death(blamed_trend(worker->entry, working.trend), sqlstate);
  LWLockRelease(&directory->lock);
}

void trend_put_aside(FollowedTrend* trend, const char* reason) {
  trend->trouble.set_aside = true;
  pg_atomic_write_u32(&trend->shared->aside, static_cast<uint32>(Aside::kSetAside));
  trend_stop(trend, reason);
}

void trend_set_aside(FollowedTrend* trend, const char* reason) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  note_set_aside(trend->id, reason);
  LWLockRelease(&directory->lock);
  trend_put_aside(trend, reason);
}

bool blame_sets_aside(int32 trend_id, char (&reason)[kMessageSize]) {
  bool is_set_aside = false;
  LWLockAcquire(&directory->lock, LW_SHARED);
  for (const BlamedTrend& blamed : worker->entry->blamed) {
    if (blamed.trend_id != trend_id || !blamed.set_aside) continue;
    is_set_aside = true;
    strlcpy(reason, blamed.reason, sizeof(reason));
  }
  LWLockRelease(&directory->lock);
  return is_set_aside;
}

void blame_follow() {
  const uint32 resumed = pg_atomic_read_u32(&worker->entry->resumed);
  if (resumed == resumed_before) return;
  resumed_before = resumed;
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->state != FillState::kStopped) continue;
    auto resume = static_cast<uint32>(Aside::kResume);
    if (!pg_atomic_compare_exchange_u32(&trend->shared->aside, &resume, static_cast<uint32>(Aside::kNo)))
      continue;
    trend->trouble.set_aside = false;
    trend_ask_to_fill(trend, "It was resumed.");
  }
}

}  // namespace trending
