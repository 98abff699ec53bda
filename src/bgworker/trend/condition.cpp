// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/condition.h"

#include "definition/group_row.h"
#include "values/evaluation.h"

namespace trending {

GroupRow* condition_create(const Definition* definition) {
  if (definition->having == nullptr) return nullptr;
  return group_row_create(definition, &definition->having, 1, evaluation_account(definition->owner));
}

bool condition_holds(GroupRow* condition, LWLock* lock, const StateLayout& layout, KeyView key,
                     const int64_t* result, bool* failed) {
  Datum value = 0;
  bool isnull = true;
  group_row_begin(condition, layout, key, result, Window{});
  *failed = !group_row_evaluate(condition, 0, lock, &value, &isnull);
  return !isnull && DatumGetBool(value);
}

}  // namespace trending
