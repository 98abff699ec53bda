// SPDX-License-Identifier: PostgreSQL
// The worker of one database: its main loop.
#include <algorithm>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "bgworker/checkpoint/checkpoint.h"
#include "bgworker/checkpoint/confirmation.h"
#include "bgworker/filling/backfill.h"
#include "bgworker/filling/filling.h"
#include "bgworker/filling/source_cursor.h"
#include "bgworker/filling/source_watch.h"
#include "bgworker/intake/idle_clock.h"
#include "bgworker/process/memory_bound.h"
#include "bgworker/process/title.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/worker_end.h"
#include "bgworker/process/working.h"
#include "bgworker/results/alerts.h"
#include "bgworker/results/backlog_write.h"
#include "bgworker/results/history.h"
#include "bgworker/results/late_table.h"
#include "bgworker/trend/blame.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/overload.h"
#include "bgworker/standby.h"
#include "bgworker/trend_set.h"
#include "bgworker/worker_start.h"
#include "decoder/slot.h"
#include "postgres/guard.h"
#include "postgres/settings.h"
#include "values/evaluation.h"

namespace trending {

namespace {

constexpr long kPollMs = 1000;              // longest sleep: prepared transactions commit without waking us
constexpr long kFlushPollMs = 200;          // while others flush what was committed without
constexpr long kVisiblePollMs = 1;          // between looks whether a decoded commit has become visible
constexpr int kRecordsBetweenChecks = 256;  // records decoded between looks at clock and duties
constexpr int64 kMicrosPerMs = 1000;
// Quiet databases confirm their position after this much WAL of others.
constexpr uint64 kIdleConfirmBytes = 16 * 1024 * 1024;
// And after this time where standbys may copy the slot: a new one can do so only when it has moved.
constexpr int64 kIdleConfirmUs = 60 * 1000 * kMicrosPerMs;
// Closed windows are written no more often than this.
constexpr int64 kHistoryIntervalUs = 500 * kMicrosPerMs;
// The same for alerts, which somebody waits for.
constexpr long kAlertIntervalMs = 200;
// From this many records a second on nobody has to wake the worker: it naps, and looks again. A signal costs a
// committer and the worker some microseconds each, and results are late by the nap at most.
constexpr int64 kBusyRecords = 30000;
constexpr long kNapUs = 200;
// A locked source is tried again this often, also when there is nothing to decode.
constexpr long kLockRetryMs = 50;
constexpr int64 kDutyIntervalUs = 20 * kMicrosPerMs;
// Busy readers who wait are woken this often while a backlog is worked off.
constexpr int64 kNotifyIntervalUs = 5 * kMicrosPerMs;
// After this long a worker counts as healthy, and its next failure as the first.
constexpr int64 kHealthyUs = 60 * INT64CONST(1000000);

// Every decoded transaction allocates memory and frees it; by default the C library would return it to the
// system each time and fault it in again, which costs a quarter of the time for transactions of some thousand
// rows.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, 256 * 1024 * 1024);
  mallopt(M_TOP_PAD, 4 * 1024 * 1024);
  mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
#endif
}

// What the loop remembers from one round to the next.
struct Rounds {
  TimestampTz began = 0;
  TimestampTz duties_at = 0;
  XLogRecPtr notified = InvalidXLogRecPtr;  // the position that waiting readers know
  TimestampTz notified_at = 0;
  TimestampTz flushed_at = 0;  // when commits of others were last flushed
  TimestampTz slept_at = 0;    // when the worker last had nothing to decode
  int64 records = 0;           // decoded since
};
Rounds rounds;

// --- duties between records ---

bool has_alerts() {
  return std::any_of(worker->trends.begin(), worker->trends.end(), [](const FollowedTrend* trend) {
    return trend != nullptr && !trend->alerts->rows.items.empty();
  });
}

// Whether a trend's source was locked when the worker wanted to look at it.
bool waits_for_lock() {
  return worker->recheck_wanted ||
         std::any_of(worker->trends.begin(), worker->trends.end(), [](const FollowedTrend* trend) {
           return trend != nullptr && trend->state == FillState::kLoading;
         });
}

// What could not be written to a table of the trend's owner is to be tried again.
bool has_waiting_rows(const FollowedTrend* trend) {
  return trend->definition != nullptr && ((trend->late->rows.deferred && late_table_is_due(trend)) ||
                                          (trend->alerts->rows.deferred && alerts_are_due(trend)));
}

// Whether a filling looked ahead of the position. A checkpoint waits until it is reached, but for so long only.
bool is_ahead_of_position(TimestampTz now) {
  constexpr int64 kPatienceUs = 10 * 1000 * kMicrosPerMs;
  return now - worker->checkpoint.ended_at < kPatienceUs &&
         std::any_of(worker->trends.begin(), worker->trends.end(), [](const FollowedTrend* trend) {
           return trend != nullptr && trend->fill.filter.active();
         });
}

bool checkpoint_wanted(TimestampTz now) {
  if (is_ahead_of_position(now)) return false;
  if (worker->checkpoint.due) return true;
  if (now - worker->checkpoint.ended_at > kAlertIntervalMs * kMicrosPerMs && has_alerts()) return true;
  if (now - worker->checkpoint.ended_at > kHistoryIntervalUs) {
    for (const FollowedTrend* trend : worker->trends) {
      if (trend == nullptr || trend->state != FillState::kRunning) continue;
      if (history_is_due(trend) || has_waiting_rows(trend)) return true;
    }
  }
  if (now - worker->checkpoint.ended_at < settings.checkpoint_interval_s * INT64CONST(1000000)) return false;
  for (const FollowedTrend* trend : worker->trends) {
    // Only then is it noticed that rights were granted again; nothing else may ever happen.
    if (trend != nullptr && (trend->dirty || trend->trouble.rights_lost)) return true;
  }
  // Our own checkpoints are WAL too: without this a quiet database would write one after the other.
  if (worker->loop.position() - worker->checkpoint.position > kIdleConfirmBytes) return true;
  return now - worker->checkpoint.ended_at > kIdleConfirmUs && compat::kSlotsAreCopied && settings.failover &&
         worker->loop.position() > worker->checkpoint.position && standby_has_slot();
}

// Also of a slot that an older version made, or pg_upgrade.
void slot_follow_settings() {
  if (!compat::slot_set_failover(settings.failover)) return;
  ReplicationSlotMarkDirty();
  ReplicationSlotSave();
}

void reload_configuration() {
  if (!ConfigReloadPending) return;
  ConfigReloadPending = false;
  ProcessConfigFile(PGC_SIGHUP);
  slot_follow_settings();
}

// A commit is decoded as soon as its record is flushed, which may be before others see what it did: the
// backend may be held up between the two, and with synchronous replication it waits for the standby there.
// Looking into the catalog meanwhile would miss the very change that one looks for, with nothing to remind us
// of it later.
void wait_until_visible(TransactionId xid) {
  while (TransactionIdIsValid(xid) && TransactionIdIsInProgress(xid)) {
    CHECK_FOR_INTERRUPTS();
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kVisiblePollMs,
                    compat::wait_event(compat::Wait::kCommitVisible));
    ResetLatch(MyLatch);
  }
}

