// SPDX-License-Identifier: PostgreSQL
#include "definition/text/definition_text.h"

#include "definition/query_text.h"
#include "definition/text/events_text.h"

namespace trending {

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
  RawStmt* unused = nullptr;
  auto* bound = linitial_node(ResTarget, parse_one(psprintf("SELECT %s", since), &unused)->targetList);
  auto* condition = reinterpret_cast<Node*>(makeSimpleA_Expr(
      AEXPR_OP, pstrdup(">="), parsed_expression(definition, definition.event_time), bound->val, -1));
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
