// SPDX-License-Identifier: PostgreSQL
#include "shmem/commit_latency.h"

#include <algorithm>

#include "shmem/directory.h"

namespace trending {

namespace {

// No read-modify-write of the processor's: there is one writer.
void add(pg_atomic_uint64* word, uint64 value) {
  pg_atomic_write_u64(word, pg_atomic_read_u64(word) + value);
}

// Reading the clock costs as much as a tenth of a small transaction. In a backlog one reading does for some.
constexpr int64 kBacklogUs = 100 * 1000;
constexpr int kReadingUses = 32;
TimestampTz reading = 0;
int uses_left = 0;

TimestampTz time_for(TimestampTz committed_at) {
  if (uses_left == 0 || reading - committed_at < kBacklogUs) {
    reading = GetCurrentTimestamp();
    uses_left = kReadingUses;
  }
  uses_left--;
  return reading;
}

int bucket_of(int64 took_us) {
  int i = 0;
  while (i < kLatencyBounds && took_us > kLatencyBoundUs[i]) i++;
  return i;
}

}  // namespace

void commit_latency_init(CommitLatency* latency) {
  for (pg_atomic_uint64& bucket : latency->buckets) pg_atomic_init_u64(&bucket, 0);
  pg_atomic_init_u64(&latency->sum_us, 0);
  pg_atomic_init_u64(&latency->last_us, 0);
}

void commit_latency_note(TimestampTz committed_at) {
  DatabaseShared* entry = database_shared();
  if (entry == nullptr || committed_at < MyStartTimestamp) return;
  // Clocks may be set back.
  const int64 took_us = std::max(time_for(committed_at) - committed_at, static_cast<TimestampTz>(0));
  CommitLatency* latency = &entry->latency;
  add(&latency->buckets[bucket_of(took_us)], 1);
  add(&latency->sum_us, static_cast<uint64>(took_us));
  pg_atomic_write_u64(&latency->last_us, static_cast<uint64>(took_us));
}

}  // namespace trending
