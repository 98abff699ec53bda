// SPDX-License-Identifier: PostgreSQL
#include "definition/text/session_query.h"

#include "definition/query_text.h"
#include "definition/text/definition_text.h"
#include "definition/text/events_text.h"

namespace trending {

namespace {

// What FROM of the definition calls source, elements and window.
struct FromNames {
  const char* prefix;  // of the columns that are added: none of the source begins with it
  const char* source;  // alias, with column aliases if it has any
  const char* source_name;
  const char* elements;  // alias of the functions that make them; NULL: there are none
  int element_columns;
  const char* window;
};

const char* alias_text(const Alias* alias) {
  StringInfoData text;
  initStringInfo(&text);
  appendStringInfoString(&text, quote_identifier(alias->aliasname));
  ListCell* cell = nullptr;
  foreach (cell, alias->colnames) {
    appendStringInfo(&text, "%s%s", foreach_current_index(cell) == 0 ? "(" : ", ",
                     quote_identifier(strVal(lfirst(cell))));
  }
  if (alias->colnames != NIL) appendStringInfoChar(&text, ')');
  return text.data;
}

bool is_window_function(const RangeFunction* item) {
  auto* function = static_cast<Node*>(linitial(linitial_node(List, item->functions)));
  return IsA(function, FuncCall) &&
         strcmp(strVal(linitial(reinterpret_cast<FuncCall*>(function)->funcname)), "trending") == 0;
}

void find_names(Node* item, FromNames* names) {
  if (IsA(item, JoinExpr)) {
    find_names(reinterpret_cast<JoinExpr*>(item)->larg, names);
    find_names(reinterpret_cast<JoinExpr*>(item)->rarg, names);
  } else if (IsA(item, RangeVar)) {
    auto* range = reinterpret_cast<RangeVar*>(item);
    Alias* alias = range->alias != nullptr ? range->alias : makeAlias(range->relname, NIL);
    names->source = alias_text(alias);
    names->source_name = quote_identifier(alias->aliasname);
  } else if (IsA(item, RangeFunction)) {
    auto* function = reinterpret_cast<RangeFunction*>(item);
    if (is_window_function(function)) {
      names->window =
          function->alias != nullptr ? alias_text(function->alias) : "session(window_start, window_end)";
    } else {
      names->elements = alias_text(function->alias);
    }
  }
}

// An instant as a literal of the event time's type.
const char* instant_literal(const Definition& definition, Time instant) {
  bool zoned = window_bound_type(definition) == TIMESTAMPTZOID;
  Datum text = zoned ? DirectFunctionCall1(timestamptz_out, TimestampTzGetDatum(instant))
                     : DirectFunctionCall1(timestamp_out, TimestampGetDatum(instant));
  return psprintf("'%s'::%s", DatumGetCString(text), zoned ? "timestamptz" : "timestamp");
}

// The events with their times and keys, without those that are in no session.
const char* rows_text(const Definition& definition, const FromNames& names, Time until) {
  const int64 margin = 2 * definition.window.size;
  const char* time = psprintf("e.\"%s time\"", names.prefix);
  const bool has_until = until != kEndTime && !definition.by_commit_time;
  return psprintf("SELECT e.* FROM (%s) e WHERE %s >= %s AND %s < %s%s",
                  events_text(definition, names.prefix), time, instant_literal(definition, kMinTime + margin),
                  time, instant_literal(definition, kEndTime - margin),
                  has_until ? psprintf(" AND %s <= %s", time, instant_literal(definition, until)) : "");
}

// Rows of one group in the order of time, or those of one session.
const char* frame(const Definition& definition, const char* prefix, bool of_session) {
  StringInfoData text;
  initStringInfo(&text);
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(&text, "%s\"%s key %d\"", i == 0 ? "PARTITION BY " : ", ", prefix, i + 1);
  }
  if (of_session) {
    appendStringInfo(&text, "%s\"%s session\"", definition.keys.count == 0 ? "PARTITION BY " : ", ", prefix);
  } else {
    appendStringInfo(&text, " ORDER BY \"%s time\"", prefix);
  }
  return text.data;
}

// The source with the bounds of each row's session. A row begins a session when the one before it is more
// than the gap away; adding up beginnings numbers them.
const char* sessions_text(const Definition& definition, const FromNames& names, Time until) {
  const char* gap = psprintf("'%lld microseconds'::interval", (long long)definition.window.size);
  const char* group = frame(definition, names.prefix, false);
  const char* session = frame(definition, names.prefix, true);
  auto column = [&names](const char* name) { return psprintf("\"%s %s\"", names.prefix, name); };
  const char* time = column("time");
  const char* begins =
      psprintf("SELECT r.*, CASE WHEN %s <= lag(%s) OVER (%s) + %s THEN 0 ELSE 1 END AS %s FROM (%s) r", time,
               time, group, gap, column("begins"), rows_text(definition, names, until));
  const char* numbered = psprintf("SELECT b.*, sum(%s) OVER (%s) AS %s FROM (%s) b", column("begins"), group,
                                  column("session"), begins);
  const char* last = psprintf("max(%s) OVER (%s)", time, session);
  StringInfoData keys;  // of all rows of a group
  initStringInfo(&keys);
  for (int i = 0; i < definition.keys.count; i++) {
    appendStringInfo(&keys, "%s\"%s key %d\"", i == 0 ? "PARTITION BY " : ", ", names.prefix, i + 1);
  }
  return psprintf(
      "SELECT n.*, min(%s) OVER (%s) AS %s, %s + %s AS %s, %s = max(%s) OVER (%s) AS %s FROM (%s) n", time,
      session, column("start"), last, gap, column("end"), last, time, keys.data, column("latest"), numbered);
}

// A prefix for columns that are added to those of the source, whose alias may rename some.
const char* choose_prefix(const Definition& definition, const char* alias) {
  StringInfoData prefix;
  initStringInfo(&prefix);
  appendStringInfoString(&prefix, "trending");
  Relation relation = table_open(definition.source, AccessShareLock);
  const TupleDesc columns = RelationGetDescr(relation);
  for (bool taken = true; taken;) {
    taken = strstr(alias, prefix.data) != nullptr;
    for (int i = 0; i < columns->natts && !taken; i++) {
      taken = strstr(NameStr(TupleDescAttr(columns, i)->attname), prefix.data) != nullptr;
    }
    if (taken) appendStringInfoChar(&prefix, '_');
  }
  table_close(relation, NoLock);
  return prefix.data;
}

// Columns of elements, which the sessions' rows have, by the names that the definition has for them.
const char* elements_item(const FromNames& names) {
  if (names.elements == nullptr) return "";
  StringInfoData item;
  initStringInfo(&item);
  for (int i = 1; i <= names.element_columns; i++) {
    appendStringInfo(&item, "%s%s.\"%s element %d\"", i == 1 ? "" : ", ", names.source_name, names.prefix, i);
  }
  return psprintf(", LATERAL (SELECT %s) %s", item.data, names.elements);
}

}  // namespace

