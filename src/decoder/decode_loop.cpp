// SPDX-License-Identifier: PostgreSQL
#include "decoder/decode_loop.h"

namespace trending {

void DecodeLoop::open(const char* slot, XLogRecPtr start_at) {
  start = start_at;
  flushed = InvalidXLogRecPtr;
  compat::slot_acquire(slot, false);
  if (MyReplicationSlot->data.confirmed_flush > start) {  // the next worker finds it so, and refills
    ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
                    errmsg("replication slot \"%s\" was moved on by somebody else", slot)));
  }

  is_copied = compat::slot_was_copied();

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

// A reader that meets the end of the WAL forgets its page and closes its file, so it is not asked there.
bool DecodeLoop::is_at_end() {
  const XLogRecPtr next_record = decoding->reader->EndRecPtr;
  if (next_record >= flushed) flushed = GetFlushRecPtr(nullptr);
  return next_record >= flushed;
}

// Without a snapshot that is right, commits are passed over in silence.
void DecodeLoop::await_snapshot() {
  is_consistent = SnapBuildCurrentState(decoding->snapshot_builder) == SNAPBUILD_CONSISTENT;
  if (is_consistent) return;
  const bool is_first_step = XLogRecGetRmid(decoding->reader) == RM_STANDBY_ID &&
                             (XLogRecGetInfo(decoding->reader) & ~XLR_INFO_MASK) == XLOG_RUNNING_XACTS;
  if (decoding->reader->EndRecPtr <= start && !(is_copied && is_first_step)) return;
  is_lost = true;
  ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                  errmsg("replication slot \"%s\" has no snapshot of the catalog to decode with",
                         NameStr(MyReplicationSlot->data.name))));
}

bool DecodeLoop::next() {
  if (is_at_end()) return false;
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
  if (unlikely(!is_consistent)) await_snapshot();
  // Decoding a commit leaves another context behind.
  MemoryContextSwitchTo(memory);
  return true;
}

bool DecodeLoop::is_unreadable(const ErrorData* error) const {
  if (is_lost) return true;
  switch (doing) {
    case Doing::kNothing:
      break;
    case Doing::kReading:
      return error->sqlerrcode == ERRCODE_UNDEFINED_FILE || error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
    case Doing::kDecoding:
      // Of all records, those of running transactions make the snapshot builder look for a snapshot on disk.
      if (XLogRecGetRmid(decoding->reader) == RM_STANDBY_ID)
        return error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
      // The server has no code of its own for that, nor a translation.
      return error->sqlerrcode == ERRCODE_INTERNAL_ERROR &&
             strstr(error->message, "could not map file") != nullptr;
  }
  return false;
}

void DecodeLoop::close() {
  FreeDecodingContext(decoding);
  decoding = nullptr;
  ReplicationSlotRelease();
  MemoryContextDelete(memory);
  memory = nullptr;
}

}  // namespace trending