void refill_trends() {
  worker->refill_wanted = false;
  for (FollowedTrend* trend : worker->trends) {
    // One that is being loaded begins again in any case.
    if (trend == nullptr || !trend->fill.wanted || trend->state == FillState::kLoading) continue;
    filling_start(trend);
  }
}

// What a decoded transaction asked for, at exactly its position.
void follow_changes() {
  wait_until_visible(worker->catalog.replayed);
  if (worker->catalog.changed) {
    worker->catalog.changed = false;
    if (!trends_refresh()) drop_slot_and_leave();
  }
  sources_follow();
  if (worker->refill_wanted) refill_trends();
}

void do_duties(bool caught_up) {
  TimestampTz now = GetCurrentTimestamp();
  if (now - rounds.duties_at < kDutyIntervalUs) return;
  rounds.duties_at = now;
  blame_follow();
  if (worker->refill_wanted) refill_trends();
  filling_poll();
  if (caught_up) idle_clocks_poll(now);
  for (FollowedTrend* trend : worker->trends) {
    if (trend != nullptr && trend->state == FillState::kRunning) history_poll(trend, now);
  }
  if (caught_up) backfill_poll(now);
  confirm_due();
  if (checkpoint_wanted(now) && checkpoint_write() && now - rounds.began > kHealthyUs)
    worker->entry->failures = 0;
}

