// SPDX-License-Identifier: PostgreSQL
// The guard at every door between the server (C, longjmp) and our C++.
//
// Rules, which the whole extension follows:
//   * No C++ exception crosses into the server: each extern "C" entry point runs its body through guarded(),
//     and PG_TRY turns exceptions into errors (postgres/exceptions.h).
//   * No longjmp crosses a destructor: a frame that calls a server function which may ereport holds only
//     trivially destructible locals.
//
//     good:  char* text = pstrdup(...);  ereport(ERROR, ...);
//     bad:   std::string text = ...;     ereport(ERROR, ...);   // leaks, and is undefined behaviour
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "postgres/server.h"
#include "postgres/version.h"

namespace trending {

// Runs body() and turns a C++ exception into a server error, after the exception object is gone.
// Server errors (longjmp) pass through untouched.
template <typename Body>
auto guarded(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    note_exception();
  }
  raise_noted();
}

}  // namespace trending

// Defines an SQL-callable function `trending_NAME` (PG_FUNCTION_INFO_V1 included), its body behind the guard and
// the check of versions:
//     TRENDING_FUNCTION(sync) { ... PG_RETURN_LSN(lsn); }
// A function that older scripts of the extension name stays, even if it only says so: who has them installed gets
// here, and is told by the check.
#define TRENDING_FUNCTION(name) TRENDING_DEFINE_FUNCTION(name, trending::version_check())
// The same for one that looks at nothing but its arguments, and goes on under SQL of any version.
#define TRENDING_PURE_FUNCTION(name) TRENDING_DEFINE_FUNCTION(name, static_cast<void>(0))

#define TRENDING_DEFINE_FUNCTION(name, check)                 \
  static Datum trending_body_##name(FunctionCallInfo fcinfo); \
  extern "C" {                                                \
  PG_FUNCTION_INFO_V1(trending_##name);                       \
  PGDLLEXPORT Datum trending_##name(PG_FUNCTION_ARGS) {       \
    return trending::guarded([fcinfo] {                       \
      check;                                                  \
      return trending_body_##name(fcinfo);                    \
    });                                                       \
  }                                                           \
  }                                                           \
  static Datum trending_body_##name([[maybe_unused]] FunctionCallInfo fcinfo)
