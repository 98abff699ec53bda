// SPDX-License-Identifier: PostgreSQL
// Rows of tables: scans, writes, tuples. See compat.h.
#pragma once

namespace trending::compat {

// 19 wants to know when a row type that was put together is complete, before its first use.
inline TupleDesc complete(TupleDesc type) {
#if PG_VERSION_NUM >= 190000
  TupleDescFinalize(type);
#endif
  return type;
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

// In the memory context that is current. 18 lets room be left before the tuple.
inline MinimalTuple form_minimal_tuple(TupleDesc type, const Datum* values, const bool* isnull) {
#if PG_VERSION_NUM >= 180000
  return heap_form_minimal_tuple(type, values, isnull, 0);
#else
  return heap_form_minimal_tuple(type, const_cast<Datum*>(values), const_cast<bool*>(isnull));
#endif
}

}  // namespace trending::compat
