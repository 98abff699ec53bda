// SPDX-License-Identifier: PostgreSQL
// Registered trends: reading trending.trend, and the cache of definitions that readers use.
//
// The table is read directly under the newest snapshot, as the server reads its own catalogs: what counts is
// what is committed, and readers of a trend need no rights on the table. It has a row per trend, so it is
// simply scanned.
#include "catalog/definition_catalog.h"

#include "catalog/definition_view.h"
#include "definition/definition.h"
#include "definition/partition_by.h"
#include "postgres/relation_owner.h"

namespace trending {

namespace {

struct Row {
  Datum values[kTrendColumnCount + 1];
  bool isnull[kTrendColumnCount + 1];

  Datum value(TrendColumn column) const { return values[column - 1]; }
  bool is_null(TrendColumn column) const { return isnull[column - 1]; }
};

Oid relation_of(const Row& row) {
  return DatumGetObjectId(row.value(kTrendRelation));
}

OptionValues option_values(const Row& row) {
  OptionValues values;
  for (int i = 0; i < kTrendOptionCount; i++) {
    const TrendColumn column = option_table[i].column;
    values.list[i] = {row.value(column), row.is_null(column)};
  }
  return values;
}

// The tables that belong to a trend: that of history where its options ask for one, that of late rows where
// there is one, since some may wait for it. One that is not written any more is kept.
void read_tables(const Row& row, const DefinitionOptions& options, Oid* history, Oid* late) {
  bool keeps_history = options.history_limit != 0 && !row.is_null(kTrendHistory);
  *history = keeps_history ? DatumGetObjectId(row.value(kTrendHistory)) : InvalidOid;
  *late = row.is_null(kTrendLate) ? InvalidOid : DatumGetObjectId(row.value(kTrendLate));
}

// The definition that a row's view holds, if it is the one that was checked. It may fit the source no longer.
Definition* load_row(const Row& row) {
  const int32 id = DatumGetInt32(row.value(kTrendId));
  Oid relation = relation_of(row);
  Oid source = DatumGetObjectId(row.value(kTrendSource));
  Oid view = DatumGetObjectId(row.value(kTrendDefinition));
  const char* trend = get_rel_name(relation);
  if (get_rel_name(source) == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the source of trend \"%s\" was dropped", trend),
                    errhint("Drop the trend, or create it again on another table.")));
  }
  Definition* definition = definition_of_view(view, trend, false);
  definition_compare_checked(id, trend, definition->rule);
  definition->id = id;
  definition->relation = relation;
  definition->owner = relation_owner(relation);
  if (!row.is_null(kTrendAlerts)) definition->alerts = DatumGetObjectId(row.value(kTrendAlerts));
  if (!row.is_null(kTrendLabel)) definition->label = TextDatumGetCString(row.value(kTrendLabel));
  definition->options = definition_options(option_values(row));
  read_tables(row, definition->options, &definition->history, &definition->late);
  if (!row.is_null(kTrendPartitionBy))
    partition_by_set(definition, DatumGetArrayTypeP(row.value(kTrendPartitionBy)));
  return definition;
}

// The one row whose `column` equals `value`. False if there is none, or its foreign table is gone (dropped
// while event triggers were switched off). The row's values are palloc'd.
bool find_row(TrendColumn column, RegProcedure equal, Datum value, Row* row) {
  Oid table = trend_table();
  if (!OidIsValid(table)) return false;
  Relation catalog = table_open(table, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, column, BTEqualStrategyNumber, equal, value);
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 1, &key);
  HeapTuple tuple = systable_getnext(scan);
  bool found = HeapTupleIsValid(tuple);
  if (found) {
    // Flattened while the scan's snapshot protects the out-of-line values.
    HeapTuple flat = toast_flatten_tuple(tuple, RelationGetDescr(catalog));
    heap_deform_tuple(flat, RelationGetDescr(catalog), row->values, row->isnull);
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found && get_rel_name(relation_of(*row)) != nullptr;
}

