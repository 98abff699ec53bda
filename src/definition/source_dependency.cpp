#include "definition/source_dependency.h"

namespace trending {

namespace {

bool depends_on(Oid relation, Oid source) {
  Oid types[] = {OIDOID, OIDOID, OIDOID};
  Datum values[] = {ObjectIdGetDatum(RelationRelationId), ObjectIdGetDatum(relation),
                    ObjectIdGetDatum(source)};
  SPI_connect();
  int result = SPI_execute_with_args(
      "SELECT FROM pg_catalog.pg_depend WHERE classid = $1 AND objid = $2 AND refclassid = $1 AND refobjid = "
      "$3 "
      "AND refobjsubid = 0",
      3, types, values, nullptr, true, 1);
  if (result != SPI_OK_SELECT) elog(ERROR, "could not read pg_depend: %s", SPI_result_code_string(result));
  const bool found = SPI_processed > 0;
  SPI_finish();
  return found;
}

}  // namespace

void depend_on_source(Oid relation, Oid source) {
  ObjectAddress dependent = {RelationRelationId, relation, 0};
  ObjectAddress referenced = {RelationRelationId, source, 0};
  recordDependencyOn(&dependent, &referenced, DEPENDENCY_NORMAL);
}

void restore_source_dependency(Oid relation, Oid source) {
  // Somebody drops it, or does something else that is no reason to wait: there will be another time.
  if (!ConditionalLockRelationOid(relation, AccessShareLock)) return;
  if (get_rel_name(relation) == nullptr || get_rel_name(source) == nullptr) return;
  if (!depends_on(relation, source)) depend_on_source(relation, source);
}

}  // namespace trending
