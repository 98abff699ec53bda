// SPDX-License-Identifier: PostgreSQL
#include "postgres/owned_table.h"

#include "postgres/owned_check.h"
#include "postgres/settings.h"

namespace trending {

namespace {

constexpr int64 kMicrosBetweenLooks = 100 * 1000;
constexpr int64 kTimeouts = 5;
constexpr int64 kRowUs = 30;

bool time_is_bounded = false;

// -- patience: whatever waits longer than this, say for a lock of the owner's, is cancelled

void patience_renew() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  enable_timeout_after(STATEMENT_TIMEOUT, kPatienceMs);
}

void patience_end() {
  disable_timeout(STATEMENT_TIMEOUT, false);
  QueryCancelPending = false;
}

[[noreturn]] void raise_slow(const OwnedTable* table) {
  ereport(ERROR, (errcode(ERRCODE_QUERY_CANCELED),
                  errmsg("rows of \"%s\" take too long: it has %d indexes and others need the worker",
                         RelationGetRelationName(table->relation), table->indexes->ri_NumIndices),
                  errhint("Drop indexes, or have a smaller history (history_limit, HAVING).")));
}

// What goes on is not waited for too long, however large its rows are.
void count_row(OwnedTable* table) {
  CHECK_FOR_INTERRUPTS();
  if (table->is_patient) return;
  table->rows++;
  const TimestampTz now = GetCurrentTimestamp();
  if (now - table->looked < kMicrosBetweenLooks) return;
  table->looked = now;
  patience_renew();
  const int64 bound = kTimeouts * settings.row_timeout_ms * 1000 + kRowUs * table->rows;
  if (time_is_bounded && settings.row_timeout_ms > 0 && now - table->began > bound) raise_slow(table);
}

// -- errors

// What the owner attached to the table, and can take away: an object that was refused, a unique index.
bool is_for_the_owner(int sqlstate) {
  const int category = ERRCODE_TO_CATEGORY(sqlstate);
  return sqlstate == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
         category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION || category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

[[noreturn]] void raise_locked(const char* name) {
  ereport(ERROR, (errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("\"%s\" is locked by somebody else", name)));
}

[[noreturn]] void raise_changed(const OwnedTable* table) {
  ereport(ERROR,
          (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
           errmsg("a row of \"%s\" was changed by somebody else", RelationGetRelationName(table->relation))));
}

// Whether a row was changed as it should be.
bool is_done(const OwnedTable* table, TM_Result result, RowLock lock) {
  switch (result) {
    case TM_Ok:
      return true;
    case TM_SelfModified:
    case TM_Invisible:
    case TM_Deleted:
      return false;
    case TM_BeingModified:
    case TM_WouldBlock:
      if (lock == RowLock::kSkip) return false;
      raise_locked(RelationGetRelationName(table->relation));
    case TM_Updated:
      if (lock == RowLock::kSkip) return false;
      raise_changed(table);
  }
  return false;
}

// -- opening

LOCKMODE lock_of(OwnedUse use) {
  return use == OwnedUse::kRead ? AccessShareLock : RowExclusiveLock;
}

Relation open_relation(Oid relation, OwnedUse use, PassingError passing) {
  if (passing == PassingError::kThrow) {
    LockRelationOid(relation, lock_of(use));
  } else if (!ConditionalLockRelationOid(relation, lock_of(use))) {
    const char* name = get_rel_name(relation);
    raise_locked(name == nullptr ? "the table" : name);
  }
  Relation opened = try_relation_open(relation, NoLock);
  if (opened == nullptr) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the table was dropped")));
  return opened;
}

// Not by ExecOpenIndices(), which would evaluate what nobody has looked at yet, and would open an index that
// came since.
void open_indexes(OwnedTable* table, OwnedUse use) {
  Relation relation = table->relation;
  List* list = RelationGetIndexList(relation);
  const int count = list_length(list);
  table->indexes = makeNode(ResultRelInfo);
  InitResultRelInfo(table->indexes, relation, 0, nullptr, 0);
  table->indexes->ri_IndexRelationDescs = static_cast<RelationPtr>(palloc(sizeof(Relation) * (count + 1)));
  table->indexes->ri_IndexRelationInfo = static_cast<IndexInfo**>(palloc(sizeof(IndexInfo*) * (count + 1)));
  for (int i = 0; i < count; i++) {
    Relation index = index_open(list_nth_oid(list, i), lock_of(use));
    const char* wrong = owned_index_trouble(index);
    if (wrong != nullptr && use == OwnedUse::kRead) {
      index_close(index, NoLock);
      continue;
    }
    if (wrong != nullptr) owned_refuse_index(relation, index, wrong);
    const int place = table->indexes->ri_NumIndices++;
    table->indexes->ri_IndexRelationDescs[place] = index;
    table->indexes->ri_IndexRelationInfo[place] = use == OwnedUse::kRead ? nullptr : BuildIndexInfo(index);
  }
}

// -- scanning

bool is_complete(Relation index) {
  const Form_pg_index form = index->rd_index;
  if (!form->indisvalid || !form->indisready) return false;
  return !form->indcheckxmin ||
         TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), TransactionXmin);
}

