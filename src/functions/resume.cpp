// SPDX-License-Identifier: PostgreSQL
// trending.resume: starts a stopped trend again.
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "shmem/directory.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

// Whatever is noted of the trend is forgotten. The worker is told.
void forget_blame(DatabaseShared* entry, int32 trend_id) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  for (BlamedTrend& blamed : entry->blamed) {
    if (blamed.trend_id == trend_id) blamed = {};
  }
  pg_atomic_fetch_add_u32(&entry->resumed, 1);
  if (entry->latch != nullptr) SetLatch(entry->latch);
  LWLockRelease(&directory->lock);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(resume) {
  using namespace trending;
  Oid relation = PG_GETARG_OID(0);
  const Definition* definition = readable_trend(relation);
  if (!compat::relation_ownercheck(relation, GetUserId())) {
    aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, get_rel_name(relation));
  }
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) raise_not_serving(nullptr);
  if (!trend_resume(definition->id)) PG_RETURN_BOOL(false);
  forget_blame(entry, definition->id);
  PG_RETURN_BOOL(true);
}
