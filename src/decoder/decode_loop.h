// SPDX-License-Identifier: PostgreSQL
// The in-process decoding loop: reads WAL from a slot and runs it through logical decoding, record by record.
//
// No walsender, no SQL function, no output: changes reach worker_sink as they are decoded. The loop runs
// outside any transaction (the server then starts and aborts one per decoded transaction, which is cheaper
// than a subtransaction); between two records the caller may run transactions of his own.
#pragma once

#include <algorithm>

#include "postgres/server.h"

namespace trending {

struct DecodeLoop {
  LogicalDecodingContext* decoding = nullptr;
  MemoryContext memory = nullptr;  // current between records
  XLogRecPtr start = InvalidXLogRecPtr;

  // Acquires the slot and starts reading at its restart position; transactions that committed before
  // `start_at` are skipped. Call outside a transaction.
  void open(const char* slot, XLogRecPtr start_at);
  // Decodes one record. False when all flushed WAL has been read.
  bool next();
  // What committed before this has been decoded or, before `start`, was skipped: reading begins earlier than
  // that, and until it gets there the position is `start`.
  XLogRecPtr position() const {
    return decoding == nullptr ? start : std::max(decoding->reader->EndRecPtr, start);
  }
  void close();
  // Whether an error that was raised now says that the slot can never be read past here: WAL that it needs is
  // gone or broken, or the catalog snapshot that was left on disk for it, or a change belongs to no table, as
  // it does when the database was moved to another tablespace since.
  //
  // The snapshot builder has to be consistent at `start`: what commits before it is would be lost. With a slot
  // that was copied from a primary server it has to be so at once, by a snapshot on disk or because nothing ran:
  // it may have a gap otherwise (slot_start.h), which the primary closed for its own slot only.
  bool is_unreadable(const ErrorData* error) const;

 private:
  enum class Doing { kNothing, kReading, kDecoding };
  bool is_at_end();
  void await_snapshot();

  Doing doing = Doing::kNothing;
  bool is_copied = false;                  // the slot comes from a primary server
  bool is_consistent = false;              // so is the snapshot builder
  bool is_lost = false;                    // and it cannot become so in time
  XLogRecPtr flushed = InvalidXLogRecPtr;  // how far WAL was flushed when that was last looked at
};

// XL_ROUTINE() takes the address of a temporary, which C++ refuses.
inline XLogReaderRoutine reader_routine(XLogPageReadCB page_read) {
  XLogReaderRoutine routine = {};
  routine.page_read = page_read;
  routine.segment_open = wal_segment_open;
  routine.segment_close = wal_segment_close;
  return routine;
}

}  // namespace trending
