// SPDX-License-Identifier: PostgreSQL
// Messages of the worker to itself by way of the WAL.
#pragma once

#include "postgres/server.h"

namespace trending {

// Writes a message that this database's worker will decode; returns the end of its record, which is not
// flushed yet. Not part of any transaction.
XLogRecPtr write_own_message(const void* message, Size size);

// Whether the record that is being decoded is such a message. Anybody may write messages of any prefix
// (pg_logical_emit_message), but not with our origin.
bool is_own_message(XLogReaderState* reader, bool transactional, const char* prefix);

}  // namespace trending
