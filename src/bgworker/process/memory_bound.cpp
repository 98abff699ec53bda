// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/memory_bound.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <unistd.h>

#include "postgres/server.h"
#include "postgres/settings.h"

namespace trending {

namespace {

// The private memory of this process in bytes, stack included; 0 if the system does not tell.
size_t private_memory() {
  FILE* file = AllocateFile("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long pages = 0;
  if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1) pages = 0;
  FreeFile(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void memory_bound_set() {
  if (settings.worker_memory_limit_mb == 0) return;
  const size_t present = private_memory();
  rlimit limit = {};
  if (present == 0 || getrlimit(RLIMIT_DATA, &limit) != 0) return;
  const size_t granted = static_cast<size_t>(settings.worker_memory_limit_mb) * 1024 * 1024 +
                         static_cast<size_t>(settings.decoding_work_mem_kb) * 1024;
  // Never more than the administrator of the system allows.
  limit.rlim_cur = std::min<rlim_t>(present + granted, limit.rlim_cur);
  if (setrlimit(RLIMIT_DATA, &limit) != 0) {
    ereport(LOG, (errmsg("could not bound the memory of the trending worker: %m")));
  }
}

size_t transaction_bound() {
  const auto limit = static_cast<size_t>(settings.worker_memory_limit_mb) * 1024 * 1024;
  return limit == 0 ? SIZE_MAX : limit / 4;
}

}  // namespace trending
