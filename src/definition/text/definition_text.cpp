// SPDX-License-Identifier: PostgreSQL
#include "definition/text/definition_text.h"

#include "definition/query_text.h"

namespace trending {

namespace {

SelectStmt* parse_one(const char* text, RawStmt** statement) {
  *statement = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT));
  return castNode(SelectStmt, (*statement)->stmt);
}

// The source as FROM names it. A definition without a window function has nothing else there.
const char* source_alias(const SelectStmt* select) {
  auto* source = linitial_node(RangeVar, select->fromClause);
  return source->alias == nullptr ? source->relname : source->alias->aliasname;
}

}  // namespace

// Deparsing wants a query that it may scribble on.
const char* definition_text(const Query* query) {
  int nest_level = canonical_settings_begin();
  const char* text = pg_get_querydef(static_cast<Query*>(copyObjectImpl(query)), false);
  canonical_settings_end(nest_level);
  while (*text == ' ') text++;
  return text;
}

const char* definition_text_since(const Definition& definition, const char* since) {
  const char* whole = definition_text(definition);
  int nest_level = canonical_settings_begin();
  RawStmt* statement = nullptr;
  SelectStmt* select = parse_one(whole, &statement);
  auto* time = static_cast<Node*>(copyObjectImpl(definition.event_time));
  const char* time_text =
      deparse_expression(time, deparse_context_for(source_alias(select), definition.source), true, false);
  RawStmt* unused = nullptr;
  Node* condition = parse_one(psprintf("SELECT WHERE %s >= %s", time_text, since), &unused)->whereClause;
  select->whereClause =
      select->whereClause == nullptr
          ? condition
          : reinterpret_cast<Node*>(makeBoolExpr(AND_EXPR, list_make2(select->whereClause, condition), -1));
  Query* query = parse_analyze_fixedparams(statement, whole, nullptr, 0, nullptr);
  const char* text = pg_get_querydef(query, false);
  canonical_settings_end(nest_level);
  return text;
}

}  // namespace trending
