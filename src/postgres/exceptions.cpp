// SPDX-License-Identifier: PostgreSQL
#include <exception>
#include <new>

#include "postgres/server.h"

namespace trending {

bool exception_is_noted = false;

namespace {

// Where a caught exception waits until its catch block has been left: one at a time.
struct Noted {
  int sqlstate = 0;
  char message[256] = {};
};
Noted noted;

void note(int sqlstate, const char* message) {
  exception_is_noted = true;
  noted.sqlstate = sqlstate;
  strlcpy(noted.message, message, sizeof(noted.message));
}

}  // namespace

void note_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    note(ERRCODE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    note(ERRCODE_INTERNAL_ERROR, error.what());
  } catch (...) {
    note(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
  }
}

void raise_noted() {
  exception_is_noted = false;
  ereport(ERROR, (errcode(noted.sqlstate), errmsg("%s", noted.message)));
  pg_unreachable();
}

}  // namespace trending
