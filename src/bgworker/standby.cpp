// SPDX-License-Identifier: PostgreSQL
#include "bgworker/standby.h"

#include <algorithm>

#include "bgworker/checkpoint/checkpoint.h"
#include "bgworker/process/title.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/process/worker_end.h"
#include "bgworker/trend_set.h"
#include "postgres/guard.h"
#include "postgres/spi.h"

namespace trending {

namespace {

constexpr long kLookMs = 100;            // between looks whether the server was promoted
constexpr int64 kLeastPauseUs = 500000;  // between looks for a newer checkpoint
constexpr int64 kLongPauseUs = 5000000;  // where there is none that can be used
// A trend cannot be read while it is loaded: that takes a tenth of the time at most.
constexpr int64 kPauseFactor = 10;

struct Shown {
  XLogRecPtr position = InvalidXLogRecPtr;
  TimestampTz next_look = 0;
  TimestampTz as_of = 0;
};
Shown shown;

TimestampTz time_of_checkpoint() {
  static SpiStatement select = {"SELECT written_at FROM trending.checkpoint"};
  TimestampTz time = 0;
  worker_begin();
  SPI_connect();
  if (spi_run(&select) == 1) {
    bool isnull = false;
    const Datum written = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
    if (!isnull) time = DatumGetTimestampTz(written);
  }
  SPI_finish();
  worker_commit();
  return time;
}

// In one transaction, so that all that is read belongs to one checkpoint: the next may be replayed meanwhile.
void load_newer() {
  const XLogRecPtr position = checkpoint_position();
  if (position == shown.position && worker->published) return;
  title_show("loading a checkpoint");
  if (!trends_show_stored()) leave_uninstalled();
  shown.position = position;
  shown.as_of = time_of_checkpoint();
}

void publish() {
  pg_atomic_write_u64(&worker->entry->as_of, static_cast<uint64>(shown.as_of));
  if (!worker->published) area_publish(worker->entry, worker->area, worker->root);
  worker->published = true;
  if (database_state(worker->entry) == WorkerState::kRunning) return;
  database_set_state(
      worker->entry, WorkerState::kRunning,
      "the server is a standby, whose trends are as of the last checkpoint that it has replayed",
      "See as_of in trending.status. They are followed when the server is promoted.");
}

void look_for_newer() {
  const TimestampTz begin = GetCurrentTimestamp();
  ErrorData* error = worker_read_at_once([] { load_newer(); });
  const TimestampTz end = GetCurrentTimestamp();
  shown.next_look = end + std::max(shown.position == InvalidXLogRecPtr ? kLongPauseUs : kLeastPauseUs,
                                   kPauseFactor * (end - begin));
  if (error == nullptr) {
    publish();
  } else if (is_conflict(error)) {  // with what is replayed: tried again
    shown.position = InvalidXLogRecPtr;
    FreeErrorData(error);
  } else {
    ReThrowError(error);
  }
}

}  // namespace

void serve_on_standby() {
  for (;;) {
    CHECK_FOR_INTERRUPTS();
    if (ConfigReloadPending) {
      ConfigReloadPending = false;
      ProcessConfigFile(PGC_SIGHUP);
    }
    if (!RecoveryInProgress() || pg_atomic_read_u32(&worker->entry->leave) != 0) leave_to_make_way();
    if (GetCurrentTimestamp() >= shown.next_look) look_for_newer();
    title_show("showing the last checkpoint");
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kLookMs,
                    compat::wait_event(compat::Wait::kWorker));
    ResetLatch(MyLatch);
  }
}

}  // namespace trending
