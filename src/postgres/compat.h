// SPDX-License-Identifier: PostgreSQL
// Every difference between the server versions we build on (15 to 19), and nothing else.
// Included by postgres/server.h only. Each entry names the upstream change.
#pragma once

#if PG_VERSION_NUM >= 190000
extern "C" {
#include "replication/logicalctl.h"
}
#endif

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

// What our processes and readers wait for, in pg_stat_activity. 17 lets extensions name it (c9af054653077); before
// that all of them are "Extension".
enum class Wait : uint8_t { kLauncher, kMakeWay, kWorker, kCommitVisible, kSlot, kReader, kVerify };
inline uint32 wait_event(Wait wait) {
#if PG_VERSION_NUM >= 170000
  static constexpr const char* kNames[] = {"TrendingLauncherMain",  "TrendingMakeWay",   "TrendingWorkerMain",
                                           "TrendingCommitVisible", "TrendingSlotStart", "TrendingReader",
                                           "TrendingVerify"};
  static uint32 events[lengthof(kNames)];
  uint32& event = events[static_cast<int>(wait)];
  if (event == 0) event = WaitEventExtensionNew(kNames[static_cast<int>(wait)]);
  return event;
#else
  (void)wait;
  return PG_WAIT_EXTENSION;
#endif
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

// 17 added failover and synced to ReplicationSlotCreate (c393308b69d2, 93db6cbda037), 19 repack.
inline void slot_create(const char* name, ReplicationSlotPersistency persistency) {
#if PG_VERSION_NUM >= 190000
  ReplicationSlotCreate(name, true, persistency, false, false, false, false);
#elif PG_VERSION_NUM >= 170000
  ReplicationSlotCreate(name, true, persistency, false, false, false);
#else
  ReplicationSlotCreate(name, true, persistency, false);
#endif
}

// The process that holds a slot whose mutex is held; 0: none. 19 names it by the number of its PGPROC.
inline pid_t slot_holder(const ReplicationSlot* slot) {
#if PG_VERSION_NUM >= 190000
  return slot->active_proc == INVALID_PROC_NUMBER ? 0 : GetPGProcByNumber(slot->active_proc)->pid;
#else
  return slot->active_pid;
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

// 19 raises the effective level of WAL to logical as long as there is a logical slot, if the setting is at
// least replica; before, the setting decides.
#if PG_VERSION_NUM >= 190000
#define TRENDING_WAL_LEVEL "replica"
inline constexpr int kNeededWalLevel = WAL_LEVEL_REPLICA;
#else
#define TRENDING_WAL_LEVEL "logical"
inline constexpr int kNeededWalLevel = WAL_LEVEL_LOGICAL;
#endif

inline bool wal_can_be_logical() {
  return wal_level >= kNeededWalLevel;
}

// 19 tells slots of REPACK from others.
inline void check_decoding_requirements() {
#if PG_VERSION_NUM >= 190000
  CheckLogicalDecodingRequirements(false);
#else
  CheckLogicalDecodingRequirements();
#endif
}

// The context that finds where the slot just made begins. On 19 the level of WAL is raised first.
inline LogicalDecodingContext* init_decoding(const char* plugin, XLogReaderRoutine* routine) {
#if PG_VERSION_NUM >= 190000
  EnsureLogicalDecodingEnabled();
  return CreateInitDecodingContext(plugin, NIL, false, false, InvalidXLogRecPtr, routine, nullptr, nullptr,
                                   nullptr);
#else
  return CreateInitDecodingContext(plugin, NIL, false, InvalidXLogRecPtr, routine, nullptr, nullptr, nullptr);
#endif
}

// 19 renamed RepOriginId and put what a session says of its transaction's origin into one struct.
#if PG_VERSION_NUM >= 190000
using OriginId = ReplOriginId;
inline constexpr OriginId kNoOrigin = InvalidReplOriginId;
#else
using OriginId = RepOriginId;
inline constexpr OriginId kNoOrigin = InvalidRepOriginId;
#endif

inline OriginId& session_origin() {
#if PG_VERSION_NUM >= 190000
  return replorigin_xact_state.origin;
#else
  return replorigin_session_origin;
#endif
}

// 19 left out the name of the union that a decoded transaction's time is in.
inline TimestampTz commit_time(const ReorderBufferTXN* txn) {
#if PG_VERSION_NUM >= 190000
  return txn->commit_time;
#else
  return txn->xact_time.commit_time;
#endif
}

inline void set_commit_time(ReorderBufferTXN* txn, TimestampTz time) {
#if PG_VERSION_NUM >= 190000
  txn->commit_time = time;
#else
  txn->xact_time.commit_time = time;
#endif
}

// 19 keeps the names of lock tranches in shared memory; before, each process is told.
inline int new_tranche(const char* name) {
#if PG_VERSION_NUM >= 190000
  return LWLockNewTrancheId(name);
#else
  (void)name;
  return LWLockNewTrancheId();
#endif
}

inline void name_tranche(int tranche, const char* name) {
#if PG_VERSION_NUM >= 190000
  (void)tranche;
  (void)name;
#else
  LWLockRegisterTranche(tranche, name);
#endif
}

// Releases all LWLocks that this process holds but one, which may be null. 19 does not tell any more which they
// are; its locks on buffers are released with their pins, so the fixed ones are left to look for.
inline void release_locks_except(LWLock* kept) {
#if PG_VERSION_NUM >= 190000
  if (kept == nullptr) {
    LWLockReleaseAll();
    return;
  }
  for (int i = 0; i < NUM_FIXED_LWLOCKS; i++) {
    LWLock* lock = &MainLWLockArray[i].lock;
    if (!LWLockHeldByMe(lock)) continue;
    HOLD_INTERRUPTS();  // which the release undoes
    LWLockRelease(lock);
  }
#else
  struct Locks {
    LWLock* kept;
    LWLock* found;
  };
  for (;;) {
    Locks locks = {kept, nullptr};
    ForEachLWLockHeldByMe(
        [](LWLock* lock, LWLockMode, void* context) {
          auto* seen = static_cast<Locks*>(context);
          if (lock != seen->kept) seen->found = lock;
        },
        &locks);
    if (locks.found == nullptr) return;
    HOLD_INTERRUPTS();  // which the release undoes
    LWLockRelease(locks.found);
  }
#endif
}

// 19 wants to know when a row type that was put together is complete, before its first use.
inline TupleDesc complete(TupleDesc type) {
#if PG_VERSION_NUM >= 190000
  TupleDescFinalize(type);
#endif
  return type;
}

// 19 gave the numbers of system caches a type.
#if PG_VERSION_NUM >= 190000
using SystemCache = SysCacheIdentifier;
#else
using SystemCache = int;
#endif

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

// 16 turned pg_namespace_aclcheck and similar functions into object_aclcheck (c727f511bd7b).
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

// 18 added virtual generated columns (83ea6c54025b). A column that the relation does not have, as those that a
// definition joins to its source, is none.
inline bool is_virtual_column(Oid relation, AttrNumber attribute) {
#if PG_VERSION_NUM >= 180000
  return get_attname(relation, attribute, true) != nullptr &&
         get_attgenerated(relation, attribute) == ATTRIBUTE_GENERATED_VIRTUAL;
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

// 16 wants to know whose plan it is (5d29d525ff02).
inline Node* flatten_join_columns(Query* query, Node* node) {
#if PG_VERSION_NUM >= 160000
  return flatten_join_alias_vars(nullptr, query, node);
#else
  return flatten_join_alias_vars(query, node);
#endif
}

// 16 notes in a column which outer joins make it NULL (2489d76c4906).
inline void clear_nulling(Var* column) {
#if PG_VERSION_NUM >= 160000
  column->varnullingrels = nullptr;
#else
  (void)column;
#endif
}

// Takes that entry, which is the last one, out of a query whose GROUP BY has been taken out.
inline void drop_group_entry(Query* query) {
#if PG_VERSION_NUM >= 180000
  if (!query->hasGroupRTE) return;
  query->rtable = list_truncate(query->rtable, list_length(query->rtable) - 1);
  query->hasGroupRTE = false;
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

// 18 let index scans count what they do (0fbceae841cb), 19 added flags.
inline IndexScanDesc index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 190000
  return index_beginscan(table, index, snapshot, nullptr, keys, 0, SO_NONE);
#elif PG_VERSION_NUM >= 180000
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

// 19 added flags.
inline TableScanDesc table_scan(Relation table, Snapshot snapshot, int keys, ScanKeyData* key) {
#if PG_VERSION_NUM >= 190000
  return table_beginscan(table, snapshot, keys, key, SO_NONE);
#else
  return table_beginscan(table, snapshot, keys, key);
#endif
}

// 16 added only_summarizing (19d8e2308bc5), 19 made flags of it and its like.
inline void insert_index_entries(ResultRelInfo* indexes, TupleTableSlot* row, EState* executor) {
#if PG_VERSION_NUM >= 190000
  ExecInsertIndexTuples(indexes, executor, 0, row, NIL, nullptr);
#elif PG_VERSION_NUM >= 160000
  ExecInsertIndexTuples(indexes, row, executor, false, false, nullptr, NIL, false);
#else
  ExecInsertIndexTuples(indexes, row, executor, false, false, nullptr, NIL);
#endif
}

// 19 takes options.
inline TM_Result delete_row(Relation relation, ItemPointer row, Snapshot snapshot, bool waits) {
  TM_FailureData failure;
#if PG_VERSION_NUM >= 190000
  return table_tuple_delete(relation, row, GetCurrentCommandId(true), 0, snapshot, InvalidSnapshot, waits,
                            &failure);
#else
  return table_tuple_delete(relation, row, GetCurrentCommandId(true), snapshot, InvalidSnapshot, waits,
                            &failure, false);
#endif
}

// 16 tells which indexes an update concerns, not only whether any (19d8e2308bc5), 19 takes options.
// *indexed: some, or all.
inline TM_Result update_row(Relation relation, ItemPointer row, TupleTableSlot* slot, Snapshot snapshot,
                            bool waits, bool* indexed) {
  TM_FailureData failure;
  LockTupleMode lock = LockTupleNoKeyExclusive;
#if PG_VERSION_NUM >= 160000
  TU_UpdateIndexes which = TU_None;
#if PG_VERSION_NUM >= 190000
  TM_Result result = table_tuple_update(relation, row, slot, GetCurrentCommandId(true), 0, snapshot,
                                        InvalidSnapshot, waits, &failure, &lock, &which);
#else
  TM_Result result = table_tuple_update(relation, row, slot, GetCurrentCommandId(true), snapshot,
                                        InvalidSnapshot, waits, &failure, &lock, &which);
#endif
  *indexed = which != TU_None;
  return result;
#else
  return table_tuple_update(relation, row, slot, GetCurrentCommandId(true), snapshot, InvalidSnapshot, waits,
                            &failure, &lock, indexed);
#endif
}

// In the memory context that is current.
inline MinimalTuple form_minimal_tuple(TupleDesc type, const Datum* values, const bool* isnull) {
#if PG_VERSION_NUM >= 190000
  return heap_form_minimal_tuple(type, values, isnull, 0);
#else
  return heap_form_minimal_tuple(type, const_cast<Datum*>(values), const_cast<bool*>(isnull));
#endif
}

}  // namespace trending::compat

// 19 tells signal handlers who sent the signal. What a handler passes on to one of the server's.
#if PG_VERSION_NUM >= 190000
#define TRENDING_SIGNAL postgres_signal_arg, pg_siginfo
#else
#define TRENDING_SIGNAL postgres_signal_arg
#endif
