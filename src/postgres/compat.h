// Every difference between the server versions we build on (15 to 18), and nothing else.
// Included by postgres/server.h only. Each entry names the upstream change.
#pragma once

// LSN_FORMAT_ARGS does not compile as C++ on 15 (AssertVariableIsOfType); this one does everywhere.
#define TRENDING_LSN_ARGS(lsn) static_cast<uint32>((lsn) >> 32), static_cast<uint32>(lsn)

#if PG_VERSION_NUM < 160000
// 16 renamed RelFileNode to RelFileLocator (b0a55e43299c) and renamed its relation member.
using RelFileLocator = RelFileNode;
#endif

namespace trending::compat {

inline const RelFileLocator& relation_file(Relation relation) {
#if PG_VERSION_NUM >= 160000
  return relation->rd_locator;
#else
  return relation->rd_node;
#endif
}

inline const RelFileLocator& changed_file(const ReorderBufferChange* change) {
#if PG_VERSION_NUM >= 160000
  return change->data.tp.rlocator;
#else
  return change->data.tp.relnode;
#endif
}

// The file of a record's first block, which the record must have.
inline RelFileLocator record_file(XLogReaderState* reader) {
  RelFileLocator file = {};
  XLogRecGetBlockTag(reader, 0, &file, nullptr, nullptr);
  return file;
}

inline bool is_same_file(const RelFileLocator& a, const RelFileLocator& b) {
  return memcmp(&a, &b, sizeof(RelFileLocator)) == 0;
}

// 17 dropped ReorderBufferTupleBuf: changes carry a HeapTuple (08e6344fd642).
#if PG_VERSION_NUM >= 170000
inline HeapTuple decoded_tuple(HeapTuple tuple) {
  return tuple;
}
#else
inline HeapTuple decoded_tuple(ReorderBufferTupleBuf* buffer) {
  return buffer == nullptr ? nullptr : &buffer->tuple;
}
#endif

// 17 added failover and synced to ReplicationSlotCreate (c393308b69d2, 93db6cbda037).
inline void slot_create(const char* name, ReplicationSlotPersistency persistency) {
#if PG_VERSION_NUM >= 170000
  ReplicationSlotCreate(name, true, persistency, false, false, false);
#else
  ReplicationSlotCreate(name, true, persistency, false);
#endif
}

// 17 named backends by numbers of their PGPROC (ab355e3a88de).
inline int backend_of(const VirtualTransactionId& id) {
#if PG_VERSION_NUM >= 170000
  return id.procNumber;
#else
  return id.backendId;
#endif
}

// 18 added error_if_invalid to ReplicationSlotAcquire (f41d8468ddea).
inline void slot_acquire(const char* name, bool nowait) {
#if PG_VERSION_NUM >= 180000
  ReplicationSlotAcquire(name, nowait, false);
#else
  ReplicationSlotAcquire(name, nowait);
#endif
}

// The oldest transaction whose commit time may be kept. 17 renamed ShmemVariableCache (b31ba5310b55).
inline TransactionId oldest_commit_time_xid() {
  LWLockAcquire(CommitTsLock, LW_SHARED);
#if PG_VERSION_NUM >= 170000
  TransactionId oldest = TransamVariables->oldestCommitTsXid;
#else
  TransactionId oldest = ShmemVariableCache->oldestCommitTsXid;
#endif
  LWLockRelease(CommitTsLock);
  return oldest;
}

// 19 lets logical decoding switch itself on under wal_level = replica; until then the setting decides.
inline bool wal_is_logical() {
  return wal_level >= WAL_LEVEL_LOGICAL;
}

// 16 replaced data.invalidated_at by data.invalidated (15f8203a5975).
inline bool slot_is_invalidated(const ReplicationSlot* slot) {
#if PG_VERSION_NUM >= 160000
  return slot->data.invalidated != RS_INVAL_NONE;
#else
  return slot->data.invalidated_at != InvalidXLogRecPtr;
#endif
}

// 16 lets get_guc_variables tell the number of settings (3057465acfbe).
inline config_generic** settings_of_server(int* count) {
#if PG_VERSION_NUM >= 160000
  return get_guc_variables(count);
#else
  *count = GetNumConfigOptions();
  return get_guc_variables();
#endif
}

// 16 turned pg_namespace_aclcheck and its kin into object_aclcheck (c727f511bd7b).
inline AclResult schema_aclcheck(Oid schema, Oid role, AclMode mode) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(NamespaceRelationId, schema, role, mode);
#else
  return pg_namespace_aclcheck(schema, role, mode);
#endif
}

