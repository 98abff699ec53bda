// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/source_changes.h"

#include <algorithm>
#include <cstddef>

#include "bgworker/intake/dimension_changes.h"
#include "bgworker/intake/source_map.h"
#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "definition/clauses/source_check.h"

namespace trending {

namespace {

// More invalidated relations in one transaction than this are taken as "all".
constexpr size_t kMaxInvalidated = 1024;

// Of the transaction that is being decoded. Never destroyed.
struct Gathered {
  TransactionId xid = InvalidTransactionId;
  bool active = false;
  bool all = false;
  std::vector<Oid> relations;
  std::vector<TransactionId> xids;  // its own and those of its subtransactions
};
Gathered& gathered = *new Gathered();

// Whether windows that can still change may have counted rows of a table.
bool matters(const FollowedTrend* trend, const SourceTable& table) {
  if (trend->state != FillState::kRunning || !trend->tables->latest_known) return true;
  return table.latest != kNoTime && table.latest >= trend->writer.concerned_from();
}

// The tables that hold a source's rows, by the catalogs of the position. A partition that is being detached
// concurrently is left out, as it is for queries that begin now.
List* tables_of(Oid source) {
  if (get_rel_relkind(source) != RELKIND_PARTITIONED_TABLE) return list_make1_oid(source);
  List* tables = NIL;
  List* descendants = find_all_inheritors(source, NoLock, nullptr);
  ListCell* cell = nullptr;
  foreach (cell, descendants) {
    Oid table = lfirst_oid(cell);
    if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE) continue;
    if (list_member_oid(get_partition_ancestors(table), source)) tables = lappend_oid(tables, table);
  }
  return tables;
}

// The file of a table, by the catalogs of the position.
Oid file_of(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return InvalidOid;
  Oid file = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relfilenode;
  ReleaseSysCache(tuple);
  return file;
}

void note_file(SourceTable* table, Oid file) {
  if (OidIsValid(table->filenode)) return;
  table->filenode = file;
  table->seen_by = gathered.xid;
}

bool is_own_xid(TransactionId xid) {
  return std::find(gathered.xids.begin(), gathered.xids.end(), xid) != gathered.xids.end();
}

void gather_xids(ReorderBufferTXN* txn) {
  gathered.xids.assign(1, txn->xid);
  // dlist_foreach does not compile as C++.
  const dlist_node* head = &txn->subtxns.head;
  for (const dlist_node* node = head->next; node != nullptr && node != head; node = node->next) {
    const char* start = reinterpret_cast<const char*>(node) - offsetof(ReorderBufferTXN, node);
    gathered.xids.push_back(reinterpret_cast<const ReorderBufferTXN*>(start)->xid);
  }
}

// Whether the transaction made or altered a column. Its catalog row then carries the transaction's number.
bool column_is_new(Oid relation, AttrNumber attribute) {
  HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(attribute));
  if (!HeapTupleIsValid(tuple)) return false;
  bool is_new = is_own_xid(HeapTupleHeaderGetRawXmin(tuple->t_data));
  ReleaseSysCache(tuple);
  return is_new;
}

