// SPDX-License-Identifier: PostgreSQL
#include "decoder/slot_start.h"

#include <algorithm>

#include "decoder/decode_loop.h"

namespace trending {

namespace {

constexpr long kLookMs = 50;  // between looks whether a transaction has ended

const xl_running_xacts* running_transactions(XLogReaderState* reader) {
  if (XLogRecGetRmid(reader) != RM_STANDBY_ID) return nullptr;
  if ((XLogRecGetInfo(reader) & ~XLR_INFO_MASK) != XLOG_RUNNING_XACTS) return nullptr;
  return reinterpret_cast<const xl_running_xacts*>(XLogRecGetData(reader));
}

bool nothing_ran(const xl_running_xacts* running) {
  return running->oldestRunningXid == running->nextXid;
}

// Until all of a record's transactions have ended. Waiting here, not in the server, leaves us able to say
// for whom, and no lock_timeout ends it.
void await_end(const xl_running_xacts* running, WaitsFor waits_for) {
  auto* open = static_cast<TransactionId*>(
      palloc(sizeof(TransactionId) * static_cast<size_t>(std::max(running->xcnt, 1))));
  bool told = false;
  for (;;) {
    int count = 0;
    for (int i = 0; i < running->xcnt; i++) {
      if (TransactionIdIsInProgress(running->xids[i])) open[count++] = running->xids[i];
    }
    if (count == 0) break;
    waits_for(open, count);
    told = true;
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kLookMs,
                    compat::wait_event(compat::Wait::kSlot));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
  if (told) waits_for(nullptr, 0);
  pfree(open);
}

// A transaction of ours that the snapshot builder takes for one that changed catalogs: it has an id and tells
// that what is cached of a relation may have changed.
void commit_empty_catalog_change() {
  StartTransactionCommand();
  (void)GetCurrentTransactionId();
  CacheInvalidateRelcacheByRelid(RelationRelationId);
  CommitTransactionCommand();
}

// The position after all that has been logged so far, flushed.
XLogRecPtr position_now() {
  XLogRecPtr position = compat::log_message("trending", "start", 5);
  XLogFlush(position);
  return position;
}

// The three steps of the server's snapshot builder, and ours; see slot_start.h.
struct StartFinder {
  LogicalDecodingContext* decoding;
  WaitsFor waits_for;
  SnapBuildState step = SNAPBUILD_START;
  TransactionId next_step_at = InvalidTransactionId;  // the next step when all older transactions have ended
  bool at_once = false;                               // consistent at the first step, for nothing ran

  // Whether the builder is about to go from step 1 or 2 to the next, which waits for the record's
  // transactions.
  bool goes_on_at(const xl_running_xacts* running) const {
    if (step == SNAPBUILD_START) return true;
    return step == SNAPBUILD_BUILDING_SNAPSHOT &&
           TransactionIdPrecedesOrEquals(next_step_at, running->oldestRunningXid);
  }

  // Feeds one record to the builder. True: it is consistent.
  bool process() {
    const xl_running_xacts* running = running_transactions(decoding->reader);
    if (running != nullptr && !nothing_ran(running) && goes_on_at(running)) {
      await_end(running, waits_for);
      next_step_at = running->nextXid;
    }
    LogicalDecodingProcessRecord(decoding, decoding->reader);
    bool consistent = DecodingContextReady(decoding);
    at_once = consistent && step == SNAPBUILD_START && running != nullptr && nothing_ran(running);
    step = SnapBuildCurrentState(decoding->snapshot_builder);
    return consistent;
  }

  void read() {
    char* error = nullptr;
    CHECK_FOR_INTERRUPTS();
    if (XLogReadRecord(decoding->reader, &error) == nullptr) {
      ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("could not find the start of logical decoding"),
                      error != nullptr ? errdetail_internal("%s", error) : 0));
    }
  }

  XLogRecPtr find() {
    XLogBeginRead(decoding->reader, MyReplicationSlot->data.restart_lsn);
    do {
      read();
    } while (!process());
    if (at_once) return decoding->reader->EndRecPtr;

    commit_empty_catalog_change();
    XLogRecPtr changed = position_now();
    (void)LogStandbySnapshot();
    const xl_running_xacts* running = nullptr;
    do {
      read();
      running = running_transactions(decoding->reader);
    } while (running == nullptr || decoding->reader->ReadRecPtr < changed);
    await_end(running, waits_for);
    return position_now();
  }
};

}  // namespace

XLogRecPtr slot_create_and_start(const char* slot, bool failover, WaitsFor waits_for) {
  // Inside a transaction for the reason that DecodeLoop::open() gives.
  StartTransactionCommand();
  CheckSlotPermissions();
  compat::check_decoding_requirements();
  compat::slot_create(slot, RS_EPHEMERAL, failover);
  MemoryContextSwitchTo(TopMemoryContext);
  // The page reader that blocks: what the steps wait for has not been written yet.
  XLogReaderRoutine routine = reader_routine(read_local_xlog_page);
  LogicalDecodingContext* decoding = compat::init_decoding("trending", &routine);
  CommitTransactionCommand();
  MemoryContextSwitchTo(TopMemoryContext);

  StartFinder finder = {decoding, waits_for};
  XLogRecPtr start = finder.find();
  SpinLockAcquire(&MyReplicationSlot->mutex);
  MyReplicationSlot->data.confirmed_flush = start;
  SpinLockRelease(&MyReplicationSlot->mutex);
  FreeDecodingContext(decoding);
  ReplicationSlotPersist();
  ReplicationSlotRelease();
  return start;
}

}  // namespace trending
