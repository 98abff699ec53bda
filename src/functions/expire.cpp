// SPDX-License-Identifier: PostgreSQL
// trending_internal.expire_trend: removes what a trend's retention no longer covers, as trending.expire() does for a
// job of pg_cron. The worker does the same when it writes history; neither waits for the other.
#include "catalog/definition_catalog.h"
#include "catalog/history_scan.h"
#include "catalog/history_table.h"
#include "catalog/own_trend.h"
#include "postgres/guard.h"
#include "postgres/owned_table.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

// As the table's owner, and through the one door to it: he may have attached to it what must not run with the
// caller's rights.
int64 delete_from(Oid relation, const TableShape& shape, int column, Time before) {
  if (!OidIsValid(relation) || get_rel_name(relation) == nullptr) return 0;
  char message[kMessageSize] = "";
  int64 deleted = 0;
  const OwnerResult result =
      with_owned_table(relation, shape, message, PassingError::kThrow, OwnedUse::kWrite,
                       [&](OwnedTable* table) { deleted = delete_expired(table, column, before); });
  if (result != OwnerResult::kDone) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("could not remove expired rows of \"%s\"", get_rel_name(relation)),
                    errdetail("%s", message)));
  }
  return deleted;
}

int64 expire(const Definition& definition) {
  int64 retention = definition.options.retention;
  if (retention < 0) return 0;
  const TableShape alerts = alerts_shape(definition);
  const Time kept_since = subtract_saturated(GetCurrentTimestamp(), retention);
  int64 deleted = delete_from(definition.late, late_table_shape(), kLateKeptAt, kept_since) +
                  delete_from(definition.alerts, alerts,
                              own_columns_at(alerts, kAlertOwnColumns) + kAlertedAt, kept_since);
  TrendGlance glance;
  if (!trend_glance(definition.id, &glance) || glance.watermark == kNoTime) {
    ereport(NOTICE,
            (errmsg("the watermark of trend \"%s\" is not known now", get_rel_name(definition.relation)),
             errdetail("Its history is left as it is."), errhint("See trending.status.")));
    return deleted;
  }
  return deleted + delete_from(definition.history, history_shape(definition), kHistoryEnd,
                               subtract_saturated(glance.watermark, retention));
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(expire_trend) {
  using namespace trending;
  (void)own_trend(PG_GETARG_OID(0));
  const Definition* definition = definition_cached(PG_GETARG_OID(0));
  PG_RETURN_INT64(definition == nullptr ? 0 : expire(*definition));
}
