#include "decoder/decode_loop.h"

namespace trending {

namespace {

// XL_ROUTINE() takes the address of a temporary, which C++ refuses.
XLogReaderRoutine reader_routine(XLogPageReadCB page_read) {
  XLogReaderRoutine routine = {};
  routine.page_read = page_read;
  routine.segment_open = wal_segment_open;
  routine.segment_close = wal_segment_close;
  return routine;
}

}  // namespace

XLogRecPtr slot_create_and_start(const char* slot) {
  StartTransactionCommand();
  CheckSlotPermissions();
  CheckLogicalDecodingRequirements();
  compat::slot_create(slot, RS_EPHEMERAL);
  MemoryContextSwitchTo(TopMemoryContext);
  // The page reader that blocks: the point is found only when running transactions have ended.
  XLogReaderRoutine routine = reader_routine(read_local_xlog_page);
  LogicalDecodingContext* decoding = CreateInitDecodingContext("trending", NIL, false, InvalidXLogRecPtr,
                                                               &routine, nullptr, nullptr, nullptr);
  CommitTransactionCommand();

  DecodingContextFindStartpoint(decoding);
  XLogRecPtr start = MyReplicationSlot->data.confirmed_flush;
  FreeDecodingContext(decoding);
  ReplicationSlotPersist();
  ReplicationSlotRelease();
  return start;
}

void DecodeLoop::open(const char* slot, XLogRecPtr start_at) {
  start = start_at;
  compat::slot_acquire(slot);

  // Inside a transaction on purpose: outside one the process would be marked as being in logical decoding,
  // and its xmin would no longer protect the snapshots of its own transactions from vacuum.
  StartTransactionCommand();
  MemoryContextSwitchTo(TopMemoryContext);
  XLogReaderRoutine routine = reader_routine(read_local_xlog_page_no_wait);
  decoding = CreateDecodingContext(start, NIL, false, &routine, nullptr, nullptr, nullptr);
  CommitTransactionCommand();

  MemoryContextSwitchTo(TopMemoryContext);
  decoding->reader->private_data = palloc0(sizeof(ReadLocalXLogPageNoWaitPrivate));
  memory = AllocSetContextCreate(TopMemoryContext, "trending decode loop", ALLOCSET_DEFAULT_SIZES);
  XLogBeginRead(decoding->reader, MyReplicationSlot->data.restart_lsn);
  // What was cached so far was read under an ordinary snapshot.
  InvalidateSystemCaches();
  MemoryContextSwitchTo(memory);
}

bool DecodeLoop::next() {
  char* error = nullptr;
  XLogRecord* record = XLogReadRecord(decoding->reader, &error);
  if (record == nullptr) {
    auto* progress = static_cast<ReadLocalXLogPageNoWaitPrivate*>(decoding->reader->private_data);
    if (error != nullptr && !progress->end_of_wal) {
      ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("could not read WAL: %s", error)));
    }
    progress->end_of_wal = false;
    return false;
  }
  LogicalDecodingProcessRecord(decoding, decoding->reader);
  // Decoding a commit leaves another context behind.
  MemoryContextSwitchTo(memory);
  return true;
}

void DecodeLoop::close() {
  FreeDecodingContext(decoding);
  decoding = nullptr;
  ReplicationSlotRelease();
  MemoryContextDelete(memory);
  memory = nullptr;
}

}  // namespace trending
