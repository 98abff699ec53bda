// SPDX-License-Identifier: PostgreSQL
#include "decoder/source_list.h"

#include "catalog/as_extension_owner.h"
#include "postgres/version.h"

namespace trending {

List* source_list(bool* some_written) {
  MemoryContext caller = CurrentMemoryContext;
  List* sources = NIL;
  // A walsender starts its plugin outside a transaction.
  bool own_transaction = !IsTransactionState();
  if (own_transaction) StartTransactionCommand();
  version_check();
  if (OidIsValid(trend_table())) {
    bool own_snapshot = !ActiveSnapshotSet();
    if (own_snapshot) PushActiveSnapshot(GetTransactionSnapshot());
    SPI_connect();
    // Whoever decodes sees all changes; which trends he may read is no matter.
    int result = 0;
    as_extension_owner([&result] {
      result = SPI_execute(
          "SELECT DISTINCT t.source::pg_catalog.oid, EXISTS (SELECT FROM trending.trend o WHERE t.source "
          "OPERATOR(pg_catalog.=) ANY (ARRAY[o.history, o.late, o.alerts])) FROM trending.trend t",
          true, 0);
    });
    if (result != SPI_OK_SELECT) {
      elog(ERROR, "could not read trending.trend");
    }
    for (uint64 i = 0; i < SPI_processed; i++) {
      bool isnull = false;
      Datum source = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);
      if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull))) {
        *some_written = true;
      }
      MemoryContext spi = MemoryContextSwitchTo(caller);
      sources = lappend_oid(sources, DatumGetObjectId(source));
      MemoryContextSwitchTo(spi);
    }
    SPI_finish();
    if (own_snapshot) PopActiveSnapshot();
  }
  if (own_transaction) CommitTransactionCommand();
  MemoryContextSwitchTo(caller);
  return sources;
}

}  // namespace trending
