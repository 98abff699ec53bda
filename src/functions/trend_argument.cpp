// SPDX-License-Identifier: PostgreSQL
#include "catalog/definition_catalog.h"
#include "functions/trend_argument.h"

namespace trending {

namespace {

// The oldest trend, remembered until that foreign table changes. A younger one never replaces it.
Oid oldest_trend = InvalidOid;

void forget_oldest(Datum, Oid relation) {
  if (relation == oldest_trend || !OidIsValid(relation)) oldest_trend = InvalidOid;
}

Oid find_oldest() {
  static bool registered = false;
  if (!registered) {
    CacheRegisterRelcacheCallback(forget_oldest, 0);
    registered = true;
  }
  if (OidIsValid(oldest_trend)) return oldest_trend;
  List* ids = definition_ids();
  if (ids == NIL) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("there is no trend in this database"),
                    errhint("Create one with trending.create_trend().")));
  }
  Definition* oldest = definition_load(linitial_int(ids));
  if (oldest != nullptr) oldest_trend = oldest->relation;
  return oldest_trend;
}

Oid find_named(const char* name) {
  RangeVar* range = makeRangeVarFromNameList(textToQualifiedNameList(cstring_to_text(name)));
  Oid relation = RangeVarGetRelid(range, NoLock, true);
  if (!OidIsValid(relation)) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("trend \"%s\" does not exist", name),
             errdetail("The setting trending.default_trend names it."),
             errhint("Set trending.default_trend to a trend, or to the empty string for the oldest one.")));
  }
  return relation;
}

void check_rights(Oid relation) {
  if (pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK) return;
  // Rights on every single column will do.
  AclResult result = pg_attribute_aclcheck_all(relation, GetUserId(), ACL_SELECT, ACLMASK_ALL);
  if (result != ACLCHECK_OK) {
    aclcheck_error(result, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
  }
}

}  // namespace

const Definition* readable_trend(Oid relation) {
  LockRelationOid(relation, AccessShareLock);
  const char* name = get_rel_name(relation);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("trend with OID %u does not exist", relation)));
  }
  if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a trend", name),
                    errhint("Trends are created with trending.create_trend().")));
  }
  check_rights(relation);
  const Definition* definition = definition_cached(relation);
  if (definition == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" is not a trend", name),
                    errhint("Trends are created with trending.create_trend().")));
  }
  return definition;
}

Oid default_trend() {
  const char* name = GetConfigOption("trending.default_trend", true, false);
  return name != nullptr && name[0] != '\0' ? find_named(name) : find_oldest();
}

int64 duration_argument(const Interval* interval) {
  // Saturates: nobody waits for longer than that.
  __extension__ using Wide = __int128;
  Wide days = static_cast<Wide>(interval->month) * DAYS_PER_MONTH + interval->day;
  Wide total = days * USECS_PER_DAY + interval->time;
  if (total < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("timeout must not be negative")));
  }
  return total > PG_INT64_MAX ? PG_INT64_MAX : static_cast<int64>(total);
}

}  // namespace trending
