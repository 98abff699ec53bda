#include "bgworker/process/open_transactions.h"

#include "bgworker/process/transaction.h"

namespace trending {

namespace {

constexpr int kMostLookedUp = 1000;

// Prepared ones first: nobody may be about to end those. A process and a transaction's id are shown to
// everybody by pg_locks, a prepared transaction by pg_prepared_xacts.
constexpr char kNames[] =
    "SELECT pg_catalog.string_agg(n.name, ', ' ORDER BY n.place, n.name), pg_catalog.bool_or(n.place "
    "OPERATOR(pg_catalog.=) 1) "
    "FROM (SELECT 1 AS place, pg_catalog.format('prepared transaction %L (transaction %s, database \"%s\")', "
    "             p.gid, p.transaction, p.database) AS name "
    "      FROM pg_catalog.pg_prepared_xacts p WHERE p.transaction OPERATOR(pg_catalog.=) ANY ($1) "
    "      UNION ALL "
    "      SELECT 2, pg_catalog.format('process %s (transaction %s, database \"%s\")', "
    "             a.pid, a.backend_xid, a.datname) "
    "      FROM pg_catalog.pg_stat_activity a WHERE a.backend_xid OPERATOR(pg_catalog.=) ANY ($1) "
    "      LIMIT 8) n";

Datum xid_array(const TransactionId* xids, int count) {
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<size_t>(count)));
  for (int i = 0; i < count; i++) values[i] = TransactionIdGetDatum(xids[i]);
  return PointerGetDatum(construct_array(values, count, XIDOID, sizeof(TransactionId), true, TYPALIGN_INT));
}

}  // namespace

OpenTransactions name_transactions(const TransactionId* xids, int count) {
  OpenTransactions open = {};
  worker_begin();
  SPI_connect();
  Oid type = XIDARRAYOID;
  Datum array = xid_array(xids, Min(count, kMostLookedUp));
  if (SPI_execute_with_args(kNames, 1, &type, &array, nullptr, true, 1) != SPI_OK_SELECT) {
    elog(ERROR, "could not look up transactions");
  }
  TupleDesc columns = SPI_tuptable->tupdesc;
  const char* names = SPI_getvalue(SPI_tuptable->vals[0], columns, 1);
  if (names == nullptr) names = "transactions that are about to end";
  (void)pg_snprintf(open.names, sizeof(open.names), "%.*s",
                    pg_mbcliplen(names, static_cast<int>(strlen(names)), sizeof(open.names) - 1), names);
  bool is_null = false;
  Datum prepared = SPI_getbinval(SPI_tuptable->vals[0], columns, 2, &is_null);
  open.has_prepared = !is_null && DatumGetBool(prepared);
  SPI_finish();
  worker_commit();
  return open;
}

}  // namespace trending