inline AclResult function_aclcheck(Oid function, Oid role, AclMode mode) {
#if PG_VERSION_NUM >= 160000
  return object_aclcheck(ProcedureRelationId, function, role, mode);
#else
  return pg_proc_aclcheck(function, role, mode);
#endif
}

inline bool relation_ownercheck(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(RelationRelationId, relation, role);
#else
  return pg_class_ownercheck(relation, role);
#endif
}

inline bool database_ownercheck(Oid database, Oid role) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(DatabaseRelationId, database, role);
#else
  return pg_database_ownercheck(database, role);
#endif
}

// Makes a session look for invalidations, and an idle one go through a transaction for it. 17 gave processes
// numbers of their own (024c52111757).
inline int send_catchup_interrupt(pid_t pid) {
#if PG_VERSION_NUM >= 170000
  return SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, INVALID_PROC_NUMBER);
#else
  return SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, InvalidBackendId);
#endif
}

// have_createdb_privilege is private to the server before 16 (6c3a3ae30f6e).
inline bool may_create_databases(Oid role) {
  HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
  if (!HeapTupleIsValid(tuple)) return false;
  bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcreatedb;
  ReleaseSysCache(tuple);
  return may;
}

// 17 put xid and flush position into LogLogicalMessage (173b56f1ef59).
inline XLogRecPtr log_message(const char* prefix, const char* message, size_t size) {
#if PG_VERSION_NUM >= 170000
  return LogLogicalMessage(prefix, message, size, false, false);
#else
  return LogLogicalMessage(prefix, message, size, false);
#endif
}

// 17 gave estimate_array_length the planner's context and a double result (9391f71523b6).
inline double array_length(PlannerInfo* root, Node* array) {
#if PG_VERSION_NUM >= 170000
  return estimate_array_length(root, array);
#else
  (void)root;
  return estimate_array_length(array);
#endif
}

// 17 added fdw_restrictinfo to create_foreignscan_path (9e9931d2bf40), 18 disabled_nodes (e22253467942).
inline ForeignPath* foreign_scan_path(PlannerInfo* root, RelOptInfo* rel, double rows, Cost startup,
                                      Cost total, List* pathkeys, Relids required_outer, List* fdw_private) {
#if PG_VERSION_NUM >= 180000
  return create_foreignscan_path(root, rel, nullptr, rows, 0, startup, total, pathkeys, required_outer,
                                 nullptr, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
  return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, required_outer, nullptr,
                                 NIL, fdw_private);
#else
  return create_foreignscan_path(root, rel, nullptr, rows, startup, total, pathkeys, required_outer, nullptr,
                                 fdw_private);
#endif
}

// 18 replaced the B-tree strategy number of a PathKey by a comparison type (8123e91f5aeb).
inline bool pathkey_is_descending(const PathKey* key) {
#if PG_VERSION_NUM >= 180000
  return key->pk_cmptype == COMPARE_GT;
#else
  return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

// 17 added infinite intervals (519fc1bd9e9d).
inline bool interval_is_finite(const Interval* interval) {
#if PG_VERSION_NUM >= 170000
  return !INTERVAL_NOT_FINITE(interval);
#else
  (void)interval;
  return true;
#endif
}

// 16 gave tree walkers a real prototype (1c27d16e6e5c); 15 declares their callback without arguments.
inline bool walk_expression(Node* node, bool (*walker)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, walker, context);
#else
  return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)),
                                context);
#endif
}

// The same for mutators.
inline Node* mutate_expression(Node* node, Node* (*mutator)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator(node, mutator, context);
#else
  return expression_tree_mutator(node, reinterpret_cast<Node* (*)()>(reinterpret_cast<void (*)()>(mutator)),
                                 context);
#endif
}

// 18 added virtual generated columns (83ea6c54025b).
inline bool is_virtual_column(Oid relation, AttrNumber attribute) {
#if PG_VERSION_NUM >= 180000
  return get_attgenerated(relation, attribute) == ATTRIBUTE_GENERATED_VIRTUAL;
#else
  (void)relation;
  (void)attribute;
  return false;
#endif
}

