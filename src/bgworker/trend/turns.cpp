// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/turns.h"

#include <algorithm>
#include <map>

#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "postgres/settings.h"

namespace trending {

namespace {

constexpr int64 kBurst = 30;
constexpr int64 kShare = 3;

struct Account {
  int64 spent_us = 0;  // becomes less as time passes
  TimestampTz at = 0;  // when that was put right
};
std::map<Oid, Account> accounts;

int64 burst_us() {
  return kBurst * settings.row_timeout_ms * 1000;
}

void put_right(Account* account) {
  const TimestampTz now = GetCurrentTimestamp();
  const int64 passed = std::max(now - account->at, INT64CONST(0));
  account->spent_us = std::max(account->spent_us - passed / kShare, INT64CONST(0));
  account->at = now;
}

}  // namespace

bool turns_are_shared(const FollowedTrend* trend) {
  return std::any_of(worker->trends.begin(), worker->trends.end(), [trend](const FollowedTrend* other) {
    return other != nullptr && other->definition != nullptr && other->state != FillState::kStopped &&
           other->definition->owner != trend->definition->owner;
  });
}

TimestampTz turn_due(const FollowedTrend* trend) {
  const auto found = accounts.find(trend->definition->owner);
  if (found == accounts.end() || settings.row_timeout_ms == 0) return 0;
  put_right(&found->second);
  const int64 beyond = found->second.spent_us - burst_us();
  return beyond > 0 && turns_are_shared(trend) ? found->second.at + beyond * kShare : 0;
}

void turn_took(Oid owner, int64 took_us) {
  Account* account = &accounts[owner];
  put_right(account);
  // Whoever has done one thing that took an hour is not locked out for three.
  account->spent_us = std::min(account->spent_us + took_us, 2 * burst_us());
}

const char* turn_reason() {
  return psprintf(
      "filling and writing for its owner has taken more than %d s of the worker, which others need",
      static_cast<int>(burst_us() / 1000000));
}

}  // namespace trending
