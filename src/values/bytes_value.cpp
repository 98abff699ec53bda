// SPDX-License-Identifier: PostgreSQL
#include "values/bytes_value.h"

#include "engine/aggregates/aggregate.h"

namespace trending {

Oid built_in_comparison(Oid type) {
  // Arrays and ranges have one only where their elements have; what these use is built in as well, for
  // definitions are over built-in types and enums.
  Oid compare = lookup_type_cache(getBaseType(type), TYPECACHE_CMP_PROC)->cmp_proc;
  return compare < FirstNormalObjectId ? compare : InvalidOid;
}

bool bytes_type(Oid type, Oid collation, BytesType* result) {
  KeyColumn* column = &result->column;
  *column = {};
  column->type = type;
  column->typmod = -1;
  column->collation = collation;
  get_typlenbyvalalign(type, &column->length, &column->by_value, &column->align);
  column->storage = get_typstorage(type);
  if (column->length < -1) return false;
  Oid compare = built_in_comparison(type);
  result->has_order = OidIsValid(compare);
  if (result->has_order) fmgr_info_cxt(compare, &column->compare, CurrentMemoryContext);
  return true;
}

bool bytes_append(const BytesType& type, Datum value, StringInfo buffer) {
  int before = buffer->len;
  if (!key_append_value(type.column, value, buffer)) return false;
  if (static_cast<uint32>(buffer->len - before) <= kMaxValueBytes) return true;
  buffer->len = before;
  buffer->data[before] = '\0';
  return false;
}

Datum bytes_datum(const BytesType& type, KeyBytes bytes) {
  return key_copy_value(type.column, bytes.data);
}

int bytes_compare(const BytesType& type, KeyBytes left, KeyBytes right) {
  return type.has_order ? key_compare_values(type.column, left.data, right.data) : 0;
}

}  // namespace trending
