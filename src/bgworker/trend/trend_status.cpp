// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/trend_status.h"

#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "definition/replica_identity.h"
#include "values/evaluation.h"

namespace trending {

void trend_note_retractable(FollowedTrend* trend, const Definition& definition) {
  Retractable retractable = identity_covers(definition) ? Retractable::kYes : Retractable::kNo;
  pg_atomic_write_u32(&trend->shared->retractable, static_cast<uint32>(retractable));
}

void trend_set_phase(FollowedTrend* trend, TrendPhase phase) {
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(phase));
  pg_atomic_fetch_add_u64(&trend->shared->version, 1);
  ConditionVariableBroadcast(&worker->entry->changed);
}

void trend_stop(FollowedTrend* trend, const char* reason) {
  trend->state = FillState::kStopped;
  trend->trouble.unfit = trend->trouble.rights_lost = trend->trouble.lacks_memory = false;
  hold_trend(trend->shared);
  bool changed = strcmp(trend->shared->reason, reason) != 0;
  strlcpy(trend->shared->reason, reason, kMessageSize);
  pg_atomic_write_u32(&trend->shared->phase, static_cast<uint32>(TrendPhase::kStopped));
  release_trend(trend->shared);
  trend->recorded.clear();
  trend_set_phase(trend, TrendPhase::kStopped);
  worker->checkpoint.due = true;  // nothing may stay stored of it
  if (changed) ereport(LOG, (errmsg("trend %d is stopped", trend->id), errdetail("%s", reason)));
}

void trend_tell(FollowedTrend* trend, const char* message) {
  hold_trend(trend->shared);
  strlcpy(trend->shared->reason, message, kMessageSize);
  release_trend(trend->shared);
}

void trend_fill_later(FollowedTrend* trend, TimestampTz due) {
  trend->state = FillState::kLoading;
  trend->fill.not_before = due;
  trend_tell(trend, trend->fill.why);
  trend_set_phase(trend, TrendPhase::kFilling);
}

void trend_note_failure(FollowedTrend* trend) {
  constexpr int64 kPauseUs = 60 * INT64CONST(1000000);
  const TimestampTz now = GetCurrentTimestamp();
  if (now - trend->trouble.failure_told < kPauseUs) return;
  trend->trouble.failure_told = now;
  ereport(LOG, (errcode(evaluation_failure.sqlstate), errmsg("trend %d could not count a row", trend->id),
                errdetail("%s", evaluation_failure.message)));
}

void trend_report(FollowedTrend* trend, const char* message) {
  hold_trend(trend->shared);
  bool changed = strcmp(trend->shared->reason, message) != 0;
  strlcpy(trend->shared->reason, message, kMessageSize);
  release_trend(trend->shared);
  if (changed && message[0] != '\0') {
    ereport(WARNING, (errmsg("trend %d: %s", trend->id, message)));
  }
}

void trend_ask_to_fill(FollowedTrend* trend, const char* reason) {
  if (!trend->fill.wanted && reason != nullptr) {
    ereport(LOG, (errmsg("trend %d is refilled from its source", trend->id), errdetail("%s", reason)));
  }
  if (reason != nullptr) trend->fill.why = reason;
  trend->fill.wanted = true;
  worker->refill_wanted = true;
}

}  // namespace trending
