// SPDX-License-Identifier: PostgreSQL
// Statements of ours see no name of anybody else's.
#pragma once

#include "postgres/server.h"

namespace trending {

// The system's names alone; pg_temp last, for left out it would come first for types and tables.
inline constexpr const char* kPinnedPath = "pg_catalog, pg_temp";

// Runs body() while search_path is pinned. An error in it restores the caller's setting, too. Everything that
// the library gives to SPI in a session of somebody's runs so, whoever is current_user meanwhile.
template <typename Body>
void with_pinned_path(Body body) {
  const int nest_level = NewGUCNestLevel();
  set_config_option("search_path", kPinnedPath, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
  body();
  AtEOXact_GUC(true, nest_level);
}

// A statement with parameters, as SPI_execute_with_args.
inline int pinned_execute(const char* sql, int count, const Oid* types, const Datum* values,
                          const char* nulls, bool read_only, long limit) {
  int result = 0;
  with_pinned_path([&] {
    result = SPI_execute_with_args(sql, count, const_cast<Oid*>(types), const_cast<Datum*>(values), nulls,
                                   read_only, limit);
  });
  return result;
}

}  // namespace trending
