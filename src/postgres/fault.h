// SPDX-License-Identifier: PostgreSQL
// Faults made on purpose, for tests: what must be survived anywhere is provoked there.
//
// The setting trending.debug_fail (superuser, reload) is a list of
//     POINT[=TREND]:KIND[:PROBABILITY[:SEED]]
// such as 'apply=3:error, memory:bad_alloc:0.001:42': each time that work comes to the point (for the trend
// of that id, or any), a fault of the kind happens with the probability, 1 by default. Draws begin again with
// the seed in every process; without one they differ from process to process.
//
// Points are the values of FaultPoint in small letters with underscores. Kinds: `error` is an ordinary server
// error, `bad_alloc` a C++ exception, `refused` what the point itself makes of having no memory. Without the
// setting a point costs the test of one variable.
#pragma once

#include "postgres/server.h"

namespace trending {

enum class FaultPoint : int {
  kMemory,        // operator new, in processes with a database
  kSharedMemory,  // a block for a trend's state
  kLoad,          // a definition is loaded
  kRow,           // a row is read for a trend
  kApply,         // a transaction's events are applied, outside the trend's lock
  kFill,          // a trend is filled from its source
  kBackfill,      // its history is filled back
  kHistory,       // closed windows are written
  kCheckpoint,    // a trend's state is stored
  kStatement,     // a statement over tables of ours is run (spi.h)
};

enum class FaultKind : int { kNone, kError, kBadAlloc, kRefused };

extern bool faults_set;

// Which fault is to happen at the point now.
FaultKind fault_drawn(FaultPoint point, int32 trend);
// Makes that fault: raises an error or throws. `refused` is an error, too.
void fault_strike(FaultPoint point, int32 trend);

inline void fault_point(FaultPoint point, int32 trend = 0) {
  if (unlikely(faults_set)) fault_strike(point, trend);
}

// For points that can say no: whether they have to. Other kinds are made.
inline bool fault_refuses(FaultPoint point, int32 trend = 0) {
  if (likely(!faults_set)) return false;
  FaultKind kind = fault_drawn(point, trend);
  if (kind == FaultKind::kError) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  return kind != FaultKind::kNone;
}

// The setting's hooks.
bool fault_setting_check(char** value, void** extra, GucSource source);
void fault_setting_assign(const char* value, void* extra);

}  // namespace trending
