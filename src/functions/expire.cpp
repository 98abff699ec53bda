// trending.expire_trend: removes what a trend's retention no longer covers, as trending.expire() does for a
// job of pg_cron. The worker does the same when it writes history; neither waits for the other.
#include "definition/definition_catalog.h"
#include "definition/history_table.h"
#include "postgres/as_owner.h"
#include "postgres/guard.h"
#include "shmem/trend_access.h"
#include "postgres/pinned_path.h"

namespace trending {

namespace {

const Definition* own_trend(Oid relation) {
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
  return definition_cached(relation);
}

// Deletes as the table's owner, who may have put triggers on it.
template <typename Statement>
int64 delete_expired(Oid relation, Oid type, Datum bound, Statement&& statement) {
  if (!OidIsValid(relation) || get_rel_name(relation) == nullptr) return 0;
  char message[kMessageSize] = "";
  int64 deleted = 0;
  SPI_connect();
  OwnerResult result = run_as_owner(relation, message, PassingError::kThrow, [&](const char* table) {
    if (pinned_execute(statement(table), 1, &type, &bound, nullptr, false, 0) != SPI_OK_DELETE) {
      elog(ERROR, "could not remove expired rows");
    }
    deleted = static_cast<int64>(SPI_processed);
  });
  SPI_finish();
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
  Datum late_bound = TimestampTzGetDatum(subtract_saturated(GetCurrentTimestamp(), retention));
  int64 deleted = delete_expired(definition.late, TIMESTAMPTZOID, late_bound, late_expire_statement) +
                  delete_expired(definition.alerts, TIMESTAMPTZOID, late_bound, alerts_expire_statement);
  TrendGlance glance;
  if (!trend_glance(definition.id, &glance) || glance.watermark == kNoTime) {
    ereport(NOTICE,
            (errmsg("the watermark of trend \"%s\" is not known now", get_rel_name(definition.relation)),
             errdetail("Its history is left as it is."), errhint("See trending.status.")));
    return deleted;
  }
  Oid type = window_bound_type(definition);
  Datum bound = window_bound_datum(type, subtract_saturated(glance.watermark, retention));
  return deleted + delete_expired(definition.history, type, bound, [&](const char* table) {
           return history_expire_statement(definition, table);
         });
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(expire_trend) {
  using namespace trending;
  const Definition* definition = own_trend(PG_GETARG_OID(0));
  PG_RETURN_INT64(definition == nullptr ? 0 : expire(*definition));
}
