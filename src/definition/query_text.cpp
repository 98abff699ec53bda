// SPDX-License-Identifier: PostgreSQL
#include "definition/query_text.h"

#include "postgres/pinned_path.h"

namespace trending {

namespace {

// A cursor position counts characters from 1; 0: unknown.
int place_in(const QueryText& query, int location) {
  if (query.text == nullptr || location < 0) return 0;
  return pg_mbstrlen_with_len(query.text, location) + 1;
}

void add_context(void* argument) {
  auto* query = static_cast<QueryText*>(argument);
  int position = geterrposition();
  if (position <= 0) position = place_in(*query, query->location);
  if (position > 0 && query->text != nullptr) {
    errposition(0);
    internalerrposition(position);
    internalerrquery(query->text);
  }
  if (query->trend != nullptr) errcontext("definition of trend \"%s\"", query->trend);
}

struct Setting {
  const char* name;
  const char* value;
};

// Everything that the server's parser or deparser listens to.
constexpr Setting kCanonicalSettings[] = {
    {"search_path", kPinnedPath},
    {"DateStyle", "ISO, YMD"},
    {"IntervalStyle", "postgres"},
    {"TimeZone", "UTC"},
    {"extra_float_digits", "1"},
    {"bytea_output", "hex"},
    {"lc_monetary", "C"},
    {"quote_all_identifiers", "off"},
    {"standard_conforming_strings", "on"},
    {"transform_null_equals", "off"},
};

}  // namespace

void query_text_begin(QueryText* query) {
  query->callback.callback = add_context;
  query->callback.arg = query;
  query->callback.previous = error_context_stack;
  error_context_stack = &query->callback;
}

void query_text_end(QueryText* query) {
  error_context_stack = query->callback.previous;
}

int query_position(const QueryText& query, int location) {
  const int position = place_in(query, location);
  return position == 0 ? 0 : errposition(position);
}

int canonical_settings_begin() {
  int nest_level = NewGUCNestLevel();
  for (const Setting& setting : kCanonicalSettings) {
    set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                      false);
  }
  return nest_level;
}

void canonical_settings_end(int nest_level) {
  AtEOXact_GUC(true, nest_level);
}

}  // namespace trending