// A B-tree that begins with a column, ascending; null: there is none.
Relation index_to(const OwnedTable* table, AttrNumber attribute, Oid type) {
  const Oid family = get_opclass_family(GetDefaultOpClass(type, BTREE_AM_OID));
  for (int i = 0; i < table->indexes->ri_NumIndices; i++) {
    Relation index = table->indexes->ri_IndexRelationDescs[i];
    if (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indkey.values[0] == attribute &&
        index->rd_opfamily[0] == family && index->rd_indoption[0] == 0 && is_complete(index)) {
      return index;
    }
  }
  return nullptr;
}

void range_keys(ScanKeyData* keys, AttrNumber attribute, Oid type, int64 from, int64 to) {
  const bool zoned = type == TIMESTAMPTZOID;
  ScanKeyInit(&keys[0], attribute, BTGreaterEqualStrategyNumber, zoned ? F_TIMESTAMPTZ_GE : F_TIMESTAMP_GE,
              Int64GetDatum(from));
  ScanKeyInit(&keys[1], attribute, BTLessEqualStrategyNumber, zoned ? F_TIMESTAMPTZ_LE : F_TIMESTAMP_LE,
              Int64GetDatum(to));
}

void scan_index(OwnedTable* table, Relation index, ScanKeyData* keys, bool backwards, TupleTableSlot* row,
                FunctionRef<bool(TupleTableSlot*)> visit) {
  IndexScanDesc scan = compat::index_scan(table->relation, index, GetActiveSnapshot(), 2);
  index_rescan(scan, keys, 2, nullptr, 0);
  const ScanDirection direction = backwards ? BackwardScanDirection : ForwardScanDirection;
  while (index_getnext_slot(scan, direction, row)) {
    count_row(table);
    if (!visit(row)) break;
  }
  index_endscan(scan);
}

void scan_table(OwnedTable* table, ScanKeyData* keys, TupleTableSlot* row,
                FunctionRef<bool(TupleTableSlot*)> visit) {
  TableScanDesc scan = compat::table_scan(table->relation, GetActiveSnapshot(), 2, keys);
  while (table_scan_getnextslot(scan, ForwardScanDirection, row)) {
    count_row(table);
    if (!visit(row)) break;
  }
  table_endscan(scan);
}

void write_index_entries(OwnedTable* table) {
  if (table->indexes->ri_NumIndices > 0)
    compat::insert_index_entries(table->indexes, table->row, table->executor);
  ResetPerTupleExprContext(table->executor);
}

}  // namespace

void owned_bound_time(bool is_bounded) {
  time_is_bounded = is_bounded;
}

bool passes_by_itself(int sqlstate) {
  const int category = ERRCODE_TO_CATEGORY(sqlstate);
  return category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_TRANSACTION_ROLLBACK ||
         category == ERRCODE_OPERATOR_INTERVENTION || sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
}

void owned_scan(OwnedTable* table, int column, int64 from, int64 to, bool backwards,
                FunctionRef<bool(TupleTableSlot*)> visit) {
  const AttrNumber attribute = table->attributes[column];
  const Oid type = table->shape->columns[column].type;
  // What was written before is seen, what the visitor writes is not.
  CommandCounterIncrement();
  PushCopiedSnapshot(GetTransactionSnapshot());
  UpdateActiveSnapshotCommandId();
  TupleTableSlot* row = table_slot_create(table->relation, nullptr);
  Relation index = index_to(table, attribute, type);
  table->in_order = index != nullptr;
  ScanKeyData keys[2];
  range_keys(keys, index != nullptr ? AttrNumber{1} : attribute, type, from, to);
  if (index != nullptr) {
    scan_index(table, index, keys, backwards, row, visit);
  } else {
    scan_table(table, keys, row, visit);
  }
  ExecDropSingleTupleTableSlot(row);
  PopActiveSnapshot();
}

Datum owned_value(const OwnedTable* table, TupleTableSlot* row, int column, bool* isnull) {
  return slot_getattr(row, table->attributes[column], isnull);
}

