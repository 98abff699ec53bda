// Which errors of an expression lie with the values that it was given.
#pragma once

#include "postgres/server.h"

namespace trending {

inline bool is_data_error(const ErrorData* error) {
  int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
  return category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_CARDINALITY_VIOLATION ||
         category == ERRCODE_FEATURE_NOT_SUPPORTED || category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
         error->sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED ||
         error->sqlerrcode == ERRCODE_INVALID_REGULAR_EXPRESSION;
}

}  // namespace trending
