// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/worker.h"

#include "bgworker/process/working.h"

namespace trending {

Worker* worker = nullptr;
Working working;

}  // namespace trending
