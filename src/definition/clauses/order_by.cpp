// SPDX-License-Identifier: PostgreSQL
// ORDER BY: aggregates rank, keys break ties. Window bounds may stand anywhere: within a window they are equal.
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

void report_further(const Analysis& analysis, Node* expression, int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  contain_aggs_of_level(expression, 0)
                      ? errmsg("ORDER BY of a trend must name an aggregate by itself")
                      : errmsg("ORDER BY of a trend may only contain aggregates and GROUP BY expressions"),
                  errhint("List aggregates, then the keys that break ties."),
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

// A key after the aggregates breaks ties.
void add_tie_break(Analysis* analysis, const SortGroupClause* clause, int key, int location, int* ordered) {
  KeyCodec* codec = &analysis->definition->keys;
  auto* expression = static_cast<Node*>(list_nth(analysis->keys, key));
  codec->columns[key].descending = is_descending(*analysis, clause, expression, location);
  codec->columns[key].nulls_first = clause->nulls_first;
  order_key(codec, key, ordered);
}

// The engine ranks by numbers.
void check_ranking(const Analysis& analysis, int index, int location) {
  const DefinitionAggregate& ranked = analysis.definition->aggregates[index];
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

void add_term(Analysis* analysis, const OrderTerm& term, int location) {
  Definition* definition = analysis->definition;
  check_ranking(*analysis, term.index, location);
  for (int i = 0; i < definition->order_count; i++) {
    if (definition->order[i].index == term.index) return;  // decided before
  }
  definition->order[definition->order_count++] = term;
}

// Without ORDER BY a single aggregate ranks, the greatest first and NULL last.
void default_order(Analysis* analysis) {
  Definition* definition = analysis->definition;
  if (definition->aggregate_count == 1) {
    return add_term(analysis, {ColumnRole::kAggregate, 0, true, false}, -1);
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
  List* clauses = analysis->query->sortClause;
  Definition* definition = analysis->definition;
  definition->order = static_cast<OrderTerm*>(palloc0(sizeof(OrderTerm) * (list_length(clauses) + 1)));
  int ordered = 0;
  ListCell* cell = nullptr;
  foreach (cell, clauses) {
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* entry = get_sortgroupclause_tle(clause, analysis->query->targetList);
    auto* expression = reinterpret_cast<Node*>(entry->expr);
    int location = item_location(analysis->select->sortClause, list_length(clauses),
                                 foreach_current_index(cell), expression);
    ColumnRole role;
    if (is_window_bound(*analysis, expression, &role)) continue;
    int key = find_key(*analysis, expression);
    if (key >= 0 && definition->order_count > 0) {
      add_tie_break(analysis, clause, key, location, &ordered);
    } else if (IsA(expression, Aggref) && ordered == 0) {
      int index = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(expression));
      bool descending = is_descending(*analysis, clause, expression, location);
      add_term(analysis, {ColumnRole::kAggregate, index, descending, clause->nulls_first}, location);
    } else if (definition->order_count == 0) {
      report_first(*analysis, expression, location);
    } else {
      report_further(*analysis, expression, location);
    }
  }
  if (definition->order_count == 0) default_order(analysis);
}

}  // namespace trending