#if PG_VERSION_NUM >= 180000
// Gives references to GROUP BY expressions the place of the expression, which the parser leaves out.
inline bool locate_group_references(Node* node, void* context) {
  if (node == nullptr) return false;
  auto* query = static_cast<Query*>(context);
  if (IsA(node, Var)) {
    auto* reference = reinterpret_cast<Var*>(node);
    RangeTblEntry* entry = rt_fetch(reference->varno, query->rtable);
    if (entry->rtekind == RTE_GROUP && reference->location < 0) {
      reference->location =
          exprLocation(static_cast<Node*>(list_nth(entry->groupexprs, reference->varattno - 1)));
    }
  }
  return walk_expression(node, locate_group_references, context);
}
#endif

// 18 puts GROUP BY expressions into a range table entry of their own (247dea89f761); this takes them out
// again.
inline void inline_group_expressions(Query* query) {
#if PG_VERSION_NUM >= 180000
  if (!query->hasGroupRTE) return;
  auto* targets = reinterpret_cast<Node*>(query->targetList);
  walk_expression(targets, locate_group_references, query);
  query->targetList = reinterpret_cast<List*>(flatten_group_exprs(nullptr, query, targets));
  locate_group_references(query->havingQual, query);
  query->havingQual = flatten_group_exprs(nullptr, query, query->havingQual);
#else
  (void)query;
#endif
}

// Before 16 the query of a view's rule began with range table entries for OLD and NEW, which nothing in it
// refers to (1b4d280ea9eb). Without them it is as the analyser left it.
inline void strip_rule_entries(Query* query) {
#if PG_VERSION_NUM < 160000
  if (list_length(query->rtable) < PRS2_NEW_VARNO) return;
  query->rtable = list_copy_tail(query->rtable, PRS2_NEW_VARNO);
  OffsetVarNodes(reinterpret_cast<Node*>(query), -PRS2_NEW_VARNO, 0);
#else
  (void)query;
#endif
}

// 18 let index scans count what they do (0fbceae841cb).
inline IndexScanDesc index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
  return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
  return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// 16 moved permissions out of range table entries (a61b1f74823c). Raises an error if the user lacks rights.
inline void check_query_rights(Query* query) {
#if PG_VERSION_NUM >= 160000
  ExecCheckPermissions(query->rtable, query->rteperminfos, true);
#else
  ExecCheckRTPerms(query->rtable, true);
#endif
}

// 18 compares sort orders by a type of their own (8123e91f5aeb).
inline bool ordering_operator(Oid operator_id, Oid* family, bool* descending) {
  Oid input_type = InvalidOid;
#if PG_VERSION_NUM >= 180000
  CompareType order = COMPARE_INVALID;
  if (!get_ordering_op_properties(operator_id, family, &input_type, &order)) return false;
  *descending = order == COMPARE_GT;
#else
  int16 order = 0;
  if (!get_ordering_op_properties(operator_id, family, &input_type, &order)) return false;
  *descending = order == BTGreaterStrategyNumber;
#endif
  return true;
}

// 16 added only_summarizing (19d8e2308bc5).
inline void insert_index_entries(ResultRelInfo* indexes, TupleTableSlot* row, EState* executor) {
#if PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(indexes, row, executor, false, false, nullptr, NIL, false);
#else
  ExecInsertIndexTuples(indexes, row, executor, false, false, nullptr, NIL);
#endif
}

// 16 tells which indexes an update concerns, not only whether any (19d8e2308bc5). *indexed: some, or all.
inline TM_Result update_row(Relation relation, ItemPointer row, TupleTableSlot* slot, Snapshot snapshot,
                            bool waits, bool* indexed) {
  TM_FailureData failure;
  LockTupleMode lock = LockTupleNoKeyExclusive;
#if PG_VERSION_NUM >= 160000
  TU_UpdateIndexes which = TU_None;
  TM_Result result = table_tuple_update(relation, row, slot, GetCurrentCommandId(true), snapshot,
                                        InvalidSnapshot, waits, &failure, &lock, &which);
  *indexed = which != TU_None;
  return result;
#else
  return table_tuple_update(relation, row, slot, GetCurrentCommandId(true), snapshot, InvalidSnapshot, waits,
                            &failure, &lock, indexed);
#endif
}

}  // namespace trending::compat
