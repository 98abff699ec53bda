// The guard at every door between the server (C, longjmp) and our C++.
//
// Rules, which the whole extension follows:
//   * No C++ exception crosses into the server: each extern "C" entry point runs its body through guarded().
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

namespace trending {

// Where a caught exception waits until its catch block has been left.
struct CaughtException {
  int sqlstate = 0;
  char message[256] = {};
};

// Raises what was caught as an ordinary server error. Never returns.
[[noreturn]] inline void raise_caught(const CaughtException& caught) {
  ereport(ERROR, (errcode(caught.sqlstate), errmsg("%s", caught.message)));
  pg_unreachable();
}

// Runs body() and turns a C++ exception into a server error, after the exception object is gone.
// Server errors (longjmp) pass through untouched.
template <typename Body>
auto guarded(Body&& body) -> decltype(body()) {
  CaughtException caught;
  try {
    return body();
  } catch (const std::bad_alloc&) {
    caught.sqlstate = ERRCODE_OUT_OF_MEMORY;
    strlcpy(caught.message, "out of memory", sizeof(caught.message));
  } catch (const std::exception& error) {
    caught.sqlstate = ERRCODE_INTERNAL_ERROR;
    strlcpy(caught.message, error.what(), sizeof(caught.message));
  } catch (...) {
    caught.sqlstate = ERRCODE_INTERNAL_ERROR;
    strlcpy(caught.message, "unknown C++ exception", sizeof(caught.message));
  }
  raise_caught(caught);
}

}  // namespace trending

// Defines an SQL-callable function `trending_NAME` (PG_FUNCTION_INFO_V1 included), its body behind the guard:
//     TRENDING_FUNCTION(sync) { ... PG_RETURN_LSN(lsn); }
#define TRENDING_FUNCTION(name)                                                  \
  static Datum trending_body_##name(FunctionCallInfo fcinfo);                    \
  extern "C" {                                                                   \
  PG_FUNCTION_INFO_V1(trending_##name);                                          \
  PGDLLEXPORT Datum trending_##name(PG_FUNCTION_ARGS) {                          \
    return trending::guarded([fcinfo] { return trending_body_##name(fcinfo); }); \
  }                                                                              \
  }                                                                              \
  static Datum trending_body_##name([[maybe_unused]] FunctionCallInfo fcinfo)
