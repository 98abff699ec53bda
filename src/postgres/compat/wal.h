// SPDX-License-Identifier: PostgreSQL
// The WAL, and what is decoded from it. See compat.h.
#pragma once

namespace trending::compat {

inline const RelFileLocator& relation_file(Relation relation) {
#if PG_VERSION_NUM >= 160000
  return relation->rd_locator;
#else
  return relation->rd_node;
#endif
}

inline const RelFileLocator& changed_file(const ReorderBufferChange* change) {
#if PG_VERSION_NUM >= 160000
  return change->data.tp.rlocator;
#else
  return change->data.tp.relnode;
#endif
}

// The file of a record's first block, which the record must have.
inline RelFileLocator record_file(XLogReaderState* reader) {
  RelFileLocator file = {};
  XLogRecGetBlockTag(reader, 0, &file, nullptr, nullptr);
  return file;
}

inline bool is_same_file(const RelFileLocator& a, const RelFileLocator& b) {
  return memcmp(&a, &b, sizeof(RelFileLocator)) == 0;
}

// 17 dropped ReorderBufferTupleBuf: changes carry a HeapTuple (08e6344fd642).
#if PG_VERSION_NUM >= 170000
inline HeapTuple decoded_tuple(HeapTuple tuple) {
  return tuple;
}
#else
inline HeapTuple decoded_tuple(ReorderBufferTupleBuf* buffer) {
  return buffer == nullptr ? nullptr : &buffer->tuple;
}
#endif

// The oldest transaction whose commit time may be kept. 17 renamed ShmemVariableCache (b31ba5310b55).
inline TransactionId oldest_commit_time_xid() {
  LWLockAcquire(CommitTsLock, LW_SHARED);
#if PG_VERSION_NUM >= 170000
  TransactionId oldest = TransamVariables->oldestCommitTsXid;
#else
  TransactionId oldest = ShmemVariableCache->oldestCommitTsXid;
#endif
  LWLockRelease(CommitTsLock);
  return oldest;
}

// 19 raises the effective level of WAL to logical as long as there is a logical slot, if the setting is at
// least replica; before, the setting decides.
#if PG_VERSION_NUM >= 190000
#define TRENDING_WAL_LEVEL "replica"
inline constexpr int kNeededWalLevel = WAL_LEVEL_REPLICA;
#else
#define TRENDING_WAL_LEVEL "logical"
inline constexpr int kNeededWalLevel = WAL_LEVEL_LOGICAL;
#endif

inline bool wal_can_be_logical() {
  return wal_level >= kNeededWalLevel;
}

// 19 renamed RepOriginId and put what a session says of its transaction's origin into one struct.
#if PG_VERSION_NUM >= 190000
using OriginId = ReplOriginId;
inline constexpr OriginId kNoOrigin = InvalidReplOriginId;
#else
using OriginId = RepOriginId;
inline constexpr OriginId kNoOrigin = InvalidRepOriginId;
#endif

inline OriginId& session_origin() {
#if PG_VERSION_NUM >= 190000
  return replorigin_xact_state.origin;
#else
  return replorigin_session_origin;
#endif
}

// 19 left out the name of the union that a decoded transaction's time is in.
inline TimestampTz commit_time(const ReorderBufferTXN* txn) {
#if PG_VERSION_NUM >= 190000
  return txn->commit_time;
#else
  return txn->xact_time.commit_time;
#endif
}

inline void set_commit_time(ReorderBufferTXN* txn, TimestampTz time) {
#if PG_VERSION_NUM >= 190000
  txn->commit_time = time;
#else
  txn->xact_time.commit_time = time;
#endif
}

// 17 put xid and flush position into LogLogicalMessage (173b56f1ef59).
inline XLogRecPtr log_message(const char* prefix, const char* message, size_t size) {
#if PG_VERSION_NUM >= 170000
  return LogLogicalMessage(prefix, message, size, false, false);
#else
  return LogLogicalMessage(prefix, message, size, false);
#endif
}

}  // namespace trending::compat
