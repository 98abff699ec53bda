#include "definition/column_rename.h"

#include "definition/analysis.h"
#include "definition/as_extension_owner.h"

namespace trending {

namespace {

struct Renamed {
  int32 trend_id;
  Oid relation;
  Query* query;
};

// Analyses a stored definition; null if it does not fit its source even now, which is no reason to refuse the
// command. In a subtransaction, for the error's sake.
Query* analyze_if_possible(const StoredTrend& trend) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner resources = CurrentResourceOwner;
  Query* volatile query = nullptr;
  BeginInternalSubTransaction(nullptr);
  MemoryContextSwitchTo(memory);
  PG_TRY();
  {
    query = stored_query(trend.definition, trend.source);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return query;
}

}  // namespace

List* column_rename_begin(Node* command) {
  if (!IsA(command, RenameStmt)) return NIL;
  auto* rename = reinterpret_cast<RenameStmt*>(command);
  if (rename->renameType != OBJECT_COLUMN || rename->relation == nullptr) return NIL;
  Oid table = RangeVarGetRelid(rename->relation, NoLock, true);
  if (!OidIsValid(table) || !compat::relation_ownercheck(table, GetUserId())) return NIL;
  List* found = NIL;
  List* trends = stored_trends(table);
  ListCell* cell = nullptr;
  foreach (cell, trends) {
    auto* trend = static_cast<StoredTrend*>(lfirst(cell));
    // The lock that the command takes, so that the names stay until it does.
    LockRelationOid(table, AccessExclusiveLock);
    Query* query = analyze_if_possible(*trend);
    if (query == nullptr) continue;
    auto* renamed = static_cast<Renamed*>(palloc(sizeof(Renamed)));
    *renamed = {trend->id, trend->relation, query};
    found = lappend(found, renamed);
  }
  return found;
}

void column_rename_end(List* definitions) {
  if (definitions == NIL) return;
  CommandCounterIncrement();
  SPI_connect();
  ListCell* cell = nullptr;
  foreach (cell, definitions) {
    auto* renamed = static_cast<Renamed*>(lfirst(cell));
    Oid types[] = {INT4OID, TEXTOID};
    Datum values[] = {Int32GetDatum(renamed->trend_id), CStringGetTextDatum(canonical_text(renamed->query))};
    as_extension_owner([&] {
      int result = SPI_execute_with_args("UPDATE trending.trend SET definition = $2 WHERE id = $1", 2, types,
                                         values, nullptr, false, 0);
      if (result != SPI_OK_UPDATE) elog(ERROR, "could not update a definition");
    });
    CacheInvalidateRelcacheByRelid(renamed->relation);
  }
  SPI_finish();
}

}  // namespace trending
