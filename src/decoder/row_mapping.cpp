// SPDX-License-Identifier: PostgreSQL
#include "decoder/row_reader.h"

namespace trending {

RowMapping* row_mapping_create(const Definition* definition, Relation relation, char* reason, size_t size) {
  TupleDesc descriptor = RelationGetDescr(relation);
  int count = definition->source_column_count;
  auto* mapping = static_cast<RowMapping*>(palloc0(sizeof(RowMapping)));
  mapping->attributes = static_cast<AttrNumber*>(palloc0(sizeof(AttrNumber) * (count + 1)));
  for (int i = 0; i < count; i++) {
    const SourceColumn* column = &definition->source_columns[i];
    AttrNumber found = InvalidAttrNumber;
    if (RelationGetRelid(relation) == definition->source) {
      found = column->attnum;  // survives a renamed column
    } else {
      // A column of a partition is that of the same name; the name may have changed since the trend was
      // loaded.
      const char* name = get_attname(definition->source, column->attnum, true);
      for (int a = 0; a < descriptor->natts && found == InvalidAttrNumber && name != nullptr; a++) {
        Form_pg_attribute attribute = TupleDescAttr(descriptor, a);
        if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0) found = a + 1;
      }
    }
    if (found == InvalidAttrNumber || found > descriptor->natts ||
        TupleDescAttr(descriptor, found - 1)->attisdropped) {
      snprintf(reason, size, "column \"%s\" of \"%s\" is gone", column->name,
               RelationGetRelationName(relation));
      return nullptr;
    }
    if (TupleDescAttr(descriptor, found - 1)->atttypid != column->type) {
      snprintf(reason, size, "column \"%s\" of \"%s\" has another type now", column->name,
               RelationGetRelationName(relation));
      return nullptr;
    }
    mapping->attributes[i] = found;
  }

  mapping->identity_full = relation->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
  // Old versions do not say when they were committed.
  mapping->retractable = !definition->by_commit_time;
  if (!mapping->identity_full) {
    Bitmapset* identity = RelationGetIdentityKeyBitmap(relation);
    for (int i = 0; i < count; i++) {
      if (!bms_is_member(mapping->attributes[i] - FirstLowInvalidHeapAttributeNumber, identity)) {
        mapping->retractable = false;
      }
    }
    bms_free(identity);
  }
  return mapping;
}

bool row_reads_same(const RowReader* reader, const RowMapping* mapping, TupleDesc descriptor,
                    HeapTuple old_row, HeapTuple new_row) {
  for (int i = 0; i < reader->definition->source_column_count; i++) {
    AttrNumber attribute = mapping->attributes[i];
    bool old_null = false;
    bool new_null = false;
    Datum old_value = heap_getattr(old_row, attribute, descriptor, &old_null);
    Datum new_value = heap_getattr(new_row, attribute, descriptor, &new_null);
    if (old_null != new_null) return false;
    if (new_null) continue;
    const Form_pg_attribute column = TupleDescAttr(descriptor, attribute - 1);
    if (column->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(new_value))) continue;
    if (!datumIsEqual(old_value, new_value, column->attbyval, column->attlen)) return false;
  }
  return true;
}

}  // namespace trending
