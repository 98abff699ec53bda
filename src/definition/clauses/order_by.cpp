// SPDX-License-Identifier: PostgreSQL
// ORDER BY: expressions, aggregates and keys rank; keys at the end break ties. Window bounds may stand
// anywhere: within a window they are equal.
#include <utility>

#include "definition/aggregate_functions.h"
#include "definition/clauses/analysis.h"
#include "definition/group_row.h"
#include "definition/rank_key.h"

namespace trending {

namespace {

struct SortItem {
  const SortGroupClause* clause;
  Node* expression;
  int location;
  int key;  // which key it is, -1: none
};

// The direction of a sort item; its operator must belong to the type's default order, which the trend keeps.
bool is_descending(const Analysis& analysis, const SortItem& item) {
  const SortGroupClause* clause = item.clause;
  Node* expression = item.expression;
  Oid family = InvalidOid;
  bool descending = false;
  Oid opclass = GetDefaultOpClass(getBaseType(exprType(expression)), BTREE_AM_OID);
  bool known = compat::ordering_operator(clause->sortop, &family, &descending) && OidIsValid(opclass) &&
               get_opclass_family(opclass) == family;
  if (!known) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("ORDER BY of a trend must use the default order of type %s",
                           format_type_be(exprType(expression))),
                    errhint("Write ASC or DESC."), query_position(analysis.text, item.location)));
  }
  return descending;
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

// Keys at the end break ties.
void add_tie_break(Analysis* analysis, const SortItem& item, int* ordered) {
  KeyCodec* codec = &analysis->definition->keys;
  codec->columns[item.key].descending = is_descending(*analysis, item);
  codec->columns[item.key].nulls_first = item.clause->nulls_first;
  order_key(codec, item.key, ordered);
}

// The engine compares numbers by itself.
bool is_native(const Definition& definition, const OrderTerm& term) {
  if (term.role != ColumnRole::kAggregate) return false;
  const DefinitionAggregate& aggregate = definition.aggregates[term.index];
  return aggregate.combined == nullptr && aggregate.value != ValueForm::kBytes;
}

void add_term(Analysis* analysis, ColumnRole role, int index, bool descending, bool nulls_first,
              Node* expression, int location) {
  Definition* definition = analysis->definition;
  for (int i = 0; i < definition->order_count; i++) {
    if (definition->order[i].role == role && definition->order[i].index == index) return;  // decided before
  }
  OrderTerm* term = &definition->order[definition->order_count++];
  *term = {};
  term->role = role;
  term->index = index;
  term->descending = descending;
  term->nulls_first = nulls_first;
  term->expr = prepare_group_expression(analysis, expression, "ORDER BY");
  if (!is_native(*definition, *term)) definition->ranks_by_keys = true;
  if (order_term_set_form(term, exprCollation(expression))) return;
  ereport(ERROR,
          (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
           errmsg("a trend cannot be ranked by values of type %s", format_type_be(exprType(expression))),
           errhint("ORDER BY something of a type that has an order, such as count(*) DESC."),
           query_position(analysis->text, location)));
}

// A key among the terms has nothing to say among the tie-breaks: the last of them.
void put_last(KeyCodec* codec, int key) {
  for (int i = 0; i + 1 < codec->count; i++) {
    if (codec->order[i] == key) std::swap(codec->order[i], codec->order[i + 1]);
  }
}

void add_item(Analysis* analysis, const SortItem& item) {
  Node* expression = item.expression;
  ColumnRole role = ColumnRole::kExpression;
  int index = 0;
  if (item.key >= 0) {
    role = ColumnRole::kKey;
    index = item.key;
    put_last(&analysis->definition->keys, item.key);
  } else if (IsA(expression, Aggref)) {
    role = ColumnRole::kAggregate;
    index = analyze_aggregate(analysis, reinterpret_cast<Aggref*>(expression));
  } else {
    index = analyze_group_expression(analysis, expression, "ORDER BY");
  }
  add_term(analysis, role, index, is_descending(*analysis, item), item.clause->nulls_first, expression,
           item.location);
}

bool has_aggregate(const Definition& definition, const DefinitionColumn& column) {
  if (column.role == ColumnRole::kAggregate) return true;
  return column.role == ColumnRole::kExpression &&
         group_expression_reads(definition, definition.expressions[column.index].expr,
                                [](const DefinitionAggregate&) { return true; });
}

