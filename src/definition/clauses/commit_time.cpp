// SPDX-License-Identifier: PostgreSQL
#include "definition/clauses/commit_time.h"

#include "definition/clauses/analysis.h"
#include "postgres/guard.h"
#include "values/own_function.h"

namespace trending {

bool is_commit_time(Oid function) {
  return is_own_function(function, "commit_time");
}

bool is_commit_time_of_row(const Analysis& analysis, Node* event_time) {
  if (!IsA(event_time, FuncExpr)) return false;
  auto* call = reinterpret_cast<FuncExpr*>(event_time);
  if (!is_commit_time(call->funcid)) return false;
  auto* argument = static_cast<Node*>(linitial(call->args));
  if (IsA(argument, Var)) {
    auto* column = reinterpret_cast<Var*>(argument);
    if (column->varno == static_cast<int>(analysis.scope.source) &&
        column->varattno == MinTransactionIdAttributeNumber) {
      return true;
    }
  }
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("trending.commit_time takes xmin of the source in the definition of a trend"),
                  errhint("Write trending.commit_time(xmin)."),
                  query_position(analysis.text, exprLocation(argument))));
  pg_unreachable();
}

void check_commit_times_kept(const Definition& definition, bool backfill) {
  if (!definition.by_commit_time || !backfill || track_commit_timestamp) return;
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("the commit times of the rows in \"%s\" are not known", get_rel_name(definition.source)),
           errdetail("The server does not keep commit times."),
           errhint("Set track_commit_timestamp = on and restart the server, or create the trend with "
                   "backfill => false, to begin with the rows to come.")));
}

// Transactions that did not commit have no time: the next one that has is as good.
bool oldest_commit_time(TimestampTz* time) {
  if (!track_commit_timestamp) return false;
  const TransactionId next = ReadNextTransactionId();
  TransactionId xid = compat::oldest_commit_time_xid();
  while (TransactionIdIsNormal(xid) && TransactionIdPrecedes(xid, next)) {
    CHECK_FOR_INTERRUPTS();
    if (TransactionIdGetCommitTsData(xid, time, nullptr)) return true;
    TransactionIdAdvance(xid);
  }
  return false;
}

}  // namespace trending

// STRICT. NULL where the server knows none: frozen rows, and transactions from before it kept commit times.
TRENDING_PURE_FUNCTION(commit_time) {
  TimestampTz time = 0;
  if (!TransactionIdGetCommitTsData(PG_GETARG_TRANSACTIONID(0), &time, nullptr)) {
    PG_RETURN_NULL();
  }
  PG_RETURN_TIMESTAMPTZ(time);
}