// --- main loop ---

void notify_readers(bool now) {
  XLogRecPtr position = worker->loop.position();
  if (position == rounds.notified) return;
  TimestampTz time = now ? 0 : GetCurrentTimestamp();
  if (!now && time - rounds.notified_at < kNotifyIntervalUs) return;
  rounds.notified_at = time;
  rounds.notified = position;
  ConditionVariableBroadcast(&worker->entry->changed);
}

// Decodes what is there, up to a bound. True when all flushed WAL has been read.
bool decode_some() {
  for (int i = 0; i < kRecordsBetweenChecks; i++) {
    CHECK_FOR_INTERRUPTS();
    if (!worker->loop.next()) {
      overload_caught_up();
      return true;
    }
    rounds.records++;
    idle_clocks_step();
    if (worker->catalog.changed || worker->recheck_wanted || worker->refill_wanted) follow_changes();
    worker->catalog.replayed = InvalidTransactionId;
    pg_atomic_write_u64(&worker->entry->applied_lsn, worker->loop.position());
  }
  return false;
}

// Commits that are published but not flushed (synchronous_commit = off) are flushed by us, not too often.
// Returns how long to wait before the next look, in milliseconds; 0: look at once.
long flush_published() {
  if (settings.flush_interval_ms < 0) return kFlushPollMs;
  TimestampTz now = GetCurrentTimestamp();
  int64 wait_us = settings.flush_interval_ms * kMicrosPerMs - (now - rounds.flushed_at);
  if (wait_us > 0) return static_cast<long>((wait_us + kMicrosPerMs - 1) / kMicrosPerMs);
  rounds.flushed_at = now;
  XLogFlush(pg_atomic_read_u64(&worker->entry->published_commit));
  return 0;
}

bool is_busy() {
  const TimestampTz now = GetCurrentTimestamp();
  const bool busy = rounds.records * 1000 * kMicrosPerMs > (now - rounds.slept_at) * kBusyRecords;
  rounds.slept_at = now;
  rounds.records = 0;
  return busy;
}

void sleep_for(Sleep sleep) {
  pg_atomic_write_u32(&worker->entry->sleep, static_cast<uint32>(sleep));
  pg_memory_barrier();  // pairs with the barrier in raise_published: one of us sees the other
}

// How long to sleep at most, in milliseconds, after it was announced; 0: there is something to do.
long time_to_sleep(XLogRecPtr tried) {
  sleep_for(Sleep::kForAny);
  XLogRecPtr flushed = GetFlushRecPtr(nullptr);
  if (flushed > tried) return 0;
  if (pg_atomic_read_u64(&worker->entry->published_commit) <= flushed) return kPollMs;
  const long until_flush = flush_published();
  if (until_flush == 0) return 0;
  sleep_for(Sleep::kForFlushed);
  return GetFlushRecPtr(nullptr) > tried ? 0 : until_flush;
}

