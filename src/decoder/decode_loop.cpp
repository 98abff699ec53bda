#include "decoder/decode_loop.h"

namespace trending {

void DecodeLoop::open(const char* slot, XLogRecPtr start_at) {
  start = start_at;
  compat::slot_acquire(slot, false);

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
  doing = Doing::kReading;
  XLogRecord* record = XLogReadRecord(decoding->reader, &error);
  if (record == nullptr) {
    auto* progress = static_cast<ReadLocalXLogPageNoWaitPrivate*>(decoding->reader->private_data);
    if (error != nullptr && !progress->end_of_wal) {
      ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("could not read WAL: %s", error)));
    }
    progress->end_of_wal = false;
    doing = Doing::kNothing;
    return false;
  }
  doing = Doing::kDecoding;
  LogicalDecodingProcessRecord(decoding, decoding->reader);
  doing = Doing::kNothing;
  // Decoding a commit leaves another context behind.
  MemoryContextSwitchTo(memory);
  return true;
}

bool DecodeLoop::is_unreadable(int sqlstate) const {
  if (doing == Doing::kReading)
    return sqlstate == ERRCODE_UNDEFINED_FILE || sqlstate == ERRCODE_DATA_CORRUPTED;
  // Of all records, those of running transactions make the snapshot builder look for a snapshot on disk.
  return doing == Doing::kDecoding && XLogRecGetRmid(decoding->reader) == RM_STANDBY_ID &&
         sqlstate == ERRCODE_DATA_CORRUPTED;
}

void DecodeLoop::close() {
  FreeDecodingContext(decoding);
  decoding = nullptr;
  ReplicationSlotRelease();
  MemoryContextDelete(memory);
  memory = nullptr;
}

}  // namespace trending