// Whether the table was unlogged for a while within the transaction, so that changes of its rows in between
// are not in the WAL; copying it when it is made permanent again is no logical change. The versions of its
// catalog row tell: those that the transaction made and replaced again stay until the slot's xmin has passed
// it.
bool was_unlogged(Oid table) {
  ScanKeyData key;
  ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
  Relation catalog = table_open(RelationRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, ClassOidIndexId, true, SnapshotAny, 1, &key);
  bool found = false;
  for (HeapTuple tuple = nullptr; !found && HeapTupleIsValid(tuple = systable_getnext(scan));) {
    const auto* row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    found = row->relpersistence != RELPERSISTENCE_PERMANENT &&
            is_own_xid(HeapTupleHeaderGetRawXmin(tuple->t_data));
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

// Whether a partition that came was made by the transaction that attached it, and all that was written to it
// since was decoded as the source's. Otherwise it may hold rows that were never met.
bool was_made_empty(Oid table, const ReorderBufferTXN* txn) {
  if (!column_is_new(table, SelfItemPointerAttributeNumber) || was_unlogged(table)) return false;
  for (const FollowedTrend* trend : worker->trends) {
    if (trend != nullptr && trend->source == table) return false;
  }
  return !source_map_left_out(table, txn->xid);
}

// Brings `tables` up to date with the catalogs of the position. What changed is noted in the trend.
void compare_tables(FollowedTrend* trend, List* present, const ReorderBufferTXN* txn) {
  bool known = trend->tables->known;
  bool changed = false;
  trend->tables->known = true;
  ListCell* cell = nullptr;
  foreach (cell, present) {
    SourceTable& table = trend->tables->all[lfirst_oid(cell)];
    if (table.listed) {
      // It was none of the source's for a while within the transaction.
      if (source_map_left_out(lfirst_oid(cell), txn->xid))
        trend_ask_to_fill(trend, "A partition of its source was changed while it was detached.");
      continue;
    }
    table.listed = true;
    changed = true;
    if (!known) continue;
    table.joined_by = txn->xid;
    if (!was_made_empty(lfirst_oid(cell), txn)) trend->tables->arrived.push_back(lfirst_oid(cell));
  }
  for (auto table = trend->tables->all.begin(); table != trend->tables->all.end();) {
    if (list_member_oid(present, table->first)) {
      ++table;
      continue;
    }
    if (table->second.listed) {
      // Transactions that wrote to it and have not ended yet must be waited for as well.
      trend->tables->departed.push_back(table->first);
      if (matters(trend, table->second)) {
        trend_ask_to_fill(trend, "A partition left its source, with rows that it has counted.");
      }
    }
    changed = true;
    table = trend->tables->all.erase(table);
  }
  // What it was made of before is not known: as if all had changed.
  if (!known && get_rel_relkind(trend->source) == RELKIND_PARTITIONED_TABLE) {
    trend_ask_to_fill(trend, "Its source changed, and which partitions it had before is not known.");
  }
  if (changed) source_map_forget();
}

// ALTER TABLE may rewrite a table, which is not decoded: what matters is whether it computed columns again
// that the trend reads, or brought along what was written while the table was unlogged. VACUUM FULL, CLUSTER
// and changes of other columns leave the rows alone.
bool rewritten_anew(FollowedTrend* trend, Relation relation, const RowMapping* mapping,
                    const ReorderBufferTXN* txn) {
  SourceTable& table = trend->tables->all[RelationGetRelid(relation)];
  Oid before = table.filenode;
  table.filenode = relation->rd_rel->relfilenode;
  if (before == table.filenode && table.seen_by != txn->xid) return false;
  if (table.joined_by == txn->xid) return false;  // looked at as a whole
  for (int i = 0; i < trend->definition->source_column_count; i++) {
    if (column_is_new(RelationGetRelid(relation), mapping->attributes[i])) return true;
  }
  return was_unlogged(RelationGetRelid(relation));
}

void check_table(FollowedTrend* trend, Relation relation, const ReorderBufferTXN* txn) {
  char reason[kMessageSize];
  if (relation->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT) {
    snprintf(reason, sizeof(reason), "\"%s\" is unlogged now: its changes are not in the write-ahead log",
             RelationGetRelationName(relation));
    trend_stop(trend, reason);
    return;
  }
  RowMapping* mapping = row_mapping_create(trend->definition, relation, reason, sizeof(reason));
  if (mapping == nullptr) {
    trend_stop(trend, reason);
  } else if (rewritten_anew(trend, relation, mapping, txn)) {
    trend_ask_to_fill(trend, "A table of its source was rewritten.");
  }
}

bool was_invalidated(Oid relation) {
  return gathered.all || std::find(gathered.relations.begin(), gathered.relations.end(), relation) !=
                             gathered.relations.end();
}

void inspect(FollowedTrend* trend, const ReorderBufferTXN* txn) {
  if (trend->state == FillState::kStopped) {
    trend_ask_to_fill(trend, nullptr);  // perhaps the reason is gone
    return;
  }
  if (trend->definition == nullptr) return;  // still to be loaded
  trend->tables->recheck = true;
  worker->recheck_wanted = true;
  List* tables = tables_of(trend->source);
  compare_tables(trend, tables, txn);
  if (trend->joined != nullptr) dimensions_compare_tables(trend);
  ListCell* cell = nullptr;
  foreach (cell, tables) {
    if (!was_invalidated(lfirst_oid(cell)) || trend->state == FillState::kStopped) continue;
    Relation relation = RelationIdGetRelation(lfirst_oid(cell));
    if (relation == nullptr) continue;  // dropped
    check_table(trend, relation, txn);
    RelationClose(relation);
  }
}

// Whether an invalidated relation is the trend's source, a part of it, or was one; or holds its definition.
bool concerns(const FollowedTrend* trend, Oid relation, List* ancestors) {
  return trend->source == relation || trend->view == relation || list_member_oid(ancestors, trend->source) ||
         trend->tables->all.count(relation) > 0 ||
         (trend->joined != nullptr && is_dimension(*trend->joined, relation, ancestors));
}

}  // namespace

void sources_begin(TransactionId xid) {
  gathered.xid = xid;
  gathered.active = true;
  gathered.all = false;
  gathered.relations.clear();
}

void source_invalidated(Oid relation) {
  if (!gathered.active || gathered.all) return;
  if (!OidIsValid(relation) || gathered.relations.size() >= kMaxInvalidated) {
    gathered.all = true;
  } else if (gathered.relations.empty() || gathered.relations.back() != relation) {
    gathered.relations.push_back(relation);
  }
}

void source_functions_changed() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    if (trend->state == FillState::kStopped && trend->trouble.unfit)
      trend_ask_to_fill(trend, nullptr);  // perhaps it fits now
    if (trend->definition == nullptr) continue;
    const Definition& definition = *trend->definition;
    for (int i = 0; i < definition.aggregate_count; i++) {
      if (definition.aggregates[i].combined == nullptr) continue;
      trend->tables->recheck = true;
      worker->recheck_wanted = true;
    }
  }
}

