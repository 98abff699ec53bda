// trending.rank: the rank of one key, given as text.
#include "fdw/snapshot.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// Parses one part of a key as a literal of its column's type would be. Without the column's length: a longer
// value is no error, it simply is not there.
Datum parse_key_part(const KeyColumn& column, Datum part) {
  Oid function = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(column.type, &function, &parameter);
  return OidInputFunctionCall(function, TextDatumGetCString(part), parameter, -1);
}

bool parse_key(const Definition& definition, ArrayType* parts, StringInfo buffer) {
  Datum* elements = nullptr;
  bool* isnull = nullptr;
  int count = 0;
  deconstruct_array(parts, TEXTOID, -1, false, TYPALIGN_INT, &elements, &isnull, &count);
  if (count != definition.keys.count) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("wrong number of values for the key of trend \"%s\"", get_rel_name(definition.relation)),
             errdetail("Columns of the key: %d, values given: %d.", definition.keys.count, count)));
  }
  for (int i = 0; i < count; i++) {
    if (!isnull[i]) elements[i] = parse_key_part(definition.keys.columns[i], elements[i]);
  }
  return key_encode(definition.keys, elements, isnull, buffer);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(rank) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  StringInfoData buffer;
  initStringInfo(&buffer);
  if (!parse_key(*definition, PG_GETARG_ARRAYTYPE_P(1), &buffer)) PG_RETURN_NULL();
  KeyBytes key = {reinterpret_cast<const std::byte*>(buffer.data), static_cast<uint32_t>(buffer.len)};
  MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "trending rank", ALLOCSET_SMALL_SIZES);
  TrendSnapshot* snapshot = snapshot_keys(*definition, &key, 1, true, context);
  int64 rank = snapshot->count == 0 ? 0 : snapshot->groups[0].group->rank;
  MemoryContextDelete(context);
  if (rank == 0) PG_RETURN_NULL();
  PG_RETURN_INT64(rank);
}