Definition* load_by(TrendColumn column, RegProcedure equal, Datum value) {
  Row row;
  if (!find_row(column, equal, value, &row)) return nullptr;
  // What is being done to the source ends first.
  LockRelationOid(DatumGetObjectId(row.value(kTrendSource)), AccessShareLock);
  return find_row(column, equal, value, &row) ? load_row(row) : nullptr;
}

int compare_ids(const ListCell* left, const ListCell* right) {
  return lfirst_int(left) - lfirst_int(right);
}

// The cache. Invalidation only marks entries (definitions may be in use); a replaced definition is freed when
// its transaction is over.
struct CacheEntry {
  Oid relation;  // hash key, first
  bool stale;
  Oid source;
  Oid view;
  MemoryContext memory;  // NULL: nothing loaded
  Definition* definition;
};

HTAB* cache = nullptr;
uint64 invalidations = 0;
MemoryContext retired = nullptr;  // parent of replaced definitions

void invalidate(Datum, Oid relation) {
  invalidations++;
  HASH_SEQ_STATUS status;
  hash_seq_init(&status, cache);
  while (auto* entry = static_cast<CacheEntry*>(hash_seq_search(&status))) {
    if (!OidIsValid(relation) || relation == entry->relation || relation == entry->source ||
        relation == entry->view)
      entry->stale = true;
  }
}

// An aggregate or a function of it may have been replaced.
void invalidate_functions(Datum, compat::SystemCache, uint32) {
  invalidate(Datum{0}, InvalidOid);
}

void free_retired(XactEvent event, void*) {
  bool over = event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE ||
              event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT;
  if (over) MemoryContextDeleteChildren(retired);
}

void create_cache() {
  retired = AllocSetContextCreate(CacheMemoryContext, "trending retired definitions", ALLOCSET_SMALL_SIZES);
  HASHCTL control = {};
  control.keysize = sizeof(Oid);
  control.entrysize = sizeof(CacheEntry);
  cache = hash_create("trending definitions", 16, &control, HASH_ELEM | HASH_BLOBS);
  CacheRegisterRelcacheCallback(invalidate, Datum{0});
  CacheRegisterSyscacheCallback(PROCOID, invalidate_functions, Datum{0});
  CacheRegisterSyscacheCallback(AGGFNOID, invalidate_functions, Datum{0});
  RegisterXactCallback(free_retired, nullptr);
}

void retire(CacheEntry* entry) {
  if (entry->memory != nullptr) MemoryContextSetParent(entry->memory, retired);
  entry->memory = nullptr;
  entry->definition = nullptr;
}

// Reads a definition for a reader, who need not have rights on the schema of the source: names are looked up
// with the rights of the trend's owner. An error restores the caller's identity.
Definition* load_for_reader(Oid relation) {
  Oid owner = relation_owner(relation);
  if (!OidIsValid(owner)) return nullptr;
  Oid caller = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&caller, &context);
  SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
  Definition* definition = definition_load_relation(relation);
  SetUserIdAndSecContext(caller, context);
  return definition;
}

// Loads in a context of the caller's, which an error frees; only success makes it the cache's.
const Definition* fill(Oid relation) {
  MemoryContext memory =
      AllocSetContextCreate(CurrentMemoryContext, "trending definition", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(memory);
  uint64 before = invalidations;
  Definition* definition = load_for_reader(relation);
  MemoryContextSwitchTo(caller);

  bool found = false;
  auto* entry = static_cast<CacheEntry*>(hash_search(cache, &relation, HASH_ENTER, &found));
  if (!found) entry->memory = nullptr;
  retire(entry);
  if (definition == nullptr) {
    hash_search(cache, &relation, HASH_REMOVE, nullptr);
    MemoryContextDelete(memory);
    return nullptr;
  }
  MemoryContextSetParent(memory, CacheMemoryContext);
  entry->memory = memory;
  entry->definition = definition;
  entry->source = definition->source;
  entry->view = definition->view;
  entry->stale = invalidations != before;
  return definition;
}

}  // namespace

