// SPDX-License-Identifier: PostgreSQL
#include "decoder/plugin_message.h"

namespace trending {

namespace {

constexpr char kPrefix[] = "trending";
// Never assigned to a subscription as long as there are fewer than 65533 of them. DoNotReplicateId, which
// marks the worker's transactions, would be filtered out.
constexpr compat::OriginId kMessageOrigin = DoNotReplicateId - 1;

}  // namespace

// LogLogicalMessage, but marked as unimportant: a quiet database stays quiet.
XLogRecPtr write_own_message(const void* message, Size size) {
  xl_logical_message record = {};
  record.dbId = MyDatabaseId;
  record.transactional = false;
  record.prefix_size = sizeof(kPrefix);
  record.message_size = size;
  compat::OriginId origin = compat::session_origin();
  compat::session_origin() = kMessageOrigin;
  XLogBeginInsert();
  XLogRegisterData(reinterpret_cast<char*>(&record), SizeOfLogicalMessage);
  XLogRegisterData(const_cast<char*>(kPrefix), sizeof(kPrefix));
  XLogRegisterData(const_cast<char*>(static_cast<const char*>(message)), static_cast<uint32>(size));
  XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN | XLOG_MARK_UNIMPORTANT);
  XLogRecPtr end = XLogInsert(RM_LOGICALMSG_ID, XLOG_LOGICAL_MESSAGE);
  compat::session_origin() = origin;
  return end;
}

bool is_own_message(XLogReaderState* reader, bool transactional, const char* prefix) {
  return !transactional && strcmp(prefix, kPrefix) == 0 && XLogRecGetOrigin(reader) == kMessageOrigin;
}

}  // namespace trending
