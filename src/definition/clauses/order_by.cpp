// SPDX-License-Identifier: PostgreSQL
// ORDER BY: one aggregate ranks, keys break ties. Window bounds may stand anywhere: within a window they are
// equal.
#include "definition/aggregate_functions.h"
#include "definition/clauses/analysis.h"

namespace trending {

namespace {

// The direction of a sort item; its operator must belong to the type's default order, which the trend keeps.
bool is_descending(const Analysis& analysis, const SortGroupClause* clause, Node* expression, int location) {
  Oid family = InvalidOid;
  bool descending = false;
  Oid opclass = GetDefaultOpClass(getBaseType(exprType(expression)), BTREE_AM_OID);
  bool known = compat::ordering_operator(clause->sortop, &family, &descending) && OidIsValid(opclass) &&
               get_opclass_family(opclass) == family;
  if (!known) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("ORDER BY of a trend must use the default order of type %s",
                           format_type_be(exprType(expression))),
                    errhint("Write ASC or DESC."), query_position(analysis.text, location)));
  }
  return descending;
}

void report_first(const Analysis& analysis, Node* expression, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  contain_aggs_of_level(expression, 0)
                      ? errmsg("ORDER BY of a trend must name an aggregate by itself")
                      : errmsg("ORDER BY of a trend must begin with an aggregate"),
                  errhint("Write ORDER BY count(*) DESC, or the alias of an aggregate."),
                  query_position(analysis.text, location)));
}

void report_tie_break(const Analysis& analysis, Node* expression, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  contain_aggs_of_level(expression, 0)
                      ? errmsg("a trend is ranked by one aggregate")
                      : errmsg("ORDER BY of a trend may only contain one aggregate and GROUP BY expressions"),
                  errhint("After the aggregate, list the keys that break ties."),
                  query_position(analysis.text, location)));
}

// Puts a key next in the order of tie-breaks.
void order_key(KeyCodec* codec, int key, int* ordered) {
  for (int i = *ordered; i < codec->count; i++) {
    if (codec->order[i] != key) continue;
    memmove(&codec->order[*ordered + 1], &codec->order[*ordered], sizeof(int) * (i - *ordered));
    codec->order[*ordered] = key;
    (*ordered)++;
    return;
  }
}

void add_tie_break(Analysis* analysis, const SortGroupClause* clause, Node* expression, int location,
                   int* ordered) {
  KeyCodec* codec = &analysis->definition->keys;
  int key = find_key(*analysis, expression);
  if (key < 0) report_tie_break(*analysis, expression, location);
  codec->columns[key].descending = is_descending(*analysis, clause, expression, location);
  codec->columns[key].nulls_first = clause->nulls_first;
  order_key(codec, key, ordered);
}

// The engine ranks by numbers.
void check_ranking(const Analysis& analysis, int location) {
  const DefinitionAggregate& ranked = analysis.definition->aggregates[analysis.definition->rank_by];
  if (ranked.combined != nullptr) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a trend cannot be ranked by aggregate %s", ranked.combined->name),
                    errdetail("Its values are not known to a trend before they are read."),
                    errhint("ORDER BY another aggregate, such as count(*) DESC."),
                    query_position(analysis.text, location)));
  }
  if (ranked.value != ValueForm::kBytes) return;
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("a trend cannot be ranked by values of type %s", format_type_be(ranked.result_type)),
           errhint("ORDER BY an aggregate that is a number, a time or a boolean, such as count(*) DESC."),
           query_position(analysis.text, location)));
}

// Without ORDER BY a single aggregate ranks, the greatest first and NULL last.
void default_order(Analysis* analysis) {
  Definition* definition = analysis->definition;
  if (definition->aggregate_count == 1) {
    definition->rank_by = 0;
    definition->descending = true;
    definition->nulls_first = false;
    check_ranking(*analysis, -1);
    return;
  }
  bool none = definition->aggregate_count == 0;
  ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                  none ? errmsg("the definition of a trend needs an aggregate")
                       : errmsg("the definition of a trend with several aggregates needs ORDER BY"),
                  none ? errhint("Select %s.", supported_aggregates())
                       : errhint("ORDER BY the aggregate that ranks, such as ORDER BY count(*) DESC.")));
}

}  // namespace

void analyze_order_by(Analysis* analysis) {
  Definition* definition = analysis->definition;
  bool ranked = false;
  int ordered = 0;
  ListCell* cell = nullptr;
  foreach (cell, analysis->query->sortClause) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* entry = get_sortgroupclause_tle(clause, analysis->query->targetList);
    auto* expression = reinterpret_cast<Node*>(entry->expr);
    int location = item_location(analysis->select->sortClause, list_length(analysis->query->sortClause),
                                 foreach_current_index(cell), expression);
    ColumnRole role;
    if (is_window_bound(*analysis, expression, &role)) continue;
    if (ranked) {
      add_tie_break(analysis, clause, expression, location, &ordered);
      continue;
    }
    if (!IsA(expression, Aggref)) report_first(*analysis, expression, location);
    definition->rank_by = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(expression));
    definition->descending = is_descending(*analysis, clause, expression, location);
    definition->nulls_first = clause->nulls_first;
    check_ranking(*analysis, location);
    ranked = true;
  }
  if (!ranked) default_order(analysis);
}

}  // namespace trending