void owned_insert(OwnedTable* table, const Datum* values, const bool* nulls) {
  count_row(table);
  TupleTableSlot* row = ExecClearTuple(table->row);
  TupleDesc columns = RelationGetDescr(table->relation);
  memset(row->tts_isnull, true, sizeof(bool) * columns->natts);
  for (int i = 0; i < table->shape->count; i++) {
    const AttrNumber attribute = table->attributes[i];
    if (nulls[i] && TupleDescAttr(columns, attribute - 1)->attnotnull) {
      ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
                      errmsg("column \"%s\" of \"%s\" is NOT NULL", table->shape->columns[i].name,
                             RelationGetRelationName(table->relation))));
    }
    row->tts_isnull[attribute - 1] = nulls[i];
    row->tts_values[attribute - 1] = values[i];
  }
  ExecStoreVirtualTuple(row);
  table_tuple_insert(table->relation, row, GetCurrentCommandId(true), 0, nullptr);
  write_index_entries(table);
}

bool owned_delete(OwnedTable* table, TupleTableSlot* row, RowLock lock) {
  const bool waits = lock == RowLock::kFail && table->is_patient;
  const TM_Result result = compat::delete_row(table->relation, &row->tts_tid, GetActiveSnapshot(), waits);
  return is_done(table, result, lock);
}

void owned_set(OwnedTable* table, TupleTableSlot* row, int column, Datum value) {
  slot_getallattrs(row);
  TupleTableSlot* changed = ExecClearTuple(table->row);
  const int count = RelationGetDescr(table->relation)->natts;
  memcpy(changed->tts_values, row->tts_values, sizeof(Datum) * count);
  memcpy(changed->tts_isnull, row->tts_isnull, sizeof(bool) * count);
  changed->tts_values[table->attributes[column] - 1] = value;
  changed->tts_isnull[table->attributes[column] - 1] = false;
  ExecStoreVirtualTuple(changed);
  bool indexed = false;
  const TM_Result result = compat::update_row(table->relation, &row->tts_tid, changed, GetActiveSnapshot(),
                                              table->is_patient, &indexed);
  if (is_done(table, result, RowLock::kFail) && indexed) write_index_entries(table);
}

OwnedTable* owned_begin(Oid relation, const TableShape& shape, OwnedSession* session) {
  if (session->passing == PassingError::kReport) patience_renew();
  auto* table = static_cast<OwnedTable*>(palloc0(sizeof(OwnedTable)));
  table->shape = &shape;
  table->is_patient = session->passing == PassingError::kThrow;
  table->began = table->looked = GetCurrentTimestamp();
  table->relation = open_relation(relation, session->use, session->passing);
  session->settings = NewGUCNestLevel();
  SetUserIdAndSecContext(table->relation->rd_rel->relowner,
                         session->security | SECURITY_RESTRICTED_OPERATION);
  (void)set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
                          true, 0, false);
  owned_check_kind(table->relation);
  if (session->use == OwnedUse::kWrite) owned_check_table(table->relation);
  table->attributes =
      owned_check_columns(table->relation, shape, session->use == OwnedUse::kWrite || table->is_patient);
  open_indexes(table, session->use);
  table->executor = CreateExecutorState();
  table->row = MakeSingleTupleTableSlot(RelationGetDescr(table->relation), &TTSOpsVirtual);
  return table;
}

void owned_end(OwnedTable* table, OwnedSession* session) {
  ExecDropSingleTupleTableSlot(table->row);
  FreeExecutorState(table->executor);
  for (int i = 0; i < table->indexes->ri_NumIndices; i++) {
    index_close(table->indexes->ri_IndexRelationDescs[i], NoLock);
  }
  if (!table->is_patient) patience_end();
  relation_close(table->relation, NoLock);
  AtEOXact_GUC(true, session->settings);
  SetUserIdAndSecContext(session->user, session->security);
  ReleaseCurrentSubTransaction();
}

OwnerResult owned_abort(const OwnedSession& session, char* message, size_t size) {
  MemoryContextSwitchTo(session.memory);
  if (session.passing == PassingError::kReport) patience_end();
  ErrorData* error = CopyErrorData();
  FlushErrorState();
  RollbackAndReleaseCurrentSubTransaction();
  SetUserIdAndSecContext(session.user, session.security);
  MemoryContextSwitchTo(session.memory);
  const bool passes = passes_by_itself(error->sqlerrcode);
  if (ProcDiePending || (passes && session.passing == PassingError::kThrow)) ReThrowError(error);
  if (error->hint != nullptr) {
    snprintf(message, size, "%s. %s", error->message, error->hint);
  } else {
    strlcpy(message, error->message, size);
  }
  // What cannot be read for the owner's reasons is not waited for: a trend is filled without it.
  const bool waits = passes || (session.use == OwnedUse::kWrite && is_for_the_owner(error->sqlerrcode));
  FreeErrorData(error);
  return waits ? OwnerResult::kPassing : OwnerResult::kFailed;
}

}  // namespace trending
