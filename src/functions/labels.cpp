// SPDX-License-Identifier: PostgreSQL
#include "functions/labels.h"

#include "definition/label.h"

namespace trending {

namespace {

// Makes a label text as a cast would, but by no cast that a user made.
class LabelText {
 public:
  explicit LabelText(Oid type) {
    Oid cast = InvalidOid;
    const CoercionPathType path = find_coercion_pathway(TEXTOID, type, COERCION_EXPLICIT, &cast);
    is_text_ = path == COERCION_PATH_RELABELTYPE || type == TEXTOID;
    by_cast_ = path == COERCION_PATH_FUNC && cast < FirstNormalObjectId && get_func_nargs(cast) == 1;
    bool is_varlena = false;
    if (!by_cast_ && !is_text_) getTypeOutputInfo(type, &cast, &is_varlena);
    if (!is_text_) fmgr_info(cast, &function_);
  }

  text* operator()(Datum value) {
    if (is_text_) return DatumGetTextPCopy(value);
    if (by_cast_) return DatumGetTextPP(FunctionCall1(&function_, value));
    return cstring_to_text(OutputFunctionCall(&function_, value));
  }

 private:
  bool is_text_ = false;
  bool by_cast_ = false;
  FmgrInfo function_;
};

// One table, or one partition, with the index of its key and the labels' place in its rows.
struct LabelTable {
  Relation table;
  Relation index;
  AttrNumber column;
};

// The index of a partition that is a part of this one.
Oid partition_index(Relation table, Oid whole) {
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(table)) {
    Oid index = lfirst_oid(cell);
    if (index == whole) return index;
    if (get_rel_relispartition(index) && list_member_oid(get_partition_ancestors(index), whole)) return index;
  }
  return InvalidOid;
}

// The table of a label source, or its partitions: all of them, for finding the right one would evaluate the
// partition key. A List of LabelTable.
List* open_tables(const LabelSource& source) {
  List* tables = NIL;
  const char* column = get_attname(source.relation, source.column, false);
  List* relations = get_rel_relkind(source.relation) == RELKIND_PARTITIONED_TABLE
                        ? find_all_inheritors(source.relation, AccessShareLock, nullptr)
                        : list_make1_oid(source.relation);
  ListCell* cell = nullptr;
  foreach (cell, relations) {
    Oid relation = lfirst_oid(cell);
    const char kind = get_rel_relkind(relation);
    if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW) continue;
    Relation table = table_open(relation, NoLock);
    Oid index = partition_index(table, source.index);
    if (!OidIsValid(index)) {
      table_close(table, NoLock);
      continue;
    }
    auto* opened = static_cast<LabelTable*>(palloc(sizeof(LabelTable)));
    *opened = {table, index_open(index, AccessShareLock), get_attnum(relation, column)};
    tables = lappend(tables, opened);
  }
  return tables;
}

void close_tables(List* tables) {
  ListCell* cell = nullptr;
  foreach (cell, tables) {
    auto* opened = static_cast<LabelTable*>(lfirst(cell));
    index_close(opened->index, AccessShareLock);
    table_close(opened->table, NoLock);
  }
}

// The label of a key in one table; false if the key is not there.
bool look_up(const LabelSource& source, const LabelTable& in, Datum key, LabelText* to_text, text** label) {
  ScanKeyData scan_key;
  ScanKeyEntryInitialize(&scan_key, 0, 1, BTEqualStrategyNumber, source.key_type,
                         in.index->rd_indcollation[0], source.equal, key);
  TupleTableSlot* slot = table_slot_create(in.table, nullptr);
  IndexScanDesc scan = compat::index_scan(in.table, in.index, GetActiveSnapshot(), 1);
  index_rescan(scan, &scan_key, 1, nullptr, 0);
  const bool found = index_getnext_slot(scan, ForwardScanDirection, slot);
  if (found) {
    bool isnull = false;
    Datum value = slot_getattr(slot, in.column, &isnull);
    if (!isnull) *label = (*to_text)(value);
  }
  index_endscan(scan);
  ExecDropSingleTupleTableSlot(slot);
  return found;
}

}  // namespace

text** read_labels(const Definition& definition, const TrendSnapshot& snapshot) {
  auto** labels = static_cast<text**>(palloc0(sizeof(text*) * (snapshot.count + 1)));
  LabelSource source;
  if (snapshot.count == 0 || !label_find(definition, &source)) return labels;
  List* tables = open_tables(source);
  LabelText to_text(source.type);
  for (uint64_t i = 0; i < snapshot.count; i++) {
    CHECK_FOR_INTERRUPTS();
    Datum key = Datum{0};
    bool isnull = false;
    key_decode(definition.keys, snapshot.groups[i].group->key(), &key, &isnull);
    if (isnull) continue;
    ListCell* cell = nullptr;
    foreach (cell, tables) {
      if (look_up(source, *static_cast<LabelTable*>(lfirst(cell)), key, &to_text, &labels[i])) break;
    }
  }
  close_tables(tables);
  return labels;
}

}  // namespace trending