// The only column of this kind, or NULL.
template <typename IsOne>
const DefinitionColumn* only_column(const Definition& definition, IsOne&& is_one) {
  const DefinitionColumn* found = nullptr;
  for (int i = 0; i < definition.column_count; i++) {
    if (!is_one(definition.columns[i])) continue;
    if (found != nullptr) return nullptr;
    found = &definition.columns[i];
  }
  return found;
}

// Without ORDER BY the only aggregate ranks, or the only column that is computed with aggregates: the greatest
// first and NULL last.
void default_order(Analysis* analysis) {
  Definition* definition = analysis->definition;
  const DefinitionColumn* column = only_column(*definition, [](const DefinitionColumn& candidate) {
    return candidate.role == ColumnRole::kAggregate;
  });
  if (column == nullptr || definition->aggregate_count > 1) {
    column = only_column(*definition, [definition](const DefinitionColumn& candidate) {
      return has_aggregate(*definition, candidate);
    });
  }
  if (column != nullptr) {
    List* expressions = column->role == ColumnRole::kAggregate ? analysis->aggregates : analysis->expressions;
    return add_term(analysis, column->role, column->index, true, false,
                    static_cast<Node*>(list_nth(expressions, column->index)), -1);
  }
  bool none = definition->aggregate_count == 0;
  ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
                  none ? errmsg("the definition of a trend needs an aggregate")
                       : errmsg("the definition of a trend with several aggregates needs ORDER BY"),
                  none ? errhint("Select %s.", supported_aggregates())
                       : errhint("ORDER BY the aggregate that ranks, such as ORDER BY count(*) DESC.")));
}

// A rank key says how a group ranked when it changed last.
void check_decayed(const Analysis& analysis, int location) {
  if (!analysis.definition->ranks_by_keys || analysis.definition->half_life == 0) return;
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("ORDER BY of a trend of decayed aggregates must name aggregates by themselves"),
                  errdetail("Their values change with time alone."),
                  errhint("Select the expression, and ORDER BY it when you read the trend."),
                  query_position(analysis.text, location)));
}

// The items but those that are equal within a window.
List* sort_items(Analysis* analysis) {
  List* clauses = analysis->query->sortClause;
  List* items = NIL;
  ListCell* cell = nullptr;
  foreach (cell, clauses) {
    auto* item = static_cast<SortItem*>(palloc0(sizeof(SortItem)));
    auto* clause = lfirst_node(SortGroupClause, cell);
    TargetEntry* entry = get_sortgroupclause_tle(clause, analysis->query->targetList);
    item->clause = clause;
    item->expression = reinterpret_cast<Node*>(entry->expr);
    item->location = item_location(analysis->select->sortClause, list_length(clauses),
                                   foreach_current_index(cell), item->expression);
    item->key = find_key(*analysis, item->expression);
    ColumnRole role;
    if (!is_window_bound(*analysis, item->expression, &role)) items = lappend(items, item);
  }
  return items;
}

// How many of the items rank; those behind are keys. Where all are, the first one ranks.
int count_terms(const List* items) {
  int count = list_length(items);
  while (count > 1 && static_cast<SortItem*>(list_nth(items, count - 1))->key >= 0) count--;
  return count;
}

}  // namespace

void analyze_order_by(Analysis* analysis) {
  Definition* definition = analysis->definition;
  List* items = sort_items(analysis);
  definition->order =
      static_cast<OrderTerm*>(palloc0(sizeof(OrderTerm) * (static_cast<Size>(list_length(items)) + 1)));
  const int terms = count_terms(items);
  int ordered = 0;
  ListCell* cell = nullptr;
  foreach (cell, items) {
    const SortItem& item = *static_cast<SortItem*>(lfirst(cell));
    if (foreach_current_index(cell) < terms) {
      add_item(analysis, item);
    } else {
      add_tie_break(analysis, item, &ordered);
    }
  }
  if (items == NIL) default_order(analysis);
  if (definition->aggregate_count == 0) default_order(analysis);  // an error
  check_decayed(*analysis, items == NIL ? -1 : static_cast<SortItem*>(linitial(items))->location);
}

}  // namespace trending
