// SPDX-License-Identifier: PostgreSQL
#include "bgworker/checkpoint/confirmation.h"

#include <deque>

#include "bgworker/process/worker.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// More that wait: the latest stands for all that come after it.
constexpr size_t kMostWaiting = 64;
constexpr int64 kPatienceUs = 60 * INT64CONST(1000000);

struct Waiting {
  XLogRecPtr position;
  XLogRecPtr committed;
};
std::deque<Waiting> waiting;
TimestampTz waits_since = 0;

void confirm(XLogRecPtr position) {
  LogicalConfirmReceivedLocation(position);
  ReplicationSlotMarkDirty();
  pg_atomic_write_u64(&worker->entry->confirmed_lsn, position);
}

}  // namespace

void confirm_when_safe(XLogRecPtr position, XLogRecPtr committed) {
  if (waiting.size() == kMostWaiting) waiting.pop_back();
  if (waiting.empty()) waits_since = GetCurrentTimestamp();
  waiting.push_back({position, committed});
  confirm_due();
}

void confirm_due() {
  XLogRecPtr position = InvalidXLogRecPtr;
  while (!waiting.empty() && compat::standbys_have(waiting.front().committed)) {
    position = waiting.front().position;
    waiting.pop_front();
    waits_since = GetCurrentTimestamp();
  }
  if (position != InvalidXLogRecPtr) confirm(position);
}

bool confirming_is_held_up() {
  return !waiting.empty() && GetCurrentTimestamp() - waits_since > kPatienceUs;
}

}  // namespace trending
