// SPDX-License-Identifier: PostgreSQL
#include "bgworker/process/open_transactions.h"

#include <algorithm>

#include "bgworker/process/transaction.h"
#include "postgres/spi.h"

namespace trending {

namespace {

constexpr int kMostLookedUp = 1000;

// Prepared ones first: nobody may be about to end those. A process and a transaction's id are shown to
// everybody by pg_locks, a prepared transaction by pg_prepared_xacts.
constexpr char kNames[] =
    "SELECT pg_catalog.string_agg(n.name, ', ' ORDER BY n.place, n.name) AS names, "
    "pg_catalog.bool_or(n.place OPERATOR(pg_catalog.=) 1) AS has_prepared "
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
  static SpiStatement select = {kNames};
  spi_run(&select, {SpiValue{XIDARRAYOID, xid_array(xids, std::min(count, kMostLookedUp))}});
  const SpiRow row(0);
  char* found = nullptr;
  const char* names = row.read("names", &found) ? found : "transactions that are about to end";
  (void)pg_snprintf(open.names, sizeof(open.names), "%.*s",
                    pg_mbcliplen(names, static_cast<int>(strlen(names)), sizeof(open.names) - 1), names);
  open.has_prepared = row.read("has_prepared", &open.has_prepared) && open.has_prepared;
  SPI_finish();
  worker_commit();
  return open;
}

}  // namespace trending
