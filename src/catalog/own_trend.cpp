// SPDX-License-Identifier: PostgreSQL
#include "catalog/own_trend.h"

#include "catalog/definition_catalog.h"

namespace trending {

const char* own_trend(Oid relation) {
  const char* name = get_rel_name(relation);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("trend with OID %u does not exist", relation)));
  }
  if (!trend_is_registered(relation)) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a trend", name),
                    errhint("Trends are created with trending.create_trend().")));
  }
  if (!compat::relation_ownercheck(relation, GetUserId())) {
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, name);
  }
  return name;
}

}  // namespace trending
