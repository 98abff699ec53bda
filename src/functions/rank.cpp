// SPDX-License-Identifier: PostgreSQL
// trending.rank: the rank of one key, given as text.
#include "fdw/snapshot.h"
#include "functions/key_argument.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

TRENDING_FUNCTION(rank) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  StringInfoData buffer;
  initStringInfo(&buffer);
  ArrayType* parts = PG_GETARG_ARRAYTYPE_P(1);
  if (!parse_key(*definition, definition->keys, "key", parts, &buffer)) PG_RETURN_NULL();
  KeyBytes key = {reinterpret_cast<const std::byte*>(buffer.data), static_cast<uint32_t>(buffer.len)};
  MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "trending rank", ALLOCSET_SMALL_SIZES);
  TrendSnapshot* snapshot = snapshot_keys(*definition, &key, 1, true, context);
  int64 rank = snapshot->count == 0 ? 0 : snapshot->groups[0].group->rank;
  MemoryContextDelete(context);
  if (rank == 0) PG_RETURN_NULL();
  PG_RETURN_INT64(rank);
}
