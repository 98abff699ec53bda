// SPDX-License-Identifier: PostgreSQL
// What the worker is doing, for whom: noted so that the trend it dies of can be named (trend/blame.h).
#pragma once

#include "postgres/server.h"

namespace trending {

enum class Work : uint8_t { kNone, kLoading, kReading, kApplying, kFilling, kWriting, kStoring };

// What this worker is doing. Costs two stores; who has finished need not say so at once, but before others
// may fail.
struct Working {
  int32 trend = 0;
  Work work = Work::kNone;
};
extern Working working;

inline void working_for(int32 trend, Work work) {
  working = {trend, work};
}
inline void working_ended() {
  working = {};
}

}  // namespace trending