Oid trend_table() {
  Oid schema = get_namespace_oid("trending", true);
  if (!OidIsValid(schema) || !OidIsValid(get_extension_oid("trending", true))) return InvalidOid;
  return get_relname_relid("trend", schema);
}

Oid definition_relation(int32 trend_id) {
  Row row;
  return find_row(kTrendId, F_INT4EQ, Int32GetDatum(trend_id), &row) ? relation_of(row) : InvalidOid;
}

Oid definition_source(int32 trend_id, Oid* view) {
  Row row;
  if (!find_row(kTrendId, F_INT4EQ, Int32GetDatum(trend_id), &row)) return InvalidOid;
  if (view != nullptr) *view = DatumGetObjectId(row.value(kTrendDefinition));
  return DatumGetObjectId(row.value(kTrendSource));
}

Oid definition_owner(int32 trend_id) {
  Row row;
  if (!find_row(kTrendId, F_INT4EQ, Int32GetDatum(trend_id), &row)) return InvalidOid;
  return relation_owner(relation_of(row));
}

Oid definition_view(Oid relation) {
  Row row;
  if (!find_row(kTrendRelation, F_OIDEQ, ObjectIdGetDatum(relation), &row)) return InvalidOid;
  return DatumGetObjectId(row.value(kTrendDefinition));
}

bool stored_option_values(Oid relation, OptionValues* values, Oid* history, Oid* late) {
  auto* row = static_cast<Row*>(palloc(sizeof(Row)));
  if (!find_row(kTrendRelation, F_OIDEQ, ObjectIdGetDatum(relation), row)) return false;
  *values = option_values(*row);
  *history = row->is_null(kTrendHistory) ? InvalidOid : DatumGetObjectId(row->value(kTrendHistory));
  *late = row->is_null(kTrendLate) ? InvalidOid : DatumGetObjectId(row->value(kTrendLate));
  return true;
}

bool trend_is_registered(Oid relation) {
  Row row;
  return find_row(kTrendRelation, F_OIDEQ, ObjectIdGetDatum(relation), &row);
}

Definition* definition_load(int32 trend_id) {
  return load_by(kTrendId, F_INT4EQ, Int32GetDatum(trend_id));
}

Definition* definition_load_relation(Oid relation) {
  return load_by(kTrendRelation, F_OIDEQ, ObjectIdGetDatum(relation));
}

StoredOptions stored_options(TupleDesc descriptor, HeapTuple tuple) {
  Row row;
  heap_deform_tuple(tuple, descriptor, row.values, row.isnull);
  StoredOptions stored = {};
  stored.id = DatumGetInt32(row.value(kTrendId));
  stored.options = definition_options(option_values(row));
  read_tables(row, stored.options, &stored.history, &stored.late);
  return stored;
}

List* definition_ids() {
  Oid table = trend_table();
  if (!OidIsValid(table)) return NIL;
  List* ids = NIL;
  Relation catalog = table_open(table, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
  while (HeapTuple tuple = systable_getnext(scan)) {
    Row row;
    heap_deform_tuple(tuple, RelationGetDescr(catalog), row.values, row.isnull);
    if (get_rel_name(relation_of(row)) != nullptr) ids = lappend_int(ids, DatumGetInt32(row.value(kTrendId)));
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  list_sort(ids, compare_ids);
  return ids;
}

const Definition* definition_cached(Oid relation) {
  if (cache == nullptr) create_cache();
  auto* entry = static_cast<CacheEntry*>(hash_search(cache, &relation, HASH_FIND, nullptr));
  if (entry != nullptr && !entry->stale && entry->definition != nullptr) return entry->definition;
  return fill(relation);
}

}  // namespace trending
