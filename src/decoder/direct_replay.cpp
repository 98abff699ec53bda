// SPDX-License-Identifier: PostgreSQL
#include "decoder/direct_replay.h"

namespace trending {

namespace {

// What a commit record may say beyond the database that it belongs to and an origin.
constexpr uint32 kHarmless = XACT_XINFO_HAS_DBINFO | XACT_XINFO_HAS_ORIGIN;

bool is_harmless(XLogReaderState* reader) {
  if ((XLogRecGetInfo(reader) & XLOG_XACT_HAS_INFO) == 0) return true;
  uint32 xinfo = 0;
  memcpy(&xinfo, XLogRecGetData(reader) + MinSizeOfXactCommit, sizeof(xinfo));
  // The upper bits ask for a sync, or wait for a standby's apply: nothing that decoding would look at.
  constexpr uint32 kRequests = XACT_COMPLETION_APPLY_FEEDBACK | XACT_COMPLETION_FORCE_SYNC_COMMIT;
  return (xinfo & ~(kHarmless | kRequests)) == 0;
}

// A transaction that was made elsewhere keeps the time of its commit there, where the session gave one: the
// same that the server keeps as its commit time.
TimestampTz origin_time(XLogReaderState* reader) {
  xl_xact_parsed_commit parsed;
  ParseCommitRecord(XLogRecGetInfo(reader), reinterpret_cast<xl_xact_commit*>(XLogRecGetData(reader)),
                    &parsed);
  return (parsed.xinfo & XACT_XINFO_HAS_ORIGIN) != 0 ? parsed.origin_timestamp : 0;
}

// Only rows of tables, all in memory.
bool is_replayable(ReorderBufferTXN* txn) {
  constexpr uint32 kUnsuitable = RBTXN_HAS_CATALOG_CHANGES | RBTXN_IS_SUBXACT | RBTXN_IS_SERIALIZED |
                                 RBTXN_IS_SERIALIZED_CLEAR | RBTXN_IS_STREAMED;
  return (txn->txn_flags & kUnsuitable) == 0 && txn->base_snapshot != nullptr && txn->nsubtxns == 0 &&
         txn->ninvalidations == 0 && txn->nentries == txn->nentries_mem;
}

}  // namespace

TimestampTz commit_time_of_record(XLogReaderState* reader) {
  const TimestampTz origin = (XLogRecGetInfo(reader) & XLOG_XACT_HAS_INFO) != 0 ? origin_time(reader) : 0;
  if (origin != 0) return origin;
  return reinterpret_cast<const xl_xact_commit*>(XLogRecGetData(reader))->xact_time;
}

bool replay_directly(LogicalDecodingContext* context, const ChangeSink* sink) {
  XLogReaderState* reader = context->reader;
  if (!is_harmless(reader)) return false;
  // The server looked the transaction up just now, in the snapshot builder; there is no other way to it.
  ReorderBuffer* buffer = context->reorder;
  ReorderBufferTXN* txn = buffer->by_txn_last_txn;
  if (txn == nullptr || buffer->by_txn_last_xid != XLogRecGetXid(reader) || !is_replayable(txn)) return false;
  compat::set_commit_time(txn, commit_time_of_record(reader));
  txn->final_lsn = reader->ReadRecPtr;
  txn->end_lsn = reader->EndRecPtr;
  return sink->replay(sink->context, txn);
}

}  // namespace trending