const char* session_query_text(const Definition& definition, bool only_latest, Time until) {
  const char* whole = definition_text(definition);
  int nest_level = canonical_settings_begin();
  RawStmt* statement = nullptr;
  SelectStmt* select = parse_one(whole, &statement);
  FromNames names = {};
  ListCell* cell = nullptr;
  foreach (cell, select->fromClause) find_names(static_cast<Node*>(lfirst(cell)), &names);
  names.prefix = choose_prefix(definition, names.source);
  if (definition.unnesting_entry != 0) {
    const RangeTblEntry* entry = rt_fetch(definition.unnesting_entry, definition.query->rtable);
    names.element_columns = list_length(entry->eref->colnames);
  }
  const char* from =
      psprintf("SELECT FROM (%s) %s%s, LATERAL (SELECT %s.\"%s start\", %s.\"%s end\") %s%s",
               sessions_text(definition, names, until), names.source, elements_item(names), names.source_name,
               names.prefix, names.source_name, names.prefix, names.window,
               only_latest ? psprintf(" WHERE %s.\"%s latest\"", names.source_name, names.prefix) : "");
  RawStmt* replacement = nullptr;
  SelectStmt* sessions = parse_one(from, &replacement);
  select->fromClause = sessions->fromClause;
  // That of the definition chooses the rows that make sessions.
  select->whereClause = sessions->whereClause;
  Query* query = parse_analyze_fixedparams(statement, whole, nullptr, 0, nullptr);
  const char* text = pg_get_querydef(query, false);
  canonical_settings_end(nest_level);
  while (*text == ' ') text++;
  return text;
}

}  // namespace trending