void sources_commit(ReorderBufferTXN* txn) {
  gathered.active = false;
  if (!rbtxn_has_catalog_changes(txn) || (!gathered.all && gathered.relations.empty())) return;
  gather_xids(txn);
  MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending source changes", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(memory);
  List* concerned = NIL;
  for (FollowedTrend* trend : worker->trends) {
    // What keeps a definition from fitting may go without touching the source: an inheritance child, say.
    bool may_fit_again = trend != nullptr && trend->state == FillState::kStopped && trend->trouble.unfit;
    if (trend != nullptr && (gathered.all || may_fit_again))
      concerned = list_append_unique_ptr(concerned, trend);
  }
  for (size_t i = 0; i < gathered.relations.size() && !gathered.all; i++) {
    Oid relation = gathered.relations[i];
    List* ancestors = get_rel_relispartition(relation) ? get_partition_ancestors(relation) : NIL;
    for (FollowedTrend* trend : worker->trends) {
      if (trend != nullptr && concerns(trend, relation, ancestors))
        concerned = list_append_unique_ptr(concerned, trend);
    }
  }
  ListCell* cell = nullptr;
  foreach (cell, concerned) inspect(static_cast<FollowedTrend*>(lfirst(cell)), txn);
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(memory);
}

void source_truncated(FollowedTrend* trend, Oid relation) {
  auto table = trend->tables->all.find(relation);
  if (table == trend->tables->all.end() || matters(trend, table->second)) {
    trend_ask_to_fill(trend, "A table of its source was truncated.");
  }
}

SourceTable* source_table(FollowedTrend* trend, Relation relation) {
  SourceTable& table = trend->tables->all[RelationGetRelid(relation)];
  note_file(&table, relation->rd_rel->relfilenode);
  return &table;
}

void source_learn(FollowedTrend* trend) {
  if (trend->tables->known || trend->definition == nullptr) return;
  trend->tables->known = true;
  List* tables = tables_of(trend->source);
  ListCell* cell = nullptr;
  foreach (cell, tables) {
    SourceTable& table = trend->tables->all[lfirst_oid(cell)];
    table.listed = true;
    note_file(&table, file_of(lfirst_oid(cell)));
  }
  list_free(tables);
}

void source_note_files(FollowedTrend* trend) {
  // What the source consists of now is what is about to be read. Whatever made it so and is decoded later
  // changes nothing.
  List* tables = tables_of(trend->source);
  for (auto& [oid, table] : trend->tables->all) table.listed = list_member_oid(tables, oid);
  ListCell* cell = nullptr;
  foreach (cell, tables) {
    SourceTable& table = trend->tables->all[lfirst_oid(cell)];
    table.listed = true;
    table.filenode = file_of(lfirst_oid(cell));
    table.seen_by = InvalidTransactionId;
  }
  trend->tables->known = true;
  list_free(tables);
}

void source_check_rights(FollowedTrend* trend) {
  const char* lost = source_rights_lost(*trend->definition);
  if (lost != nullptr && trend->state != FillState::kStopped) {
    trend_stop(trend, lost);
    trend->trouble.rights_lost = true;
  } else if (lost == nullptr && trend->trouble.rights_lost) {
    trend_ask_to_fill(trend, "Its owner may read the source again.");
  }
}

void sources_check_rights() {
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr || trend->definition == nullptr) continue;
    if (trend->state == FillState::kStopped && !trend->trouble.rights_lost) continue;
    source_check_rights(trend);
  }
}

}  // namespace trending
