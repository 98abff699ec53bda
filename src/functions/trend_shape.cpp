// SPDX-License-Identifier: PostgreSQL
// trending_internal.trend_columns(trend): what the columns of a trend are, as another server that unites it with trends of the
// same kind must know it. For who may read the trend.
#include "functions/batch_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr int kShapeColumns = 7;

// How values of a group on several servers become one. 'none': they cannot.
const char* merging(const Definition& definition, const DefinitionColumn& column) {
  switch (column.role) {
    case ColumnRole::kWindowStart:
      return "start";
    case ColumnRole::kWindowEnd:
      return "end";
    case ColumnRole::kKey:
      return "key";
    case ColumnRole::kRank:
      return "rank";
    case ColumnRole::kExpression:
      return "none";
    case ColumnRole::kAggregate:
      break;
  }
  // A condition on groups would have been judged by each server for itself.
  if (definition.having != nullptr) return "none";
  switch (definition.aggregates[column.index].function) {
    case AggregateFunction::kCountStar:
    case AggregateFunction::kCount:
    case AggregateFunction::kSum:
      return "sum";
    case AggregateFunction::kMin:
      return "min";
    case AggregateFunction::kMax:
      return "max";
    default:
      return "none";
  }
}

struct Place {
  int number;  // 0: it does not rank
  bool descending;
  bool nulls_first;
};

// Where a column stands in the order of ranks: the terms of ORDER BY, then the keys that are not among them.
Place place_of(const Definition& definition, const DefinitionColumn& column) {
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    if (term.role == column.role && term.index == column.index)
      return {i + 1, term.descending, term.nulls_first};
  }
  if (column.role != ColumnRole::kKey) return {};
  for (int i = 0; i < definition.keys.count; i++) {
    const KeyColumn& key = definition.keys.columns[definition.keys.order[i]];
    if (definition.keys.order[i] == column.index) {
      return {definition.order_count + i + 1, key.descending, key.nulls_first};
    }
  }
  return {};
}

void check_selected(const Definition& definition) {
  if (definition.partition.count > 0 || definition.window.kind == WindowKind::kSession) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("trend \"%s\" cannot be united with trends of other servers",
                           get_rel_name(definition.relation)),
                    errdetail("It has partitions, or sessions, of which every group has its own window.")));
  }
  if (definition.has_window) {
    selected_column(definition, ColumnRole::kWindowStart, 0, "window_start");
    selected_column(definition, ColumnRole::kWindowEnd, 0, "window_end");
  }
  for (int i = 0; i < definition.keys.count; i++) selected_column(definition, ColumnRole::kKey, i, "keys");
  for (int i = 0; i < definition.order_count; i++) ranking_column(definition, i);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(trend_columns) {
  using namespace trending;
  const Definition& definition = *readable_trend(PG_GETARG_OID(0));
  check_selected(definition);
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    const Place place = place_of(definition, column);
    const bool ranks = place.number > 0;
    Datum values[kShapeColumns] = {
        Int32GetDatum(i + 1),
        CStringGetTextDatum(column.name),
        CStringGetTextDatum(format_type_with_typemod(column.type, column.typmod)),
        CStringGetTextDatum(merging(definition, column)),
        Int32GetDatum(place.number),
        BoolGetDatum(place.descending),
        BoolGetDatum(place.nulls_first),
    };
    bool isnull[kShapeColumns] = {false, false, false, false, !ranks, !ranks, !ranks};
    tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
  }
  return 0;
}
