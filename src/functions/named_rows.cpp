// SPDX-License-Identifier: PostgreSQL
#include "functions/named_rows.h"

#include "catalog/history_table.h"
#include "fdw/snapshot.h"
#include "postgres/pinned_path.h"

namespace trending {

NamedRows named_rows_create(const char* name, TupleDesc columns) {
  return {name, columns, tuplestore_begin_heap(false, false, work_mem)};
}

void named_rows_end(const NamedRows& rows) {
  tuplestore_end(rows.rows);
}

void named_rows_register(const NamedRows& rows) {
  auto* named = static_cast<EphemeralNamedRelation>(palloc0(sizeof(EphemeralNamedRelationData)));
  named->md.name = pstrdup(rows.name);
  named->md.reliddesc = InvalidOid;
  named->md.tupdesc = rows.columns;
  named->md.enrtype = ENR_NAMED_TUPLESTORE;
  named->md.enrtuples = static_cast<double>(tuplestore_tuple_count(rows.rows));
  named->reldata = rows.rows;
  if (SPI_register_relation(named) != SPI_OK_REL_REGISTER) elog(ERROR, "could not name rows");
}

void named_rows_visit(const NamedRows& rows, FunctionRef<void(TupleTableSlot*)> visit) {
  TupleTableSlot* slot = MakeSingleTupleTableSlot(rows.columns, &TTSOpsMinimalTuple);
  tuplestore_rescan(rows.rows);
  while (tuplestore_gettupleslot(rows.rows, true, false, slot)) {
    CHECK_FOR_INTERRUPTS();
    visit(slot);
  }
  ExecDropSingleTupleTableSlot(slot);
}

void named_rows_fill(const NamedRows& rows, const char* query) {
  DestReceiver* receiver = CreateDestReceiver(DestTuplestore);
  SetTuplestoreDestReceiverParams(receiver, rows.rows, CurrentMemoryContext, false, nullptr, nullptr);
  SPIExecuteOptions options = {};
  options.dest = receiver;
  if (SPI_execute_extended(query, &options) < 0) elog(ERROR, "could not run a query over a source");
}

// Not those of the foreign table, whose owner may have altered them: what is copied is what the definition says.
TupleDesc trend_row_type(const Definition& definition) {
  TupleDesc type = CreateTemplateTupleDesc(definition.column_count);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    const auto number = static_cast<AttrNumber>(i + 1);
    TupleDescInitEntry(type, number, column.name, column.type, column.typmod, 0);
    if (OidIsValid(column.collation)) TupleDescInitEntryCollation(type, number, column.collation);
  }
  return compat::complete(type);
}

namespace {

Oid collation_of(const Definition& definition, const char* column) {
  for (int i = 0; i < definition.column_count; i++) {
    if (strcmp(definition.columns[i].name, column) == 0) return definition.columns[i].collation;
  }
  return InvalidOid;
}

}  // namespace

TupleDesc history_row_type(const Definition& definition) {
  const TableShape shape = history_shape(definition);
  TupleDesc type = CreateTemplateTupleDesc(shape.count);
  for (int i = 0; i < shape.count; i++) {
    const auto number = static_cast<AttrNumber>(i + 1);
    const OwnedColumn& column = shape.columns[i];
    TupleDescInitEntry(type, number, column.name, column.type, column.typmod, 0);
    const Oid collation = collation_of(definition, column.name);
    if (OidIsValid(collation)) TupleDescInitEntryCollation(type, number, collation);
  }
  return compat::complete(type);
}

void copy_trend(const Definition& definition, const NamedRows& to) {
  MemoryContext context =
      AllocSetContextCreate(CurrentMemoryContext, "trending copy", ALLOCSET_DEFAULT_SIZES);
  MemoryContext row = AllocSetContextCreate(context, "trending row", ALLOCSET_DEFAULT_SIZES);
  const int count = to.columns->natts;
  MemoryContext caller = MemoryContextSwitchTo(context);
  TrendSnapshot* snapshot = snapshot_all(definition, Detail::kRanked, context);
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  MemoryContextSwitchTo(row);
  for (uint64 i = 0; i < snapshot->count; i++) {
    CHECK_FOR_INTERRUPTS();
    snapshot_row(definition, snapshot, i, nullptr, values, nulls);
    tuplestore_putvalues(to.rows, to.columns, values, nulls);
    MemoryContextReset(row);
  }
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(context);
}

void read_history(const Definition& definition, FunctionRef<void(OwnedTable*)> body) {
  const TableShape shape = history_shape(definition);
  char message[kMessageSize] = "";
  const OwnerResult result = with_owned_table(definition.history, shape, message, PassingError::kThrow,
                                              OwnedUse::kRead, [&](OwnedTable* table) { body(table); });
  if (result == OwnerResult::kDone) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("could not read the history of trend \"%s\"", get_rel_name(definition.relation)),
                  errdetail("%s", message)));
}

void copy_history(const Definition& definition, const NamedRows& to, const HistoryRange& range,
                  FunctionRef<bool(const Window&)> wanted) {
  const int count = to.columns->natts;
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * count));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * count));
  read_history(definition, [&](OwnedTable* table) {
    owned_scan(table, kHistoryEnd, range.from, range.to, false, [&](TupleTableSlot* row) {
      for (int i = 0; i < count; i++) values[i] = owned_value(table, row, i, &nulls[i]);
      const bool has_window = !nulls[kHistoryStart] && !nulls[kHistoryEnd];
      if (has_window && wanted({DatumGetInt64(values[kHistoryStart]), DatumGetInt64(values[kHistoryEnd])}))
        tuplestore_putvalues(to.rows, to.columns, values, nulls);
      return true;
    });
  });
}

bool may_read_history(const Definition& definition) {
  const Oid history = definition.history;
  if (pg_class_aclcheck(history, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
      pg_attribute_aclcheck_all(history, GetUserId(), ACL_SELECT, ACLMASK_ALL) != ACLCHECK_OK) {
    return false;
  }
  return check_enable_rls(history, InvalidOid, true) != RLS_ENABLED;
}

void check_history_rights(const Definition& definition) {
  const char* name = get_rel_name(definition.history);
  if (name == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the history table of trend \"%s\" was dropped",
                                                             get_rel_name(definition.relation))));
  }
  if (pg_class_aclcheck(definition.history, GetUserId(), ACL_SELECT) != ACLCHECK_OK) {
    const AclResult result =
        pg_attribute_aclcheck_all(definition.history, GetUserId(), ACL_SELECT, ACLMASK_ALL);
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, name);
  }
  if (check_enable_rls(definition.history, InvalidOid, true) == RLS_ENABLED) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row security of table \"%s\" applies to you", name),
                    errdetail("This reads history by the window, not by its policies."),
                    errhint("Use SELECT, which shows what the policies let you see.")));
  }
}

}  // namespace trending
