// SPDX-License-Identifier: PostgreSQL
#include "aggregates/value_order.h"

#include "values/key_codec.h"

namespace trending {

namespace {

// Trends use built-in comparisons only, so an order that somebody gave to a built-in type does not count.
bool has_order(const TypeCacheEntry* type) {
  Oid compare = type->cmp_proc_finfo.fn_oid;
  return OidIsValid(compare) && (compare < FirstNormalObjectId || type->type_id >= FirstNormalObjectId);
}

// As trends keep the values.
int compare_bytes(const TypeCacheEntry* type, Datum left, Datum right) {
  KeyColumn column = {};
  column.length = type->typlen;
  column.by_value = type->typbyval;
  column.storage = type->typstorage;
  StringInfoData bytes[2];
  Datum values[2] = {left, right};
  KeyView views[2];
  for (int i = 0; i < 2; i++) {
    initStringInfo(&bytes[i]);
    key_append_value(column, values[i], &bytes[i]);
    views[i] = {reinterpret_cast<const std::byte*>(bytes[i].data), static_cast<uint32_t>(bytes[i].len)};
  }
  int order = compare_key_bytes(nullptr, views[0], views[1]);
  for (StringInfoData& used : bytes) pfree(used.data);
  return order;
}

}  // namespace

TypeCacheEntry* value_type(Oid type) {
  return lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);
}

int compare_in_order(const TypeCacheEntry* type, Oid collation, Datum left, Datum right) {
  auto* function = const_cast<FmgrInfo*>(&type->cmp_proc_finfo);
  int order = has_order(type) ? DatumGetInt32(FunctionCall2Coll(function, collation, left, right)) : 0;
  return order != 0 || type->typbyval ? order : compare_bytes(type, left, right);
}

}  // namespace trending
