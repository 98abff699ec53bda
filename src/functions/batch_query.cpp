// trending.batch_query(trend): a trend's definition as a query over the source, with ranks: what the trend
// should show, computed the slow way. verify and recompute run it, and so can anybody who doubts.
#include "definition/definition.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

namespace {

// The select list's name of a column; an error when the definition does not select it.
const char* selected(const Definition& definition, ColumnRole role, int index, const char* what) {
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    if (column.role == role && column.index == index) return quote_identifier(column.name);
  }
  ereport(
      ERROR,
      (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
       errmsg("the definition does not select its %s", what),
       errdetail("Without it the rows of different windows or groups cannot be told apart."),
       errhint("Create the trend again with window_start, window_end and every key in its select list.")));
  pg_unreachable();
}

// The order of rank within a window: the ranking aggregate, the tie-breaks, then the keys that remain.
void append_order(StringInfo out, const Definition& definition) {
  appendStringInfo(out, "%s%s",
                   selected(definition, ColumnRole::kAggregate, definition.rank_by, "ranking aggregate"),
                   definition.descending ? " DESC" : "");
  for (int i = 0; i < definition.keys.count; i++) {
    int index = definition.keys.order[i];
    const KeyColumn& key = definition.keys.columns[index];
    appendStringInfo(out, ", %s %s NULLS %s", selected(definition, ColumnRole::kKey, index, "keys"),
                     key.descending ? "DESC" : "ASC", key.nulls_first ? "FIRST" : "LAST");
  }
}

char* batch_query(const Definition& definition) {
  StringInfoData query;
  initStringInfo(&query);
  const char* start = selected(definition, ColumnRole::kWindowStart, 0, "window_start");
  const char* end = selected(definition, ColumnRole::kWindowEnd, 0, "window_end");
  appendStringInfo(&query, "SELECT d.*, row_number() OVER (PARTITION BY %s, %s", start, end);
  for (int i = 0; i < definition.partition.count; i++) {
    appendStringInfo(&query, ", %s",
                     selected(definition, ColumnRole::kKey, definition.partition_keys[i], "keys"));
  }
  appendStringInfoString(&query, " ORDER BY ");
  append_order(&query, definition);
  int length = static_cast<int>(strlen(definition.text));
  while (length > 0 && (definition.text[length - 1] == ';' ||
                        isspace(static_cast<unsigned char>(definition.text[length - 1])))) {
    length--;
  }
  appendStringInfo(&query, ") AS rank FROM (%.*s) d", length, definition.text);
  return query.data;
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(batch_query) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  PG_RETURN_TEXT_P(cstring_to_text(batch_query(*definition)));
}

TRENDING_FUNCTION(window_columns) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  TupleDesc descriptor = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE) {
    elog(ERROR, "return type must be a row type");
  }
  Datum values[] = {
      CStringGetTextDatum(selected(*definition, ColumnRole::kWindowStart, 0, "window_start")),
      CStringGetTextDatum(selected(*definition, ColumnRole::kWindowEnd, 0, "window_end")),
  };
  bool nulls[] = {false, false};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
