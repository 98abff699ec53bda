// SPDX-License-Identifier: PostgreSQL
// GROUP BY: the window, and the keys.
#include "definition/clauses/analysis.h"
#include "values/key_type.h"

namespace trending {

namespace {

// What keeps a type from being a key, and what to do.
void report_key_type(const Analysis& analysis, Node* expression, int location) {
  Oid type = exprType(expression);
  Oid collation = exprCollation(expression);
  if (OidIsValid(collation) && !get_collation_isdeterministic(collation)) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("a key must not have the nondeterministic collation \"%s\"",
                           get_collation_name(collation)),
                    errdetail("Strings that differ would be one group."),
                    errhint("GROUP BY column COLLATE \"C\", or another deterministic collation."),
                    query_position(analysis.text, location)));
  }
  const char* hint = key_type_hint(type);
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("type %s cannot be a key of a trend", format_type_be(type)),
                  errdetail("Equal values of this type can look different."),
                  hint == nullptr ? 0 : errhint("%s", hint), query_position(analysis.text, location)));
}

const char* key_name(const Analysis& analysis, TargetEntry* entry, int index) {
  if (entry->resname != nullptr) return pstrdup(entry->resname);
  if (!IsA(entry->expr, Var)) return psprintf("key%d", index + 1);
  const auto* column = reinterpret_cast<Var*>(entry->expr);
  if (column->varno == static_cast<int>(analysis.scope.source)) {
    return column_name(analysis, column->varattno);
  }
  return get_rte_attribute_name(rt_fetch(column->varno, analysis.query->rtable), column->varattno);
}

void add_key(Analysis* analysis, TargetEntry* entry, int location) {
  auto* expression = reinterpret_cast<Node*>(entry->expr);
  KeyCodec* codec = &analysis->definition->keys;
  expression_check(expression, analysis->scope, "GROUP BY");
  Oid type = exprType(expression);
  int32 typmod = exprTypmod(expression);
  Oid collation = exprCollation(expression);
  if (!type_is_image_equal(type, collation)) report_key_type(*analysis, expression, location);
  if (codec->count == kMaxKeyColumns) {
    ereport(ERROR, (errcode(ERRCODE_TOO_MANY_COLUMNS), errmsg("a trend has at most %d keys", kMaxKeyColumns),
                    query_position(analysis->text, location)));
  }
  KeyColumn* key = &codec->columns[codec->count];
  key->name = key_name(*analysis, entry, codec->count);
  key->expr = prepare_expression(*analysis, expression);
  key_column_set_type(key, type, typmod, collation);
  codec->order[codec->count] = codec->count;
  codec->count++;
  analysis->keys = lappend(analysis->keys, expression);
}

// All cumulating windows of a period start at the same time, so there the end is needed; elsewhere either
// will do.
void check_window_grouped(const Analysis& analysis) {
  if (!analysis.definition->has_window) return;
  bool cumulates = analysis.definition->window.kind == WindowKind::kCumulate;
  if (analysis.groups_by_end || (analysis.groups_by_start && !cumulates)) return;
  ereport(
      ERROR,
      (errcode(ERRCODE_GROUPING_ERROR),
       errmsg("GROUP BY of a trend must contain %s", cumulates ? "window_end" : "window_start or window_end"),
       errhint("Write GROUP BY window_start, window_end and the columns to rank."),
       query_position(analysis.text, exprLocation(reinterpret_cast<Node*>(analysis.select->groupClause)))));
}

}  // namespace

bool is_window_bound(const Analysis& analysis, Node* expression, ColumnRole* role) {
  if (!IsA(expression, Var) || analysis.scope.window == 0) return false;
  auto* column = reinterpret_cast<Var*>(expression);
  if (column->varno != static_cast<int>(analysis.scope.window)) return false;
  if (column->varattno != 1 && column->varattno != 2) return false;
  *role = column->varattno == 1 ? ColumnRole::kWindowStart : ColumnRole::kWindowEnd;
  return true;
}

int find_key(const Analysis& analysis, Node* expression) {
  ListCell* cell = nullptr;
  foreach (cell, analysis.keys) {
    if (equal(lfirst(cell), expression)) return foreach_current_index(cell);
  }
  return -1;
}

void analyze_group_by(Analysis* analysis) {
  Query* query = analysis->query;
  KeyCodec* codec = &analysis->definition->keys;
  codec->columns =
      static_cast<KeyColumn*>(palloc0(sizeof(KeyColumn) * (list_length(query->groupClause) + 1)));
  codec->order = static_cast<int*>(palloc0(sizeof(int) * (list_length(query->groupClause) + 1)));
  ListCell* cell = nullptr;
  foreach (cell, query->groupClause) {
    TargetEntry* entry = get_sortgroupclause_tle(lfirst_node(SortGroupClause, cell), query->targetList);
    auto* expression = reinterpret_cast<Node*>(entry->expr);
    ColumnRole role;
    if (!is_window_bound(*analysis, expression, &role)) {
      add_key(analysis, entry,
              item_location(analysis->select->groupClause, list_length(query->groupClause),
                            foreach_current_index(cell), expression));
    } else if (role == ColumnRole::kWindowStart) {
      analysis->groups_by_start = true;
    } else {
      analysis->groups_by_end = true;
    }
  }
  check_window_grouped(*analysis);
}

}  // namespace trending
