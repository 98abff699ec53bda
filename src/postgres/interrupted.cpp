// SPDX-License-Identifier: PostgreSQL
#include "postgres/interrupted.h"

#include <cstddef>  // says whether the C library is glibc

#ifdef __GLIBC__
#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#endif

#include "postgres/server.h"

namespace trending {

#ifdef __GLIBC__

namespace {

// An allocator is among the innermost.
constexpr int kMostFrames = 24;
const void* c_library = nullptr;

const void* library_of(void* address) {
  Dl_info found = {};
  return dladdr(address, &found) != 0 ? found.dli_fbase : nullptr;
}

// The server's functions by the names that it exports. A static one goes by the name before it, which is that of
// the same file: all of an allocator's are AllocSetContextCreateInternal.
bool manages_resources(void* address) {
  Dl_info found = {};
  if (dladdr(address, &found) == 0 || found.dli_sname == nullptr) return false;
  for (const char* prefix :
       {"palloc", "repalloc", "pfree", "pstrdup", "pnstrdup", "MemoryContext", "AllocSet", "Generation",
        "Slab", "Bump", "Aligned", "ResourceOwner", "hash_search", "SearchCatCache", "ReleaseCatCache",
        "errstart", "errfinish", "CopyErrorData"}) {
    if (strncmp(found.dli_sname, prefix, strlen(prefix)) == 0) return true;
  }
  return false;
}

}  // namespace

void interrupted_prepare() {
  c_library = library_of(reinterpret_cast<void*>(&malloc));
  void* frames[kMostFrames];
  (void)backtrace(frames, kMostFrames);  // loads what it needs, which a handler must not
}

namespace {

// A handler returns into the library: the first of its frames is that return, the next was interrupted.
bool interrupted_where_it_may_end() {
  void* frames[kMostFrames];
  const int count = backtrace(frames, kMostFrames);
  int i = 0;
  while (i < count && library_of(frames[i]) != c_library) i++;
  if (i + 1 >= count || library_of(frames[i + 1]) == c_library) return false;
  for (i++; i < count; i++) {
    if (manages_resources(frames[i])) return false;
  }
  return true;
}

}  // namespace

#else

void interrupted_prepare() {}

namespace {

// Nobody tells, so a handler may not know better.
bool interrupted_where_it_may_end() {
  return false;
}

}  // namespace

#endif

// The handler of a timeout itself holds off interrupts once.
bool handler_may_end_process() {
  return InterruptHoldoffCount <= 1 && QueryCancelHoldoffCount == 0 && CritSectionCount == 0 &&
         interrupted_where_it_may_end();
}

}  // namespace trending