// Sleeps until there is more to decode. `tried` is how far WAL was flushed when decoding last found its end.
void wait_for_wal(XLogRecPtr tried) {
  overload_asleep();
  if (is_busy()) return pg_usleep(kNapUs);
  long timeout = time_to_sleep(tried);
  if (has_alerts()) timeout = std::min(timeout, kAlertIntervalMs);
  if (waits_for_lock()) timeout = std::min(timeout, kLockRetryMs);
  if (timeout > 0) {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout,
                    compat::wait_event(compat::Wait::kWorker));
    ResetLatch(MyLatch);
  }
  sleep_for(Sleep::kAwake);
}

// A restarted worker begins with an older state than readers have seen. They get the new area when it has
// caught up with the WAL that was there at the start; if there is nothing else to read, not much later than
// this in any case.
constexpr int64 kPublishPatienceUs = 2000 * kMicrosPerMs;

void publish_when_ready(bool caught_up) {
  if (worker->published) return;
  bool has_predecessor = worker->entry->area != DSM_HANDLE_INVALID;
  if (!caught_up && (has_predecessor || GetCurrentTimestamp() - rounds.began < kPublishPatienceUs)) return;
  area_publish(worker->entry, worker->area, worker->root);
  worker->published = true;
  pg_atomic_write_u64(&worker->entry->as_of, 0);
  database_set_state(worker->entry, WorkerState::kRunning, nullptr, nullptr);
}

// Somebody needs the database without us. What is stored is brought up to all that has been committed, for a
// copy of the database, and because what is decoded after a move to another tablespace can name no table by
// what was its file before.
void make_way_if_asked() {
  if (pg_atomic_read_u32(&worker->entry->leave) == 0) return;
  (void)checkpoint_write();
  leave_to_make_way();
}

[[noreturn]] void follow() {
  rounds.began = GetCurrentTimestamp();
  for (;;) {
    reload_configuration();
    working_ended();
    title_follow();
    XLogRecPtr tried = GetFlushRecPtr(nullptr);
    bool caught_up = decode_some();
    if (known_trends_due()) {
      worker->catalog.changed = true;
      follow_changes();
    }
    publish_when_ready(caught_up);
    notify_readers(caught_up);
    do_duties(caught_up);
    if (worker->recheck_wanted) follow_changes();
    if (caught_up) make_way_if_asked();
    if (caught_up) wait_for_wal(tried);
  }
}

void run(Oid database) {
  keep_freed_memory();
  worker_connect(database);
  const bool on_standby = RecoveryInProgress();
  const WorkerStart start = on_standby ? WorkerStart{} : worker_start();
  evaluation_start(blame_overrun);
  overload_start();
  source_cursor_start();
  memory_bound_set();
  worker->area = area_create(worker->entry, &worker->header, &worker->root);
  if (worker->area == nullptr) {
    leave_unavailable("the system has no shared memory for the state of its trends",
                      "Enlarge /dev/shm, or lower trending.max_trends.");
  }
  if (on_standby) serve_on_standby();
  worker->loop.open(start.slot, start.position);
  slot_follow_settings();
  worker->checkpoint.position = start.position;
  pg_atomic_write_u64(&worker->entry->confirmed_lsn, start.position);

  title_show("loading what is stored of its trends");
  known_trends_load();
  worker->checkpoint.restoring = !start.is_fresh;
  if (!trends_refresh()) drop_slot_and_leave();
  worker->checkpoint.restoring = false;
  check_deferred_counts();
  worker->checkpoint.due = start.is_fresh || worker->checkpoint.tables_suspect;
  follow();
}

}  // namespace

}  // namespace trending

extern "C" {
PGDLLEXPORT void trending_worker_main(Datum argument) {
  PG_TRY();
  {
    trending::guarded([argument] { trending::run(DatumGetObjectId(argument)); });
  }
  PG_CATCH();
  {
    trending::note_error();
    trending::blame_death(geterrcode());
    PG_RE_THROW();
  }
  PG_END_TRY();
}
}
