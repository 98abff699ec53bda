// SPDX-License-Identifier: PostgreSQL
#include "postgres/interrupted.h"

#include <cstddef>  // says whether the C library is glibc

#ifdef __GLIBC__
#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#endif

namespace trending {

#ifdef __GLIBC__

namespace {

constexpr int kMostFrames = 16;
const void* c_library = nullptr;

const void* library_of(void* address) {
  Dl_info found = {};
  return dladdr(address, &found) != 0 ? found.dli_fbase : nullptr;
}

}  // namespace

void interrupted_prepare() {
  c_library = library_of(reinterpret_cast<void*>(&malloc));
  void* frames[kMostFrames];
  (void)backtrace(frames, kMostFrames);  // loads what it needs, which a handler must not
}

// A handler returns into the library: the first of its frames is that return, the next was interrupted.
bool interrupted_in_c_library() {
  void* frames[kMostFrames];
  const int count = backtrace(frames, kMostFrames);
  for (int i = 0; i + 1 < count; i++) {
    if (library_of(frames[i]) == c_library) return library_of(frames[i + 1]) == c_library;
  }
  return true;
}

#else

void interrupted_prepare() {}

// Nobody tells, so a handler may not know better.
bool interrupted_in_c_library() {
  return true;
}

#endif

}  // namespace trending
