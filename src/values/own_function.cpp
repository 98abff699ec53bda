// SPDX-License-Identifier: PostgreSQL
#include "values/own_function.h"

namespace trending {

const char* own_function_name(Oid function) {
  if (function < FirstNormalObjectId) return nullptr;
  Oid extension = get_extension_oid("trending", true);
  if (!OidIsValid(extension)) return nullptr;
  if (getExtensionOfObject(ProcedureRelationId, function) != extension) return nullptr;
  return get_func_name(function);
}

}  // namespace trending
