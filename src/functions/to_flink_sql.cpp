// SPDX-License-Identifier: PostgreSQL
// trending.to_flink_sql(trend, …): trends as a job of Flink SQL. For who may read them, as trending.definition is.
#include "definition/text/flink_job.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

TRENDING_FUNCTION(to_flink_sql) {
  using namespace trending;
  Datum* relations = nullptr;
  bool* nulls = nullptr;
  int count = 0;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &relations,
                    &nulls, &count);
  List* definitions = NIL;
  for (int i = 0; i < count; i++) {
    if (nulls[i])
      ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a trend must not be NULL")));
    const Definition* definition = readable_trend(DatumGetObjectId(relations[i]));
    definitions = list_append_unique_ptr(definitions, const_cast<Definition*>(definition));
  }
  if (definitions == NIL) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no trend is named")));
  }
  PG_RETURN_TEXT_P(cstring_to_text(flink_job(definitions)));
}
