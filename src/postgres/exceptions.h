// SPDX-License-Identifier: PostgreSQL
// C++ exceptions under PG_TRY, where the server knows nothing of them.
//
// An exception that left a PG_TRY block would leave the server's error stack pointing to a frame that is
// gone, and the next error would jump there. So PG_TRY, PG_CATCH and PG_FINALLY are redefined for this
// library, which the server's names then mean everywhere: whatever the block throws becomes an ordinary error
// within it, and is caught there. That costs nothing until something is thrown. Included by postgres/server.h
// only.
#pragma once

namespace trending {

// Inside a catch block: notes what was caught, for raise_noted() after it.
void note_exception();
extern bool exception_is_noted;
// Raises it as an ordinary server error. Never returns.
[[noreturn]] void raise_noted();

}  // namespace trending

#undef PG_TRY
#undef PG_CATCH
#undef PG_FINALLY

// What PG_END_TRY, the server's own, refers to by name: the two saved stacks and _do_rethrow.
#define PG_TRY(...)                                                  \
  do {                                                               \
    sigjmp_buf* _save_exception_stack = PG_exception_stack;          \
    ErrorContextCallback* _save_context_stack = error_context_stack; \
    sigjmp_buf _local_sigjmp_buf;                                    \
    bool _do_rethrow = false;                                        \
    if (sigsetjmp(_local_sigjmp_buf, 0) == 0) {                      \
      PG_exception_stack = &_local_sigjmp_buf;                       \
      try {
#define TRENDING_END_BLOCK()    \
  }                             \
  catch (...) {                 \
    trending::note_exception(); \
  }                             \
  if (trending::exception_is_noted) trending::raise_noted()

#define PG_CATCH(...)                           \
  TRENDING_END_BLOCK();                         \
  }                                             \
  else {                                        \
    PG_exception_stack = _save_exception_stack; \
    error_context_stack = _save_context_stack

#define PG_FINALLY(...)                         \
  TRENDING_END_BLOCK();                         \
  }                                             \
  else _do_rethrow = true;                      \
  {                                             \
    PG_exception_stack = _save_exception_stack; \
    error_context_stack = _save_context_stack
