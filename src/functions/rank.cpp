// SPDX-License-Identifier: PostgreSQL
// trending.rank: the rank of one key.
#include "fdw/snapshot.h"
#include "functions/key_argument.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

TRENDING_FUNCTION(rank) {
  using namespace trending;
  if (PG_ARGISNULL(0) || (get_fn_expr_variadic(fcinfo->flinfo) && PG_ARGISNULL(1))) PG_RETURN_NULL();
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  StringInfoData buffer;
  initStringInfo(&buffer);
  const KeyTexts parts = texts_of_arguments(fcinfo, 1);
  if (!parse_key(*definition, definition->keys, "key", parts, &buffer)) PG_RETURN_NULL();
  KeyBytes key = {reinterpret_cast<const std::byte*>(buffer.data), static_cast<uint32_t>(buffer.len)};
  MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "trending rank", ALLOCSET_SMALL_SIZES);
  TrendSnapshot* snapshot = snapshot_keys(*definition, &key, 1, true, context);
  int64 rank = snapshot->count == 0 ? 0 : snapshot->groups[0].group->rank;
  MemoryContextDelete(context);
  if (rank == 0) PG_RETURN_NULL();
  PG_RETURN_INT64(rank);
}
